-- What of PgQ's functions the role lacks, by name; the schema is named twice: quoted, and as it is.
select f.signature
from unnest(array['next_batch_info(text, text)', 'register_consumer_at(text, text, bigint)', 'finish_batch(bigint)',
                  'batch_event_sql(bigint)', 'get_consumer_info(text, text)']) as f (signature)
where has_schema_privilege(?, 'usage')
  and to_regprocedure(? || '.' || f.signature) is not null
  and not has_function_privilege(to_regprocedure(? || '.' || f.signature), 'execute')
union all
select 'usage of the schema' where not has_schema_privilege(?, 'usage')
