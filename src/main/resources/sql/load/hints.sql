-- Where else than in its new partition a key's row may be.
insert into {hint}
select n.caravan_id, h.part
  from {net} n
  join {change} s on {same_key}
 cross join lateral (values (s.caravan_part), (s.caravan_before)) h (part)
 where n.caravan_spread and h.part <> n.caravan_part
 group by 1, 2
