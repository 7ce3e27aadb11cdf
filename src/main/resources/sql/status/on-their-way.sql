-- The sets of one target and table that were published and have not arrived, as far as is known. Late are those that have taken
-- longer than the patience given and than twice what nine of ten of the last hundred took. {ledger} is put in by the program.
-- Parameters: set numbers that the target's own ledger has, when it applied each (seconds since 1970); the target's host and database, the table's
-- schema and name; the last set that is known to have arrived; the patience in seconds.
with sets as (
    select e.set_number, e.published_at, least(e.acknowledged_at, to_timestamp(h.applied)) as arrived_at
      from {ledger} e
      left join unnest(?::bigint[], ?::float8[]) h (set_number, applied) on h.set_number = e.set_number
     where e.target_host = ? and e.target_database = ? and e.table_schema = ? and e.table_name = ?
       and e.state = 'published' and e.forgotten_at is null
),
usual as (
    select percentile_cont(0.9) within group (order by extract(epoch from arrived_at - published_at)) as seconds
      from (select * from sets where arrived_at is not null order by set_number desc limit 100) latest
),
waiting as (
    select set_number, published_at, extract(epoch from clock_timestamp() - published_at) as age
      from sets
     where set_number > ?
)
select min(w.published_at) as since,
       count(*) filter (where w.age > p.patience)          as late,
       min(w.set_number) filter (where w.age > p.patience) as first_late,
       max(w.set_number) filter (where w.age > p.patience) as last_late,
       max(w.age)                                          as age,
       min(p.usual)                                        as usual
  from (select greatest(?, 2 * coalesce(seconds, 0)) as patience, seconds as usual from usual) p
  left join waiting w on true
