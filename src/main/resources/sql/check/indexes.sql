-- A table's indexes over plain columns for all of its rows. Parameter: its oid.
select i.indisunique and i.indimmediate as is_unique,
       (select array_agg(a.attname::text order by k.n)
          from unnest(i.indkey::int2[]) with ordinality as k (attnum, n)
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
         where k.n <= i.indnkeyatts) as columns
from pg_index i
where i.indrelid = ?::oid and i.indisvalid and i.indpred is null and i.indexprs is null
order by i.indexrelid
