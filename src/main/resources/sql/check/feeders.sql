-- The triggers of PgQ's functions (in schema $1) with their tables' columns and keys. Their arguments, of which the first is
-- the queue, are bytes that end in zeros. "silent" names the tables whose rows do not fire a trigger (itself, or its clones on
-- partitions): disabled, or only for what replication applies, or not for that where a subscription writes the table.
select t.tgname::text as trigger, n.nspname::text as schema, c.relname::text as table, p.proname::text as function,
       t.tgenabled::text as enabled, t.tgtype::int as events, t.tgargs as arguments,
       cols.names, cols.types, cols.not_null, silent.tables as silent, replicated.tables as replicated,
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
cross join lateral (
    -- the clones have the trigger's function and arguments
    select array_agg(format('%I.%I', ns.nspname, kc.relname) order by k.tgrelid) filter (where k.tgenabled in ('D', 'R')) as tables
      from (select tgrelid, tgenabled from pg_trigger where oid = t.oid
            union all
            select k.tgrelid, k.tgenabled
              from pg_partition_tree(c.oid) as leaf
              join pg_trigger k on k.tgrelid = leaf.relid and k.tgparentid <> 0
                               and k.tgfoid = t.tgfoid and k.tgargs = t.tgargs and k.tgtype = t.tgtype) as k
      join pg_class kc on kc.oid = k.tgrelid
      join pg_namespace ns on ns.oid = kc.relnamespace) silent
cross join lateral (
    select array_agg(format('%I.%I', ns.nspname, kc.relname) order by k.tgrelid) as tables
      from pg_trigger k
      join pg_subscription_rel s on s.srrelid = k.tgrelid
      join pg_class kc on kc.oid = k.tgrelid
      join pg_namespace ns on ns.oid = kc.relnamespace
     where k.tgenabled = 'O' and k.tgfoid = t.tgfoid and k.tgargs = t.tgargs and k.tgtype = t.tgtype
       and (k.oid = t.oid or k.tgparentid <> 0 and k.tgrelid in (select relid from pg_partition_tree(c.oid)))) replicated
where not t.tgisinternal and t.tgparentid = 0 and t.tgnargs > 0
  and p.pronamespace = (select oid from pg_namespace where nspname = ?)
order by n.nspname, c.relname, t.tgname
