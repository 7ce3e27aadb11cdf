with wanted (name, rights) as (values {wanted}),
found as (
    select n.nspname, c.relname, w.rights
      from wanted w join pg_class c on c.oid = to_regclass(w.name) join pg_namespace n on n.oid = c.relnamespace
)
select format('grant usage on schema %I to %s', nspname, {role}) from found
union
select format('grant %s on table %I.%I to %s', rights, nspname, relname, {role}) from found
 order by 1 \gexec
