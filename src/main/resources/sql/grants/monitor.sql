-- what pgcaravan keeps in this database, as far as it is there
with kept as (
    select n.nspname, c.relname
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r'
       and ((n.nspname, c.relname) in (('pgq_ext', 'completed_tick'), ('caravan', 'position'), ('caravan', 'dead_letter'),
                                       ('caravan', 'partition'), ('caravan', 'job'), ('caravan', 'import_set'), ('caravan', 'import_history'))
            or obj_description(c.oid, 'pg_class') like any (array['pgcaravan: the change sets of %', 'pgcaravan: keys of changed rows of %']))
)
select format('grant usage on schema %I to %s', nspname, {role}) from kept
union
select format('grant usage on schema %I to %s', nspname, {role}) from pg_namespace
 where nspname in ({schemas}) and to_regclass('caravan.position') is not null
union
select format('grant select on table %I.%I to %s', nspname, relname, {role}) from kept
 order by 1 \gexec
