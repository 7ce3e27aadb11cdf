-- Updates that did not find their row in their partition.
insert into {missed}
select n.caravan_id
  from {net} n
 where {condition} and not exists (select from {table} p where {same_row})
