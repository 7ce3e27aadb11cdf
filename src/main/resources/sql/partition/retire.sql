-- Notes that retention begins with a partition. Parameters: parent's schema and name, partition's schema, name and oid,
-- upper bound, action.
insert into caravan.retired_partition
    (parent_schema, parent_name, partition_schema, partition_name, partition_oid, to_time, action)
select v.parent_schema, v.parent_name, v.partition_schema, v.partition_name, v.partition_oid, v.to_time, v.action
  from (values (?::text, ?::text, ?::text, ?::text, ?::oid, ?::timestamptz, ?::text))
       as v (parent_schema, parent_name, partition_schema, partition_name, partition_oid, to_time, action)
 where not exists (select from caravan.retired_partition r
                    where r.partition_oid = v.partition_oid and r.partition_schema = v.partition_schema
                      and r.partition_name = v.partition_name and r.action = v.action and r.done_at is null)
