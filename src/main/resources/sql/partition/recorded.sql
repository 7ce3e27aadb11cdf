-- The partitions on record of a table, with what the catalog has under their names. Parameters: whether to measure
-- (twice), the parent's schema and name.
select r.partition_schema                as schema,
       r.partition_name                  as name,
       r.from_time,
       r.to_time,
       c.oid::bigint                     as oid,
       c.relkind::text                   as kind,
       exists (select from pg_inherits i where i.inhrelid = c.oid) as child,
       case when ? then nullif(c.reltuples, -1)::bigint end        as rows,
       case when ? then pg_catalog.pg_total_relation_size(c.oid) end          as bytes
  from caravan.partition r
  join pg_namespace n on n.nspname = r.partition_schema
  join pg_class c on c.relnamespace = n.oid and c.relname = r.partition_name
 where r.parent_schema = ?::text and r.parent_name = ?::text
 order by r.to_time, r.partition_schema, r.partition_name
