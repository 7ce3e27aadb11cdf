-- The newest set of each target and table; {ledger} is put in by the program.
select distinct on (target_host, target_database, table_schema, table_name)
       target_host, target_database, table_schema, table_name, set_number, state, to_snapshot::text as snapshot
  from {ledger}
 where forgotten_at is null
 order by target_host, target_database, table_schema, table_name, set_number desc
