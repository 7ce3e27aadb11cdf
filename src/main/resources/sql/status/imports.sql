-- The tables that may be imported, with the last set of each.
select table_schema, table_name, set_number, applied_at, source_system, source_database, target_host, target_database
  from caravan.import_set
 order by table_schema, table_name
