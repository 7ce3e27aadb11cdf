-- All tables where rows of a destination table can be. Parameters: the destination's quoted name, quoted names of
-- further tables (text[]; those that do not exist are left out).
-- "below" says whether a query on the destination sees the table's rows.
with recursive tree (oid) as (
    select pg_catalog.to_regclass(?::text)::oid
    union
    select inhrelid from pg_catalog.pg_inherits join tree on inhparent = tree.oid
), other (oid) as (
    select pg_catalog.to_regclass(name)::oid from pg_catalog.unnest(?::text[]) as name
)
select c.oid::int8, n.nspname::text, c.relname::text, exists (select from tree where tree.oid = c.oid) as below
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.oid in (select oid from tree union select oid from other)
 order by c.oid
