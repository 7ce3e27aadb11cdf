-- How each target stands with each table.
select target_host, target_database, table_schema, table_name,
       coalesce(max(set_number) filter (where state = 'published'), 0)               as published,
       max(published_at)                                                             as published_at,
       coalesce(max(set_number) filter (where acknowledged_at is not null), 0)       as acknowledged,
       max(acknowledged_at)                                                          as acknowledged_at,
       max(set_number) filter (where state <> 'published')                           as open_set,
       max(state) filter (where state <> 'published')                                as open_state,
       count(*) filter (where state = 'published' and acknowledged_at is null)       as waiting,
       bool_and(forgotten_at is not null)                                            as forgotten
  from caravan.export_set
 group by 1, 2, 3, 4
 order by 3, 4, 1, 2
