-- what pgcaravan keeps in this database, as far as it is there
select format('grant usage on schema %I to %s', n.nspname, {role})
  from pg_namespace n
 where n.nspname in ('caravan', 'pgq_ext'{schemas})
    or exists (select from pg_class c
                where c.relnamespace = n.oid and obj_description(c.oid, 'pg_class') like 'pgcaravan: %')
 order by 1 \gexec
select format('grant select on table %I.%I to %s', n.nspname, c.relname, {role})
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r'
   and (n.nspname = 'caravan' or n.nspname = 'pgq_ext' and c.relname = 'completed_tick'
        or obj_description(c.oid, 'pg_class') like 'pgcaravan: %')
 order by 1 \gexec
