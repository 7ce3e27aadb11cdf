-- Partitions on record for a destination table, quoted. Parameters: its schema (null: the current one) and name, raw.
select quote_ident(partition_schema) || '.' || quote_ident(partition_name)
  from caravan.partition
 where parent_schema = coalesce(?, current_schema()) and parent_name = ?
 order by 1
