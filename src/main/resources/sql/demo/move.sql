-- About ? of the orders up to ? get another date among ? days from the date ? on.
update orders
set created_at = day + date_trunc('milliseconds', random() * days * interval '1 day'), status = 'moved'
from (values (cast(? as int), cast(? as bigint), cast(? as int), cast(? as timestamp))) as v (n, last, days, day)
where id in (select 1 + floor(random() * last)::bigint from generate_series(1, n))
