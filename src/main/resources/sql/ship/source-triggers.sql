-- The tracking triggers of a table and of its partitions; a line without a trigger for one that has none.
select m.relid::bigint          as member,
       m.relid::regclass::text  as name,
       c.relkind::text          as kind,
       c.relpersistence = 'p'   as permanent,
       c.relfilenode::bigint    as file,
       g.oid::bigint            as trigger,
       g.tgtype::int            as type,
       g.tgnargs > 0            as replicated,
       g.tgenabled::text        as enabled,
       g.xmin::text             as version
  from (select ?::oid as relid
        union
        select t.relid from pg_partition_tree(?::oid) t) m
  join pg_class c on c.oid = m.relid
  left join pg_trigger g on g.tgrelid = m.relid and g.tgfoid = to_regprocedure(?)
 order by m.relid, g.oid
