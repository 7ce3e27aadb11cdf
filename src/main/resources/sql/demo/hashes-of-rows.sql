-- One hash for each row of a block of ten thousand ids.
select id, md5(row(id, customer, amount, status, note, created_at)::text) as hash
from orders
where id >= cast(? as bigint) * 10000 and id < (cast(? as bigint) + 1) * 10000
order by id, created_at
