-- The clauses of CREATE TABLE that say how the parent is stored.
select case c.relpersistence when 'u' then 'unlogged ' else '' end as persistence,
       coalesce(' using ' || quote_ident(m.amname), '')
       || coalesce(' with (' || (select string_agg(option, ', ') from (
              select format('%s%s = %L', prefix, split_part(o, '=', 1), substr(o, position('=' in o) + 1)) as option
                from (select '' as prefix, unnest(c.reloptions) as o
                       union all
                      select 'toast.', unnest(toast.reloptions)) as options) as listed) || ')', '')
       || coalesce(' tablespace ' || quote_ident(s.spcname), '')   as clauses,
       c.relreplident = 'i'                                        as replica_identity_index
  from pg_class c
  left join pg_am m on m.oid = c.relam
  left join pg_class toast on toast.oid = nullif(c.reltoastrelid, 0)
  left join pg_tablespace s on s.oid = nullif(c.reltablespace, 0)
 where c.oid = ?::oid
