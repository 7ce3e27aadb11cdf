-- Gives a statement that brings this session to the state that a job's sessions have, whatever steps have changed in it.
select 'reset session authorization; reset role; reset all; select '
       || pg_catalog.string_agg(pg_catalog.format('pg_catalog.set_config(%L, %L, false)', name, value), ', ')
from (
    -- what the driver and the pool have set
    select name, setting from pg_catalog.pg_settings where source = 'session'
    union all
    -- time-outs of the role, the database or the server; those of the connection itself are meant for it
    select name, '0' from pg_catalog.pg_settings
    where name in ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout',
                   'idle_session_timeout')
      and source not in ('client', 'session')
    union all
    values
        -- a server that notices a dead peer in seconds frees its advisory lock for a standby
        ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '2'), ('tcp_keepalives_count', '3'),
        -- times without a zone mean UTC wherever this process runs
        ('timezone', 'UTC'),
        -- texts are read as the source's pinned trigger function writes them
        ('datestyle', 'ISO, YMD'), ('intervalstyle', 'postgres'), ('lc_monetary', 'C'),
        ('array_nulls', 'on'), ('xmloption', 'content'),
        -- the driver keeps every notice of a statement in memory, and nothing reads them
        ('client_min_messages', 'error')) as s (name, value)
