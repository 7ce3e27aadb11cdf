-- Every queue with each of its consumers, or once without any. Times in seconds.
select q.queue_name,
       ev_per_sec::float8,
       ev_new::int8,
       extract(epoch from ticker_lag)::float8 as tick_age,
       extract(epoch from queue_ticker_max_lag)::float8 as max_lag,
       extract(epoch from queue_ticker_idle_period)::float8 as idle_period,
       extract(epoch from queue_rotation_period)::float8 as rotation_period,
       case when queue_external_ticker then 'external' when queue_ticker_paused then 'paused' else 'own' end as ticker,
       queue_cur_table,
       queue_ntables,
       c.consumer_name,
       extract(epoch from lag)::float8 as lag,
       extract(epoch from last_seen)::float8 as last_seen,
       pending_events::int8
from pgq.get_queue_info() q
left join pgq.get_consumer_info() c on c.queue_name = q.queue_name
order by q.queue_name, c.consumer_name
