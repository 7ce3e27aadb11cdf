-- New orders with the ids from ? to ?, spread over ? days from the date ? on.
insert into orders (id, customer, amount, status, note, created_at)
select id,
       (array['Zoë', 'O''Neil & Sons', 'Müller GmbH', 'ACME 100%', 'Ω-Labs', 'Smith'])[1 + id % 6] || ' ' || id % 4999,
       round((random() * 900)::numeric, 2),
       'new',
       case when id % 3 = 0 then E'leave at the door\nthanks = & +' when id % 5 = 0 then '' end,
       day + date_trunc('milliseconds', random() * days * interval '1 day')
from generate_series(?, ?) as id, (values (cast(? as int), cast(? as timestamp))) as v (days, day)
