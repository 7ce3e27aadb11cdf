-- What keeps tables from being truncated: foreign keys of other tables, and (name null) constraints whose checks may be waiting.
-- Parameter: the tables' oids (bigint[], three times).
select pg_catalog.format('%I.%I', n.nspname, k.conname) as name, pg_catalog.format('%I.%I', n.nspname, c.relname) as "table",
       k.condeferrable as deferrable, k.confdeltype in ('c', 'n', 'd') as cascades
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where k.contype = 'f' and k.confrelid = any (?::bigint[]::oid[]) and k.conparentid = 0::oid
   and not k.conrelid = any (?::bigint[]::oid[])
 union all
select null, null, true, false
 where exists (select from pg_catalog.pg_trigger g where g.tgrelid = any (?::bigint[]::oid[]) and g.tgdeferrable)
