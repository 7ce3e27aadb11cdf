-- How many events were ever put into the queue "orders".
select pgq.seq_getval(queue_event_seq) from pgq.queue where queue_name = 'orders'
