-- The columns of a table that is compared, one a line. No line where there is no such table.
with recursive compared as (
    select c.oid, c.relkind
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ? and c.relname = ?
), base as (
    select a.attnum, a.atttypid as type
      from compared t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    union all
    select b.attnum, d.typbasetype
      from base b join pg_type d on d.oid = b.type and d.typtype = 'd'
)
select t.relkind::text                                   as kind,
       a.attname::text                                   as name,
       format_type(a.atttypid, a.atttypmod)              as type,
       a.attgenerated <> ''                              as generated,
       exists (select from base b
                where b.attnum = a.attnum and b.type in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)) as whole,
       (select k.position
          from pg_index x cross join unnest(x.indkey) with ordinality k (attnum, position)
         where x.indrelid = t.oid and x.indisprimary and k.attnum = a.attnum and k.position <= x.indnkeyatts) as key_position,
       -- where nothing was analyzed yet, rows of 64 bytes
       (select sum(greatest(m.reltuples::bigint, case when m.relkind in ('r', 'm') then pg_relation_size(m.oid) / 64 else 0 end))::bigint
          from pg_class m
         where m.oid = t.oid or m.oid in (select p.relid from pg_partition_tree(t.oid) p where p.isleaf)) as rows
  from compared t
  join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
 order by a.attnum
