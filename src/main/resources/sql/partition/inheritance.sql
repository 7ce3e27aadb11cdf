-- What a table inherits from. Parameters: the table's oid, schema and name. No row where it is no longer there.
select i.inhparent::bigint                                            as parent,
       -- a column of PostgreSQL 14 and later
       coalesce((pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean, false) as pending,
       pg_catalog.pg_get_expr(c.relpartbound, c.oid)                             as bound
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_inherits i on i.inhrelid = c.oid
 where c.oid = ?::oid and n.nspname = ?::text and c.relname = ?::text
