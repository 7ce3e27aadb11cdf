-- A partition that was dropped by hand and is made again gets its new times.
insert into caravan.partition (parent_schema, parent_name, partition_schema, partition_name, from_time, to_time)
select ?, ?, ?, made.name, made.from_time::timestamptz, made.to_time::timestamptz
  from unnest(?::text[], ?::text[], ?::text[]) as made (name, from_time, to_time)
    on conflict (partition_schema, partition_name) do update
   set parent_schema = excluded.parent_schema,
       parent_name = excluded.parent_name,
       from_time = excluded.from_time,
       to_time = excluded.to_time,
       made_at = excluded.made_at
