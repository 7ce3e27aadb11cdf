-- The last version of each key in each partition.
insert into {net} (caravan_id, caravan_part, caravan_op, caravan_sig, caravan_search, caravan_spread, {columns})
select distinct on (caravan_part, {key}) caravan_seq, caravan_part, caravan_op, caravan_set::text, false, false, {columns}
  from {change}
 order by caravan_part, {key}, caravan_seq desc
