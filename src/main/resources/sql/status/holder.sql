-- Who holds a consumer's lock: the process that runs its job. No row where nobody does. Parameter: the consumer.
-- The lock of one 64-bit key shows as its two halves.
with lock as (select hashtextextended('pgcaravan consumer ' || ?, 0) as key)
select l.pid, a.client_addr::text as address, a.client_hostname as host, a.backend_start
  from pg_locks l
 cross join lock
  left join pg_stat_activity a on a.pid = l.pid
 where l.locktype = 'advisory' and l.granted and l.objsubid = 1
   and l.database = (select oid from pg_database where datname = current_database())
   and l.classid = ((lock.key >> 32) & 4294967295)::oid
   and l.objid = (lock.key & 4294967295)::oid
