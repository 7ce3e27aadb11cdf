-- The last batch of each consumer, as the target has it. A target of an earlier version has no account.
select p.consumer, p.queue, p.source_system, p.source_database, p.tick, p.tick_time, p.event_seq, p.rows, p.at,
       a.fates, a.events
  from caravan.position p,
       lateral (select pg_catalog.array_agg(key order by key) as fates, pg_catalog.array_agg(value::int8 order by key) as events
                  from pg_catalog.jsonb_each_text(nullif(pg_catalog.to_jsonb(p) -> 'account', 'null'))) a
 order by p.consumer
