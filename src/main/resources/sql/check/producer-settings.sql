-- Settings of roles, databases and the server that other sessions in this database start with, which change how values are written
-- or keep triggers from firing. This session's own come from its driver where the source is "client", and say nothing then.
select case when role is null and database is null then 'the server'
            else concat_ws(' in ', 'role "' || role || '"', 'database "' || database || '"') end as who,
       name, value
  from (select r.rolname as role, d.datname as database,
               lower(split_part(c, '=', 1)) as name, substr(c, position('=' in c) + 1) as value
          from pg_catalog.pg_db_role_setting s
         cross join unnest(s.setconfig) as c
          left join pg_catalog.pg_roles r on r.oid = s.setrole
          left join pg_catalog.pg_database d on d.oid = s.setdatabase
         where s.setdatabase = 0 or d.datname = current_database()
        union all
        select null, null, lower(name), setting
          from pg_catalog.pg_settings
         where source in ('configuration file', 'command line', 'environment variable')) as settings
 where case name when 'datestyle' then value !~* '^iso'
                 when 'intervalstyle' then value <> 'postgres'
                 when 'extra_float_digits' then value::int < 1
                 when 'bytea_output' then value <> 'hex'
                 when 'lc_monetary' then value !~* '^(C|POSIX|en_US)' and ?
                 when 'session_replication_role' then value <> 'origin'
                 else false end
 order by name, role nulls first, database nulls first
