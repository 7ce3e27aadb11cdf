-- What keeps a partition from going. Parameter: its oid. A foreign key that references the parent is no such thing: it
-- comes with each partition, and PostgreSQL itself looks whether rows are referenced.
with recursive tree (oid) as (
    select ?::oid
     union all
    select i.inhrelid
      from tree
      join pg_inherits i on i.inhparent = tree.oid
      join pg_class c on c.oid = i.inhrelid and c.relispartition
)
select true as foreign_key, pg_catalog.format('the foreign key %I of %s references it', k.conname, k.conrelid::regclass) as what
  from pg_constraint k
 where k.contype = 'f' and k.conparentid = 0::oid
   and k.confrelid in (select oid from tree) and k.conrelid not in (select oid from tree)
 union
select false, pg_catalog.format('the view %s is made of it', w.ev_class::regclass)
  from pg_depend d
  join pg_rewrite w on d.classid = 'pg_catalog.pg_rewrite'::regclass::oid and w.oid = d.objid
 where d.refclassid = 'pg_catalog.pg_class'::regclass::oid and d.refobjid in (select oid from tree) and d.deptype = 'n'
   and w.ev_class not in (select oid from tree)
 union
select false, pg_catalog.format('the function %s uses it', d.objid::regprocedure)
  from pg_depend d
 where d.classid = 'pg_catalog.pg_proc'::regclass::oid and d.refclassid = 'pg_catalog.pg_class'::regclass::oid and d.deptype = 'n'
   and d.refobjid in (select oid from tree)
 union
select false, pg_catalog.format('the table %s inherits from it', i.inhrelid::regclass)
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid and not c.relispartition
 where i.inhparent in (select oid from tree)
 order by 1 desc, 2
