-- What a new partition needs to be like its parent, beyond what CREATE TABLE copies: statements in order, each as the text
-- before and after the partition's name. The two inputs: the parent's oid, and whether it is natively partitioned.
with parent as (
    select c.*, n.nspname, ?::boolean as native
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = ?::oid
)
select 1 as step,
       'alter table ' as before,
       pg_catalog.format(' owner to %I', pg_catalog.pg_get_userbyid(relowner)) as after
  from parent
 where relowner <> (select oid from pg_roles where rolname = current_user)
 union all
-- LIKE copies these for a native partition; INHERITS copies neither keys nor indexes
select 2, 'alter table ', ' add ' || pg_catalog.pg_get_constraintdef(k.oid)
  from parent join pg_constraint k on k.conrelid = parent.oid
 where k.contype in ('p', 'u', 'x') and not native
 union all
select 3,
       case when x.indisunique then 'create unique index on ' else 'create index on ' end,
       -- from USING on: what comes before is the names of the parent's index and of the parent
       pg_catalog.substr(pg_catalog.pg_get_indexdef(x.indexrelid), pg_catalog.length(pg_catalog.format('CREATE %sINDEX %I ON %I.%I',
              case when x.indisunique then 'UNIQUE ' end, i.relname, parent.nspname, parent.relname)) + 1)
  from parent
  join pg_index x on x.indrelid = parent.oid and x.indisvalid
  join pg_class i on i.oid = x.indexrelid
 where not native
   and not exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x'))
 union all
-- there before the load, so that each row is checked as it arrives, and ATTACH has nothing left to check
select 4, 'alter table ', ' add ' || pg_catalog.pg_get_constraintdef(k.oid)
  from parent join pg_constraint k on k.conrelid = parent.oid
 where k.contype = 'f' and k.confrelid <> parent.oid
 union all
-- rows go straight into the partition, which has no identity column; version 17 makes it one at ATTACH
select 5, 'alter table ',
       pg_catalog.format(' alter column %I set default nextval(%L)', a.attname,
              pg_catalog.pg_get_serial_sequence(pg_catalog.format('%I.%I', nspname, relname), a.attname))
  from parent join pg_attribute a on a.attrelid = parent.oid
 where a.attidentity <> '' and not a.attisdropped
 union all
select 6, 'alter table ', case relreplident when 'f' then ' replica identity full' else ' replica identity nothing' end
  from parent
 where relreplident in ('f', 'n')
 union all
select 7,
       pg_catalog.format('grant %s on ', g.privilege_type),
       pg_catalog.format(' to %s%s',
              case g.grantee when 0 then 'public' else pg_catalog.format('%I', pg_catalog.pg_get_userbyid(g.grantee)) end,
              case when g.is_grantable then ' with grant option' else '' end)
  from parent cross join lateral pg_catalog.aclexplode(parent.relacl) as g
 where g.grantee <> parent.relowner
 union all
select 8,
       pg_catalog.format('grant %s (%I) on ', g.privilege_type, a.attname),
       pg_catalog.format(' to %s%s',
              case g.grantee when 0 then 'public' else pg_catalog.format('%I', pg_catalog.pg_get_userbyid(g.grantee)) end,
              case when g.is_grantable then ' with grant option' else '' end)
  from parent
  join pg_attribute a on a.attrelid = parent.oid and not a.attisdropped
 cross join lateral pg_catalog.aclexplode(a.attacl) as g
 union all
-- without policies of its own: others than the owner see its rows through the parent only, as the parent's policies say
select 9, 'alter table ', ' enable row level security'
  from parent
 where relrowsecurity
 order by 1, 2, 3
