-- What net rows have in common.
select caravan_part, caravan_sig, caravan_op, caravan_search, count(*)
  from {net}
 group by 1, 2, 3, 4
 order by 1, 2, 3, 4
