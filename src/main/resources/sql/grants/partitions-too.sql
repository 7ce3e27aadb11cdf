-- the partitions that are there, where rows are found and changed directly
with recursive tree (oid) as (
    select inhrelid from pg_inherits where inhparent = to_regclass({table})
    union
    select inhrelid from pg_inherits join tree on inhparent = tree.oid
)
select format('grant %s on table %I.%I to %s', {rights}, n.nspname, c.relname, {role})
  from tree join pg_class c on c.oid = tree.oid join pg_namespace n on n.oid = c.relnamespace
 order by c.oid \gexec
