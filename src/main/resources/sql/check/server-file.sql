-- What the configuration files say of the settings that a JDBC driver sets in its sessions; for superusers.
select 'the server' as who, lower(name) as name, setting as value
  from pg_catalog.pg_file_settings
 where applied and (lower(name) = 'datestyle' and setting !~* '^iso'
                    or lower(name) = 'extra_float_digits' and setting::int < 1)
