-- A table that is imported into. No row where there is no such table.
with accepted as (
    select c.oid, c.relkind
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ? and c.relname = ?
), member as (
    select oid as relid from accepted
    union
    select p.relid from accepted, pg_partition_tree(accepted.oid) p
)
select t.oid::bigint as oid,
       t.relkind::text as kind,
       exists (select from pg_inherits i where i.inhparent = t.oid and t.relkind <> 'p') as inherits,
       (select array_agg(a.attname::text order by a.attnum)
          from pg_attribute a
         where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped)                       as columns,
       (select array_agg(a.attname::text)
          from pg_attribute a
         where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated <> '') as generated,
       (select array_agg(a.attname::text)
          from pg_attribute a
         where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attidentity = 'a') as always,
       -- rows that refer to this table would go with what is deleted here, or forbid it
       (select min(f.conname || ' of ' || f.conrelid::regclass)
          from pg_constraint f
         where f.contype = 'f' and f.confrelid in (select relid from member))                    as referred_by,
       exists (select from pg_constraint f
                where f.contype = 'f' and f.confrelid in (select relid from member) and f.confdeltype not in ('a', 'r')) as cascades,
       -- only NO ACTION waits for the end of the statement that takes a row away
       not exists (select from pg_constraint f
                    where f.contype = 'f' and f.confrelid in (select relid from member) and f.confdeltype <> 'a') as waits,
       -- triggers would take an updated row for one that was deleted and another that was inserted
       (select min(g.tgname)
          from pg_trigger g
         where g.tgrelid in (select relid from member) and g.tgtype & 1 = 1 and not g.tgisinternal and g.tgenabled <> 'D'
           and coalesce(obj_description(g.tgfoid, 'pg_proc'), '') not like 'pgcaravan: notes the keys %') as row_trigger
  from accepted t
