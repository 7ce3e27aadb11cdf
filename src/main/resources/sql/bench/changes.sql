-- Puts ? events of the kind ? into a queue's event table, for rows that bench/inserts.sql put before among the first ?.
insert into /* events */ (ev_time, ev_type, ev_data, ev_extra1)
select now(), op || ':id',
       'id=' || id || '&customer=customer+' || id % 4999 || '&amount=' || id % 1000 || '.' || 10 + id % 90
       || '&status=' || case op when 'U' then 'paid' else 'new' end
       || '&note=none&created_at=' || to_char(timestamp '2026-01-01' + id % /* days */ * interval '1 day'
                                              + id % 86400 * interval '1 second', 'YYYY-MM-DD+HH24"%3a"MI"%3a"SS'),
       'public.orders'
from (select op, 1 + (i * 7919) % last as id
      from (values (cast(? as bigint), cast(? as text), cast(? as bigint))) as v (n, op, last),
           generate_series(1, n) as i) as e
