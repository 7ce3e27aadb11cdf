-- What the loader needs to know of some tables. Parameter: their quoted names (text[]).
-- One row a table, in that order; oid is NULL where there is no such table.
select c.oid::int8, c.relkind::text,
       col.names, col.type_oids, col.types, col.plain_types, col.generated, col.identity_always,
       uniq.keys, col.equality
  from pg_catalog.unnest(?::text[]) with ordinality as wanted (name, ord)
  left join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(wanted.name)::oid
  left join lateral (
        select pg_catalog.array_agg(a.attname::text order by a.attnum) as names,
               pg_catalog.array_agg(a.atttypid::int8 order by a.attnum) as type_oids,
               -- a domain's base type: staged values meet the domain's checks when they reach the table itself
               pg_catalog.array_agg(case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod)
                              else pg_catalog.format_type(a.atttypid, a.atttypmod) end || other.collation order by a.attnum) as types,
               pg_catalog.array_agg(case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, -1)
                              else pg_catalog.format_type(a.atttypid, -1) end || other.collation order by a.attnum) as plain_types,
               pg_catalog.array_agg(a.attgenerated <> '' order by a.attnum) as generated,
               pg_catalog.array_agg(a.attidentity = 'a' order by a.attnum) as identity_always,
               pg_catalog.array_agg(equality.operator order by a.attnum) as equality
          from pg_catalog.pg_attribute a
          join pg_catalog.pg_type t on t.oid = a.atttypid
          cross join lateral (
               select coalesce((select ' collate ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.collname)
                                  from pg_catalog.pg_collation o
                                  join pg_catalog.pg_namespace n on n.oid = o.collnamespace
                                 where o.oid = a.attcollation and a.attcollation <> t.typcollation), '') as collation
               ) other
          -- what an index of the type goes by: in another schema for an extension's, pg_catalog's for all that PostgreSQL has itself
          cross join lateral (
               select coalesce((select pg_catalog.format('operator(%I.%s)', n.nspname, o.oprname)
                                  from pg_catalog.pg_opclass k
                                  join pg_catalog.pg_amop s on s.amopfamily = k.opcfamily and s.amopstrategy = 3
                                   and s.amoplefttype = k.opcintype and s.amoprighttype = k.opcintype
                                  join pg_catalog.pg_operator o on o.oid = s.amopopr
                                  join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
                                 where k.opcdefault and k.opcmethod = (select oid from pg_catalog.pg_am where amname = 'btree')
                                   and k.opcintype = case when t.typtype = 'd' then t.typbasetype else t.oid end),
                               'operator(pg_catalog.=)') as operator
               ) equality
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) col on true
  left join lateral (
        -- positions in "names" of each index's key columns, '1 3;2'
        select pg_catalog.string_agg(
                 (select pg_catalog.string_agg(pg_catalog.array_position(col.names, ka.attname::text)::text, ' ')
                    from pg_catalog.unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) as k (attnum)
                    join pg_catalog.pg_attribute ka on ka.attrelid = c.oid and ka.attnum = k.attnum),
                 ';') as keys
          from pg_catalog.pg_index i
         where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate
           and i.indpred is null and i.indexprs is null) uniq on true
 order by wanted.ord
