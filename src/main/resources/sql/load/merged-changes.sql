-- Column by column the last value given after the key's last insert or delete. Columns that always come together are a group
-- with a number; it has a provider, the last change with these columns.
insert into {net} (caravan_id, caravan_part, caravan_op, caravan_sig, caravan_search, caravan_spread, {key}{columns})
with k as (
    select {key}, max(caravan_seq) as last, min(caravan_seq) as first,
           max(caravan_seq) filter (where caravan_op <> 'U') as reset,
           min(caravan_part) <> max(caravan_part) or bool_or(caravan_before is not null) as spread
      from {change}
     group by {key}
), v as (
    select n.last{providers}
      from k n
      join {change} s on {same_key} and s.caravan_seq >= coalesce(n.reset, 0)
     where s.caravan_op <> 'D'
     group by n.last
)
select k.last, l.caravan_part,
       case when l.caravan_op = 'D' then 'D' when k.reset is not null then 'R' else 'U' end::"char",
       {signature}, f.caravan_op <> 'I', k.spread, {last_key}{values}
  from k
  join {change} l on l.caravan_seq = k.last
  join {change} f on f.caravan_seq = k.first
  left join v on v.last = k.last{joins}
 order by l.caravan_part
