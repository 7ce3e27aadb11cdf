-- The triggers of PgQ's functions (in schema $1) with their tables' columns and keys. Their arguments, of which the first is
-- the queue, are bytes that end in zeros.
select t.tgname::text as trigger, n.nspname::text as schema, c.relname::text as table, p.proname::text as function,
       t.tgenabled <> 'D' as enabled, t.tgtype::int as events, t.tgargs as arguments,
       cols.names, cols.types, cols.not_null,
       (select array_agg(a.attname::text order by k.n)
          from pg_index i
         cross join unnest(i.indkey::int2[]) with ordinality as k (attnum, n)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
         where i.indrelid = c.oid and i.indisprimary) as key
from pg_trigger t
join pg_proc p on p.oid = t.tgfoid
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select array_agg(a.attname::text order by a.attnum) as names,
           array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum) as types,
           array_agg(a.attnotnull order by a.attnum) as not_null
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) cols
where not t.tgisinternal and t.tgparentid = 0 and t.tgnargs > 0
  and p.pronamespace = (select oid from pg_namespace where nspname = ?)
order by n.nspname, c.relname, t.tgname
