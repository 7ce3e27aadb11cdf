-- The last version of each key, where all changes have the same columns.
insert into {net} (caravan_id, caravan_part, caravan_op, caravan_sig, caravan_search, caravan_spread, {columns})
select *
  from (select distinct on ({key}) caravan_seq, caravan_part,
               case when caravan_op = 'D' then 'D' when replaced then 'R' else 'U' end::"char", '1',
               first_op <> 'I', spread, {columns}
          from (select *, bool_or(caravan_op <> 'U') over k as replaced,
                       last_value(caravan_op) over k as first_op,
                       min(caravan_part) over k <> max(caravan_part) over k
                           or bool_or(caravan_before is not null) over k as spread
                  from {change}
                window k as (partition by {key} order by caravan_seq desc
                             rows between unbounded preceding and unbounded following)) w
         order by {key}, caravan_seq desc) last
 order by caravan_part
