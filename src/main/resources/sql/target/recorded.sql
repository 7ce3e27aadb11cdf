-- Partitions on record for a destination table, quoted. Parameters: its schema (null: the current one) and name, raw.
select pg_catalog.quote_ident(partition_schema) || '.' || pg_catalog.quote_ident(partition_name)
  from caravan.partition
 where parent_schema = coalesce(?::text, pg_catalog.current_schema()) and parent_name = ?::text
 order by 1
