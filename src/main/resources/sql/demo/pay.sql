-- About ? of the orders up to ? are paid.
update orders
set status = 'paid', amount = amount + 1
where id in (select 1 + floor(random() * last)::bigint
             from (values (cast(? as int), cast(? as bigint))) as v (n, last), generate_series(1, n))
