-- Fills the table orders (id, customer, amount, status, note, created_at) with the ids from 1 to ?.
insert into orders
select id, 'customer ' || id % 4999, (id % 1000)::numeric + (10 + id % 90)::numeric / 100, 'new',
       case when id % 3 = 0 then 'left at the door, as always' else 'none' end,
       timestamp '2026-01-01' + id % 30 * interval '1 day' + id % 86400 * interval '1 second'
from generate_series(1, cast(? as bigint)) as id
