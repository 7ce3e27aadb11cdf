-- Inserts updated rows with what they were in their old partition.
insert into {table} ({columns}) overriding system value
select {values}
  from (select distinct on (caravan_id) * from {moved} order by caravan_id) m
  join {net} n on n.caravan_id = m.caravan_id
 where n.caravan_part = {part} and n.caravan_sig = '{signature}' and m.caravan_home = {number}
