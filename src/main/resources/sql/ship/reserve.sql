insert into caravan.export_set
       (target_host, target_database, table_schema, table_name, set_number, set_id, previous_set_id, state, kind, reason,
        from_snapshot, to_snapshot, source_system, source_database, table_oid, table_columns, tracking, partitions, table_layout, group_id)
values (?, ?, ?, ?, ?, ?, ?, 'reserved', ?, ?, ?::pg_snapshot, ?::pg_snapshot, ?, ?, ?::bigint::oid, ?, ?, ?, ?, ?)
