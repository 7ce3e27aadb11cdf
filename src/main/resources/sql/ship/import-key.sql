-- The equality of each of a table's unique indexes on just these columns, in their order. Without such an index: of the types' own.
with wanted as (
    select a.attname, a.attnum, a.atttypid, a.attcollation, k.position
      from unnest(?::text[]) with ordinality k (name, position)
      join pg_attribute a on a.attrelid = ?::bigint::oid and a.attname = k.name and not a.attisdropped
), suitable as (
    select x.indexrelid, x.indkey, x.indclass
      from pg_index x
     where x.indrelid = ?::bigint::oid and x.indisunique and x.indisvalid and x.indimmediate and x.indpred is null
       and (select array_agg(k.attnum order by k.attnum)
              from unnest(x.indkey) with ordinality k (attnum, position) where k.position <= x.indnkeyatts)
           = (select array_agg(w.attnum order by w.attnum) from wanted w)
     order by x.indisprimary desc
     limit 1
)
select w.attname::text                              as column,
       exists (select from suitable)                as "unique",
       -- whether equal values are written in one way only; of these opclasses none is, of interval earlier versions say it
       exists (select from pg_opclass c
                 join pg_amproc p on p.amprocfamily = c.opcfamily and p.amproclefttype = c.opcintype
                                 and p.amprocrighttype = c.opcintype and p.amprocnum = 4
                where c.oid = (select k.class
                                 from suitable s, unnest(s.indkey) with ordinality a (attnum, position)
                                 join unnest(s.indclass) with ordinality k (class, position) using (position)
                                where a.attnum = w.attnum)
                  and c.opcintype <> 'interval'::regtype)
       and coalesce((select l.collisdeterministic from pg_collation l where l.oid = w.attcollation), true) as image,
       (select format('%I.%s', n.nspname, o.oprname)
          from pg_opclass c
          join pg_amop m on m.amopfamily = c.opcfamily and m.amoplefttype = c.opcintype and m.amoprighttype = c.opcintype
                        and m.amopstrategy = 3
          join pg_operator o on o.oid = m.amopopr
          join pg_namespace n on n.oid = o.oprnamespace
         where c.oid = (select k.class
                          from suitable s, unnest(s.indkey) with ordinality a (attnum, position)
                          join unnest(s.indclass) with ordinality k (class, position) using (position)
                         where a.attnum = w.attnum))     as operator
  from wanted w
 order by w.position
