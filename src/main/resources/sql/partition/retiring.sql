-- What retention has begun with partitions of a table and not finished. Parameters: the parent's schema and name.
select r.partition_oid::bigint as oid,
       r.partition_schema      as schema,
       r.partition_name        as name,
       r.to_time,
       r.action,
       c.oid is not null       as there,
       c.relkind::text         as kind,
       exists (select from pg_inherits i where i.inhrelid = c.oid) as child
  from caravan.retired_partition r
  left join (pg_class c join pg_namespace n on n.oid = c.relnamespace)
    on c.oid = r.partition_oid and c.relname = r.partition_name and n.nspname = r.partition_schema
 where r.parent_schema = ?::text and r.parent_name = ?::text and r.done_at is null
 order by r.id
