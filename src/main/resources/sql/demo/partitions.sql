-- The partitions of orders and what they hold.
select c.relname as partition,
       (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %s', c.oid::regclass), false, true, ''))
           )[1]::text::bigint as rows
from pg_inherits i
join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'orders'::regclass
order by 1
