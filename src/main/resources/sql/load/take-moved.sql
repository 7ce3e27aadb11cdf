-- Takes rows to be updated out of another partition than their last event names.
with gone as (
    delete from {table} p using {net} n, {which} w
     where w.caravan_id = n.caravan_id and {condition} and {same_key} and n.caravan_op = 'U'
       and exists (select from {missed} m where m.caravan_id = n.caravan_id)
    returning n.caravan_id, {values}
)
insert into {moved} (caravan_id, caravan_home, {columns}) select caravan_id, {number}, {columns} from gone
