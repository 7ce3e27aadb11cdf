-- Time-outs that the connection itself asks for.
select name, concat_ws(' ', setting, unit) as value
from pg_settings
where name in ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout',
               'idle_session_timeout')
  and source = 'client' and setting <> '0'
order by name
