-- The clauses of CREATE TABLE that say how the parent is stored.
select case c.relpersistence when 'u' then 'unlogged ' else '' end as persistence,
       coalesce(' using ' || pg_catalog.quote_ident(m.amname), '')
       || coalesce(' with (' || (select pg_catalog.string_agg(option, ', ') from (
              select pg_catalog.format('%s%s = %L', prefix, pg_catalog.split_part(o, '=', 1), pg_catalog.substr(o, position('=' in o) + 1)) as option
                from (select '' as prefix, pg_catalog.unnest(c.reloptions) as o
                       union all
                      select 'toast.', pg_catalog.unnest(toast.reloptions)) as options) as listed) || ')', '')
       || coalesce(' tablespace ' || pg_catalog.quote_ident(s.spcname), '')   as clauses,
       c.relreplident = 'i'                                        as replica_identity_index
  from pg_class c
  left join pg_am m on m.oid = c.relam
  left join pg_class toast on toast.oid = nullif(c.reltoastrelid, 0::oid)
  left join pg_tablespace s on s.oid = nullif(c.reltablespace, 0::oid)
 where c.oid = ?::oid
