-- How many rows tables have, about: what the statistics counted, else what the last ANALYZE saw. Parameter: their oids (bigint[]).
select c.oid::bigint as oid,
       coalesce(nullif(sum(pg_stat_get_live_tuples(coalesce(t.relid, c.oid))), 0), sum(nullif(l.reltuples, -1)), 0)::bigint as rows
  from unnest(?::bigint[]) wanted (oid)
  join pg_class c on c.oid = wanted.oid::oid
  left join lateral (select relid from pg_partition_tree(c.oid) where isleaf) t on true
  left join pg_class l on l.oid = coalesce(t.relid, c.oid)
 group by c.oid
