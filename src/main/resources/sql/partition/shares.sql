-- The partitions of a natively partitioned parent with what each is for, as text: FOR VALUES IN (…) or WITH (…).
-- Those on their way out (DETACH CONCURRENTLY) take no rows.
select c.oid::bigint                    as oid,
       n.nspname::text                  as schema,
       c.relname::text                  as name,
       pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  join pg_namespace n on n.oid = c.relnamespace
 where i.inhparent = ?::oid
   and not coalesce((pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean, false)
