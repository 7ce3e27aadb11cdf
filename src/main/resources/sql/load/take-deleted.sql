-- Deletes rows of another partition than their last event names.
with gone as (
    delete from {table} p using {net} n, {which} w
     where w.caravan_id = n.caravan_id and {condition} and {same_key} and n.caravan_op <> 'U'
    returning n.caravan_id
)
insert into {found} select caravan_id from gone
