-- Tracking rows of older transactions than this one are needed by no target any more; null where no target has a set.
--
-- A target has what is in a set that it acknowledged. One that never acknowledged anything is believed to have what was published, but
-- for its last set, which can be written again then until the next one.
with standing as (
    select *,
           max(set_number) filter (where state = 'published') over target       as last_published,
           max(set_number) filter (where acknowledged_at is not null) over target as last_acknowledged
      from caravan.export_set
     where table_schema = ? and table_name = ? and forgotten_at is null
    window target as (partition by target_host, target_database)
)
select min(case when kind = 'changes' and set_number is distinct from last_acknowledged then pg_snapshot_xmin(from_snapshot)::text::numeric
                else pg_snapshot_xmin(to_snapshot)::text::numeric end)::text
  from standing
 where set_number >= coalesce(last_acknowledged + 1, last_published, 1)
    or set_number = last_published and set_number = last_acknowledged
