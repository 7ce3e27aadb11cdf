-- A table that is exported. No row where there is no such table.
with recursive tracked as (
    select c.oid, c.relkind, c.relispartition, c.relpersistence, c.relfilenode
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ? and c.relname = ?
), used (type) as (
    -- the types that its values are made of
    select a.atttypid
      from tracked t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    union
    select part.type
      from used u join pg_type y on y.oid = u.type
     cross join lateral (
            select y.typelem
            union all
            select y.typbasetype
            union all
            select r.rngsubtype from pg_range r where y.oid::text in (r.rngtypid::text, to_jsonb(r) ->> 'rngmultitypid')
            union all
            select a.atttypid from pg_attribute a where a.attrelid = y.typrelid and a.attnum > 0 and not a.attisdropped
           ) part (type)
     where part.type <> 0
)
select t.oid::bigint                                                             as oid,
       t.relkind::text                                                           as kind,
       t.relpersistence = 'p'                                                    as permanent,
       t.relispartition                                                          as is_partition,
       exists (select from pg_subscription_rel s where s.srrelid = t.oid)        as subscribed,
       exists (select from pg_inherits i join pg_class p on p.oid = i.inhparent
                where i.inhrelid = t.oid and p.relkind <> 'p')
       or exists (select from pg_inherits i where i.inhparent = t.oid and t.relkind <> 'p') as inherits,
       -- what is generated is generated at the target, too
       (select array_agg(a.attname::text order by a.attnum)
          from pg_attribute a
         where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
       (select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
          from pg_attribute a
         where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as column_line,
       (select string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum)
          from pg_attribute a
         where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as described,
       -- what changes where values may be written in another way though the columns are the same: the file, the columns' numbers,
       -- the attributes of composite types, and the labels of enums; labels that are added come last
       concat_ws(';', t.relfilenode,
           (select string_agg(a.attnum::text, ',' order by a.attnum)
              from pg_attribute a
             where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''),
           (select coalesce(string_agg(a.attrelid || '.' || a.attnum, ',' order by a.attrelid, a.attnum), '')
              from used u join pg_type y on y.oid = u.type and y.typrelid <> 0
              join pg_attribute a on a.attrelid = y.typrelid and a.attnum > 0 and not a.attisdropped),
           (select coalesce(string_agg(left(md5(e.enumlabel), 8) || ',', '' order by e.oid), '')
              from used u join pg_enum e on e.enumtypid = u.type))              as layout,
       (select array_agg(a.attname::text order by k.position)
          from pg_index x
         cross join unnest(x.indkey) with ordinality k (attnum, position)
          join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.attnum
         where x.indrelid = t.oid and x.indisprimary and k.position <= x.indnkeyatts)    as key,
       -- a name alone would be looked for in the search path, and types of extensions have their operators elsewhere
       (select array_agg(format('%I.%s', n.nspname, o.oprname) order by k.position)
          from pg_index x
         cross join unnest(x.indclass) with ordinality k (class, position)
          join pg_opclass c on c.oid = k.class
          join pg_amop m on m.amopfamily = c.opcfamily and m.amoplefttype = c.opcintype and m.amoprighttype = c.opcintype
                        and m.amopstrategy = 3
          join pg_operator o on o.oid = m.amopopr
          join pg_namespace n on n.oid = o.oprnamespace
         where x.indrelid = t.oid and x.indisprimary and k.position <= x.indnkeyatts)    as operators,
       -- whether equal keys are written in one way only; of interval earlier versions say it
       (select bool_and(c.opcintype <> 'interval'::regtype
                        and coalesce(l.collisdeterministic, true)
                        and exists (select from pg_amproc p
                                     where p.amprocfamily = c.opcfamily and p.amproclefttype = c.opcintype
                                       and p.amprocrighttype = c.opcintype and p.amprocnum = 4))
          from pg_index x
         cross join unnest(x.indclass, x.indcollation) k (class, coll)
          join pg_opclass c on c.oid = k.class
          left join pg_collation l on l.oid = k.coll
         where x.indrelid = t.oid and x.indisprimary)                                   as image,
       (select array_agg(a.attname::text order by a.attnum)
          from pg_attribute a
         where a.attrelid = to_regclass(?) and a.attnum > 0 and not a.attisdropped)     as tracking_columns,
       (select sum(greatest(c.reltuples, 0))::bigint
          from pg_class c
         where c.oid = t.oid or c.oid in (select p.relid from pg_partition_tree(t.oid) p where p.isleaf)) as rows,
       (select array_agg(distinct f.confrelid::bigint)
          from pg_constraint f
         where f.conrelid = t.oid and f.contype = 'f')                                  as refers_to
  from tracked t
