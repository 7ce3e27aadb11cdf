-- The partitions of a table as the catalog has them. Parameters: whether to measure (twice), whether bounds are times,
-- whether they are instants (twice), the parent's oid. Bounds are microseconds since 1970, of the instant or of the local time; null without end.
select c.oid::bigint                        as oid,
       n.nspname::text                      as schema,
       c.relname::text                      as name,
       c.relkind::text                      as kind,
       -- a column of PostgreSQL 14 and later
       coalesce((pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean, false) as pending,
       coalesce(c.oid = p.partdefid, false) as default_partition,
       pg_catalog.pg_get_expr(c.relpartbound, c.oid)   as bound,
       bounds.low                           as low_text,
       bounds.high                          as high_text,
       case when low.at > '-infinity' then pg_catalog.round(extract(epoch from low.at) * 1000000)::bigint end  as low,
       case when high.at < 'infinity' then pg_catalog.round(extract(epoch from high.at) * 1000000)::bigint end as high,
       case when ? then (select pg_catalog.sum(nullif(l.reltuples, -1))::bigint
                           from pg_catalog.pg_partition_tree(c.oid) t join pg_class l on l.oid = t.relid::oid
                          where t.isleaf) end as rows,
       case when ? then (select pg_catalog.sum(pg_catalog.pg_total_relation_size(t.relid))::bigint
                           from pg_catalog.pg_partition_tree(c.oid) t) end as bytes
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_partitioned_table p on p.partrelid = i.inhparent
  left join lateral (
       select case m[1] when 'MINVALUE' then '-infinity' else trim(both '''' from m[1]) end as low,
              case m[2] when 'MAXVALUE' then 'infinity' else trim(both '''' from m[2]) end  as high
         from pg_catalog.regexp_match(
                  pg_catalog.pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM [(]([^,]*)[)] TO [(]([^,]*)[)]$') as m
        where ? and m is not null and p.partstrat = 'r' and p.partnatts = 1
       ) as bounds on true
  left join lateral (
       select case when ? then bounds.low::timestamptz at time zone 'UTC' else bounds.low::timestamp end as at
       ) as low on true
  left join lateral (
       select case when ? then bounds.high::timestamptz at time zone 'UTC' else bounds.high::timestamp end as at
       ) as high on true
 where i.inhparent = ?::oid
 order by high.at, n.nspname, c.relname
