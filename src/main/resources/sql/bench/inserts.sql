-- Puts ? events behind the number ? into a queue's event table, as pgq.logutriga writes the inserts of a table with
-- six columns: rows of 30 days, mixed.
insert into /* events */ (ev_time, ev_type, ev_data, ev_extra1)
select now(), 'I:id',
       'id=' || id || '&customer=customer+' || id % 4999 || '&amount=' || id % 1000 || '.' || 10 + id % 90
       || '&status=new&note=' || case when id % 3 = 0 then 'left+at+the+door%2c+as+always' else 'none' end
       || '&created_at=' || to_char(timestamp '2026-01-01' + id % /* days */ * interval '1 day'
                                    + id % 86400 * interval '1 second', 'YYYY-MM-DD+HH24"%3a"MI"%3a"SS'),
       'public.orders'
from (values (cast(? as bigint), cast(? as bigint))) as v (n, last), generate_series(last + 1, last + n) as id
