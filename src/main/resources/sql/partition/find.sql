-- The tables that have one of these names, and all partitions of a natively partitioned parent with their bounds.
-- Bounds are microseconds since 1970, of the instant for timestamptz, else of the local time; those without end are null.
select c.oid::bigint     as oid,
       n.nspname::text   as schema,
       c.relname::text   as name,
       c.relkind::text   as kind,
       child.inhrelid is not null and not pending.detach as child,
       pending.detach    as pending,
       bound.present     as bounded,
       bound.low         as low_text,
       bound.high        as high_text,
       case when low.at > '-infinity' then pg_catalog.round(extract(epoch from low.at) * 1000000)::bigint end  as low,
       case when high.at < 'infinity' then pg_catalog.round(extract(epoch from high.at) * 1000000)::bigint end as high
  from (select inhrelid as oid
          from pg_inherits
         where inhparent = ?::oid and ?
         union
        select oid
          from pg_class
         where relnamespace = (select oid from pg_namespace where nspname = ?::text) and relname = any (?::name[])) as found
  join pg_class c on c.oid = found.oid
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_inherits child
    on child.inhrelid = c.oid and child.inhparent = ?::oid
  left join lateral (
       -- a column of PostgreSQL 14 and later: a partition on its way out takes no rows of the parent
       select coalesce((pg_catalog.to_jsonb(child) ->> 'inhdetachpending')::boolean, false) as detach) as pending on true
  left join lateral (
       select bounds is not null as present,
              case bounds[1] when 'MINVALUE' then '-infinity' else trim(both '''' from bounds[1]) end as low,
              case bounds[2] when 'MAXVALUE' then 'infinity' else trim(both '''' from bounds[2]) end  as high
         from pg_catalog.regexp_match(
                  pg_catalog.pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM [(]([^,]*)[)] TO [(]([^,]*)[)]$') as bounds
       ) as bound on child.inhrelid is not null and not pending.detach and ?
  left join lateral (
       select case when ? then bound.low::timestamptz at time zone 'UTC' else bound.low::timestamp end as at
       ) as low on bound.present
  left join lateral (
       select case when ? then bound.high::timestamptz at time zone 'UTC' else bound.high::timestamp end as at
       ) as high on bound.present
