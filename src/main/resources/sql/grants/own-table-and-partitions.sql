-- To attach, detach and drop partitions, and to inherit from a table, a role has to own it.
with recursive tree (oid) as (
    select to_regclass({table})::oid
    union
    select inhrelid from pg_inherits join tree on inhparent = tree.oid
)
select format('alter table %I.%I owner to %s', n.nspname, c.relname, {role})
  from tree join pg_class c on c.oid = tree.oid join pg_namespace n on n.oid = c.relnamespace
 order by c.oid \gexec
