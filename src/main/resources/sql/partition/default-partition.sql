-- The default partition of a natively partitioned parent, if it has one.
select n.nspname::text as schema,
       c.relname::text as name,
       (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
          from pg_attribute a
         where a.attrelid = p.partrelid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
       exists (select from pg_constraint f where f.contype = 'f' and f.confrelid = p.partrelid)          as referenced
  from pg_partitioned_table p
  join pg_class c on c.oid = p.partdefid
  join pg_namespace n on n.oid = c.relnamespace
 where p.partrelid = ?::oid
