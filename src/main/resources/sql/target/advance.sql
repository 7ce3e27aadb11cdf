-- Moves a consumer on, in the transaction that loaded its rows: only if it still stands where it was seen, and only in
-- the very transaction it was seen in (a COMMIT smuggled in by a step would have ended that one).
with moved as (
    insert into caravan.position as p
        (consumer, queue, source_system, source_database, tick, tick_time, event_seq, rows, account)
    select ?, ?, ?, ?, ?, ?, ?, ?,
           (select pg_catalog.jsonb_object_agg(fate, events)
              from rows from (pg_catalog.unnest(cast(? as text[])), pg_catalog.unnest(cast(? as int8[]))) as a (fate, events))
    where pg_catalog.pg_current_xact_id()::text = ?::text
    on conflict (consumer) do update
        set queue = excluded.queue, source_system = excluded.source_system, source_database = excluded.source_database,
            tick = excluded.tick, tick_time = excluded.tick_time, event_seq = excluded.event_seq,
            rows = excluded.rows, at = pg_catalog.clock_timestamp(),
            account = case when excluded.account is null then p.account else
                (select pg_catalog.jsonb_object_agg(fate, events)
                   from (select key, pg_catalog.sum(value::int8)
                           from (select * from pg_catalog.jsonb_each_text(p.account)
                                 union all
                                 select * from pg_catalog.jsonb_each_text(excluded.account)) as entry
                          group by key) as total (fate, events))
            end
        where p.tick is not distinct from cast(? as bigint)
    returning p.consumer, p.tick)
select pgq_ext.set_last_tick(consumer, tick), pg_catalog.pg_current_xact_id()::text from moved
