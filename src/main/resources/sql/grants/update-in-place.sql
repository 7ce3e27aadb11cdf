-- where other rows refer to this table's, or it has row triggers, rows that stay are updated in place
select format('grant update on table %I.%I to %s', n.nspname, c.relname, {role})
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.oid = to_regclass({table})
   and (exists (select from pg_constraint f
                 where f.contype = 'f' and f.confrelid in (select c.oid union select p.relid from pg_partition_tree(c.oid) p))
        or exists (select from pg_trigger g
                    where g.tgrelid in (select c.oid union select p.relid from pg_partition_tree(c.oid) p)
                      and g.tgtype & 1 = 1 and not g.tgisinternal and g.tgenabled <> 'D'
                      and coalesce(obj_description(g.tgfoid, 'pg_proc'), '') not like 'pgcaravan: notes the keys %')) \gexec
