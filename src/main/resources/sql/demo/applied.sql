-- Up to which event the target has got, how long ago that was, and the partitions it has by now.
select event_seq, extract(epoch from clock_timestamp() - tick_time) as seconds,
       (select count(*) from pg_inherits where inhparent = 'orders'::regclass) as partitions
from caravan.position
where consumer = 'demo'
