-- The partitions of a table, and the tables that have some names, as the catalog has them. Parameters: the parent's oid (null
-- for none), whether to list all of its partitions, the schema of the names, the names, whether its bounds are times, whether
-- they are instants, whether to measure.
-- Bounds are microseconds since 1970, of the instant for timestamptz, else of the local time; those without end are null.
with wanted (parent, everything, schema, names, timed, instants, measured) as (
    values (?::oid, ?::boolean, ?::text, ?::name[], ?::boolean, ?::boolean, ?::boolean)
)
select c.oid::bigint     as oid,
       n.nspname::text   as schema,
       c.relname::text   as name,
       c.relkind::text   as kind,
       child.inhrelid is not null and not pending.detach as attached,
       pending.detach    as pending,
       coalesce(c.oid = p.partdefid, false)              as default_partition,
       case when child.inhrelid is not null then pg_catalog.pg_get_expr(c.relpartbound, c.oid) end as bound,
       bound.low         as low_text,
       bound.high        as high_text,
       case when low.at > '-infinity' then pg_catalog.round(extract(epoch from low.at) operator(pg_catalog.*) 1000000)::bigint end  as low,
       case when high.at < 'infinity' then pg_catalog.round(extract(epoch from high.at) operator(pg_catalog.*) 1000000)::bigint end as high,
       case when w.measured then (select pg_catalog.sum(nullif(l.reltuples, (-1)::real))::bigint
                                    from pg_catalog.pg_partition_tree(c.oid) t join pg_class l on l.oid = t.relid::oid
                                   where t.isleaf) end as rows,
       case when w.measured then (select pg_catalog.sum(pg_catalog.pg_total_relation_size(t.relid))::bigint
                                    from pg_catalog.pg_partition_tree(c.oid) t) end as bytes
  from wanted w
 cross join lateral (
       select inhrelid as oid
         from pg_inherits
        where inhparent = w.parent and w.everything
        union
       select oid
         from pg_class
        where relnamespace = (select oid from pg_namespace where nspname = w.schema) and relname = any (w.names)) as found
  join pg_class c on c.oid = found.oid
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_partitioned_table p on p.partrelid = w.parent
  left join pg_inherits child on child.inhrelid = c.oid and child.inhparent = w.parent
  left join lateral (
       -- a column of PostgreSQL 14 and later: a partition on its way out takes no rows of the parent
       select coalesce((pg_catalog.to_jsonb(child) ->> 'inhdetachpending')::boolean, false) as detach) as pending on true
  left join lateral (
       select case m[1] when 'MINVALUE' then '-infinity' else trim(both '''' from m[1]) end as low,
              case m[2] when 'MAXVALUE' then 'infinity' else trim(both '''' from m[2]) end  as high
         from pg_catalog.regexp_match(
                  pg_catalog.pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM [(]([^,]*)[)] TO [(]([^,]*)[)]$') as m
        where m is not null
       ) as bound on w.timed and child.inhrelid is not null and p.partstrat = 'r' and p.partnatts = 1
  left join lateral (
       select case when w.instants then bound.low::timestamptz at time zone 'UTC' else bound.low::timestamp end as at
       ) as low on true
  left join lateral (
       select case when w.instants then bound.high::timestamptz at time zone 'UTC' else bound.high::timestamp end as at
       ) as high on true
