-- About ? of the orders up to ? are deleted.
delete from orders
where id in (select 1 + floor(random() * last)::bigint
             from (values (cast(? as int), cast(? as bigint))) as v (n, last), generate_series(1, n))
