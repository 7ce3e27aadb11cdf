-- One hash over all columns of each ten thousand ids, in order.
select id / 10000 as block, count(*) as rows,
       md5(string_agg(row(id, customer, amount, status, note, created_at)::text, E'\n' order by id, created_at)) as hash
from orders
group by 1
order by 1
