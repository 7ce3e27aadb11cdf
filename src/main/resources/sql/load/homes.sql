-- Which tables hold rows that are looked for.
select distinct p.tableoid::int8
  from {table} p
  join {net} n on {same_key}
  join {wanted} w on w.caravan_id = n.caravan_id
