-- Rows that have to be looked for in all partitions.
insert into {wanted}
select n.caravan_id
  from {net} n
 where n.caravan_op = 'U'
   and exists (select from {missed} m where m.caravan_id = n.caravan_id)
   and not exists (select from {moved} m where m.caravan_id = n.caravan_id)
    or n.caravan_op <> 'U' and n.caravan_search
   and not exists (select from {found} f where f.caravan_id = n.caravan_id)
