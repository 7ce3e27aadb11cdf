-- Locks a consumer's rows in both ledgers and tells where it stands. The commit that follows must be durable: where
-- the session has synchronous_commit off it is switched on for this transaction.
select t.last_tick_id, p.queue, p.source_system, p.source_database, p.tick, p.tick_time,
       pg_catalog.pg_current_xact_id()::text as xact,
       case when pg_catalog.current_setting('synchronous_commit') in ('off', 'local')
            then pg_catalog.set_config('synchronous_commit', 'on', true) end as durable
from (values (cast(? as text))) as c (consumer)
left join lateral (
    select last_tick_id from pgq_ext.completed_tick
    where consumer_id = c.consumer /* and subconsumer */ for update) t on true
left join lateral (
    select * from caravan.position where consumer = c.consumer for update) p on true
