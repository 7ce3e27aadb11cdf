-- PgQ's trigger functions in schema $1 that write values as the session at work has its settings, each with the statement that ends
-- this and whether this role may run it. extra_float_digits = 1 writes as many digits as a number needs.
select p.proname::text as function,
       format('alter function %I.%I() ', n.nspname, p.proname)
       || string_agg(format('set %s = %L', s.name, s.value), ' ' order by s.name) as statement,
       pg_has_role(p.proowner, 'usage') as owned
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 cross join (values ('bytea_output', 'hex'), ('datestyle', 'ISO, YMD'), ('extra_float_digits', '1'),
                    ('intervalstyle', 'postgres'), ('lc_monetary', 'C')) as s (name, value)
 where n.nspname = ? and p.proname in ('logutriga', 'jsontriga') and p.pronargs = 0
   and not exists (select from unnest(p.proconfig) as c (setting)
                    where lower(split_part(setting, '=', 1)) = s.name
                      and (lower(split_part(setting, '=', 2)) = lower(s.value)
                           or s.name = 'datestyle' and lower(split_part(setting, '=', 2)) like 'iso%'
                           or s.name = 'extra_float_digits' and split_part(setting, '=', 2) in ('2', '3')))
 group by p.oid, n.nspname
 order by 1
