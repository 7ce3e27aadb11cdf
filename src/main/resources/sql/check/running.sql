-- Whether a job holds the lock on a consumer's name.
select exists (select from pg_locks l
               where locktype = 'advisory' and objsubid = 1
                 and database = (select oid from pg_database where datname = current_database())
                 and (classid::int8 << 32) + objid::int8 = hashtextextended('pgcaravan consumer ' || cast(? as text), 0))
