-- Names, for each new partition, the index that is the same as the one its parent is identified by for replication.
select pg_catalog.format('alter table %I.%I replica identity using index %I', n.nspname, c.relname, own.relname)
  from pg_index p
  join pg_class parent on parent.oid = p.indrelid
  join pg_class c on c.relnamespace = (select oid from pg_namespace where nspname = ?::text) and c.relname = any (?::name[])
  join pg_namespace n on n.oid = c.relnamespace
  join pg_index x on x.indrelid = c.oid
  join pg_class own on own.oid = x.indexrelid
 where p.indrelid = ?::oid and p.indisreplident
   and x.indisunique and x.indimmediate and x.indpred is null
   and (select pg_catalog.array_agg(a.attname order by k.n)
          from pg_catalog.unnest(x.indkey::int[]) with ordinality as k (attnum, n)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum)
     operator(pg_catalog.=) (select pg_catalog.array_agg(a.attname order by k.n)
          from pg_catalog.unnest(p.indkey::int[]) with ordinality as k (attnum, n)
          join pg_attribute a on a.attrelid = parent.oid and a.attnum = k.attnum)
