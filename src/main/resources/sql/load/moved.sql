-- What rows that were taken out of their partition have in common.
select n.caravan_part, n.caravan_sig, m.caravan_home
  from {moved} m
  join {net} n on n.caravan_id = m.caravan_id
 group by 1, 2, 3
 order by 1, 2, 3
