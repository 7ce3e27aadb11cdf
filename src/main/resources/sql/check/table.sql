-- A table that is written to: its columns and what the role may do. Parameter: its quoted name.
select c.oid::bigint as oid, c.relkind::text as kind, cols.names, cols.types, cols.required, cols.not_null, cols.writable,
       concat_ws(', ',
           case when not has_table_privilege(c.oid, 'insert') then 'INSERT' end,
           case when not has_table_privilege(c.oid, 'select') then 'SELECT' end,
           case when not has_table_privilege(c.oid, 'update') then 'UPDATE' end,
           case when not has_table_privilege(c.oid, 'delete') then 'DELETE' end,
           case when not has_table_privilege(c.oid, 'truncate') then 'TRUNCATE' end) as lacking,
       (select string_agg(i.inhrelid::regclass::text, ', ' order by i.inhrelid)
          from pg_inherits i
         where i.inhparent = c.oid and not has_table_privilege(i.inhrelid, 'insert')) as closed_partitions,
       (select string_agg(i.inhrelid::regclass::text, ', ' order by i.inhrelid)
          from pg_inherits i join pg_class p on p.oid = i.inhrelid
         where i.inhparent = c.oid and c.relrowsecurity and not p.relrowsecurity) as open_partitions
from pg_class c
cross join lateral (
    select array_agg(a.attname::text order by a.attnum) as names,
           array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum) as types,
           array_agg(a.attnotnull and not a.atthasdef and a.attidentity = '' order by a.attnum) as required,
           array_agg(a.attnotnull order by a.attnum) as not_null,
           array_agg(a.attgenerated = '' order by a.attnum) as writable
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) cols
where c.oid = pg_catalog.to_regclass(cast(? as text))::oid
