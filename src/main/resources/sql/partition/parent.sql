-- What the destination table is, and what its column that places rows is. One row, also where there is no such table.
select c.oid::bigint                                as oid,
       coalesce(n.nspname, pg_catalog.current_schema())::text  as schema,
       c.relname::text                              as name,
       c.relkind::text                              as kind,
       p.partstrat::text                            as strategy,
       p.partnatts                                  as key_columns,
       k.attname::text                              as key_column,
       nullif(p.partdefid, 0::oid)::bigint               as default_partition,
       case t.typtype when 'd' then t.typbasetype else t.oid end::regtype::text as column_type,
       case t.typtype when 'd' then t.typtypmod else a.atttypmod end            as column_typmod,
       case t.typtype when 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod)
                      else pg_catalog.format_type(a.atttypid, a.atttypmod) end                     as column_definition,
       coalesce((select pg_catalog.format('operator(%I.%s)', ns.nspname, o.oprname)
                   from pg_catalog.pg_opclass oc
                   join pg_catalog.pg_amop s on s.amopfamily = oc.opcfamily and s.amopstrategy = 3
                    and s.amoplefttype = oc.opcintype and s.amoprighttype = oc.opcintype
                   join pg_catalog.pg_operator o on o.oid = s.amopopr
                   join pg_catalog.pg_namespace ns on ns.oid = o.oprnamespace
                  where oc.opcdefault and oc.opcmethod = (select oid from pg_catalog.pg_am where amname = 'btree')
                    and oc.opcintype = case when t.typtype = 'd' then t.typbasetype else t.oid end),
                'operator(pg_catalog.=)')                      as column_equality,
       pg_catalog.current_setting('TimeZone')                  as session_time_zone,
       exists (select from pg_trigger g
                where g.tgrelid = c.oid and not g.tgisinternal and g.tgtype & 1 = 1) as row_triggers,
       exists (select from pg_constraint f
                where f.conrelid = c.oid and f.contype = 'f' and f.confrelid = c.oid) as references_itself,
       exists (select from pg_constraint f
                where f.conrelid = c.oid and f.condeferrable)                         as deferrable_constraints,
       -- from version 17 on a partition's identity column is its parent's
       array(select a.attname::text from pg_attribute a
              where a.attrelid = c.oid and a.attidentity <> '' and not a.attisdropped
                and c.relkind = 'p' and pg_catalog.current_setting('server_version_num')::int >= 170000) as shared_identities
  from (select pg_catalog.to_regclass(?::text)::oid as oid) as wanted
  left join pg_class c on c.oid = wanted.oid
  left join pg_namespace n on n.oid = c.relnamespace
  left join pg_partitioned_table p on p.partrelid = c.oid
  left join pg_attribute k on k.attrelid = c.oid and k.attnum = p.partattrs[0] and k.attnum > 0
  left join pg_attribute a on a.attrelid = c.oid and a.attname = ?::text and a.attnum > 0 and not a.attisdropped
  left join pg_type t on t.oid = a.atttypid
