-- What a session of a job is doing. Parameter: its process id.
select state, wait_event_type, extract(epoch from pg_catalog.clock_timestamp() - state_change)::int8 as seconds,
       pg_catalog.left(pg_catalog.regexp_replace(query, '\s+', ' ', 'g'), 100) as query,
       pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(pid), ', ') as blockers
from pg_catalog.pg_stat_activity
where pid operator(pg_catalog.=) ?
