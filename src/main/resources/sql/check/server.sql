-- Who answers, and as whom.
select current_setting('server_version') as version,
       current_setting('server_version_num')::int as number,
       current_database() as database,
       current_user as role,
       current_setting('server_encoding') as encoding,
       pg_is_in_recovery() as standby,
       has_database_privilege(current_database()::text, 'temp') as temporary_tables
