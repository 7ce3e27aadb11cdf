-- The last batch of each consumer, as the target has it, and who holds its job's lock.
select p.consumer, p.queue, p.source_system, p.source_database, p.tick, p.tick_time, p.event_seq, p.rows, p.at
  from caravan.position p
 order by p.consumer
