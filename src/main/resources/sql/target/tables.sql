-- What the loader needs to know of some tables. Parameter: their quoted names (text[]).
-- One row a table, in that order; oid is NULL where there is no such table.
select c.oid::int8, c.relkind::text,
       col.names, col.type_oids, col.types, col.plain_types, col.generated, col.identity_always,
       uniq.keys
  from unnest(?::text[]) with ordinality as wanted (name, ord)
  left join pg_catalog.pg_class c on c.oid = to_regclass(wanted.name)
  left join lateral (
        select array_agg(a.attname::text order by a.attnum) as names,
               array_agg(a.atttypid::int8 order by a.attnum) as type_oids,
               -- a domain's base type: staged values meet the domain's checks when they reach the table itself
               array_agg(case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod)
                              else format_type(a.atttypid, a.atttypmod) end || other.collation order by a.attnum) as types,
               array_agg(case when t.typtype = 'd' then format_type(t.typbasetype, -1)
                              else format_type(a.atttypid, -1) end || other.collation order by a.attnum) as plain_types,
               array_agg(a.attgenerated <> '' order by a.attnum) as generated,
               array_agg(a.attidentity = 'a' order by a.attnum) as identity_always
          from pg_catalog.pg_attribute a
          join pg_catalog.pg_type t on t.oid = a.atttypid
          cross join lateral (
               select coalesce((select ' collate ' || quote_ident(n.nspname) || '.' || quote_ident(o.collname)
                                  from pg_catalog.pg_collation o
                                  join pg_catalog.pg_namespace n on n.oid = o.collnamespace
                                 where o.oid = a.attcollation and a.attcollation <> t.typcollation), '') as collation
               ) other
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) col on true
  left join lateral (
        -- positions in "names" of each index's key columns, '1 3;2'
        select string_agg(
                 (select string_agg(array_position(col.names, ka.attname::text)::text, ' ')
                    from unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) as k (attnum)
                    join pg_catalog.pg_attribute ka on ka.attrelid = c.oid and ka.attnum = k.attnum),
                 ';') as keys
          from pg_catalog.pg_index i
         where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate
           and i.indpred is null and i.indexprs is null) uniq on true
 order by wanted.ord
