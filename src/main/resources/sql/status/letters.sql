-- A consumer's dead letters: how many, and the latest. Parameters: the consumer, how many of the latest.
select count(*) over () as letters, id, ev_id, at, error
  from caravan.dead_letter
 where consumer = ?
 order by id desc
 limit ?
