-- Types with the types that they are made of: a domain's base, an array's elements, a range's subtype, a composite's columns in
-- order. Those made of nothing have no row. Parameter: oids (bigint[]).
with recursive part (oid, kind, n, part) as (
    select 0::oid, ''::text, 0, pg_catalog.unnest(?::bigint[])::oid
    union
    select t.oid, t.typtype::text, p.n, p.oid
      from part
      join pg_catalog.pg_type t on t.oid = part.part
     cross join lateral (
           select 0, t.typbasetype where t.typtype = 'd'
            union all
           select 0, t.typelem where t.typtype = 'b' and t.typelem <> 0::oid
            union all
           select a.attnum::int, a.atttypid from pg_catalog.pg_attribute a
            where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
            union all
           -- multiranges are of PostgreSQL 14 and later
           select 0, r.rngsubtype from pg_catalog.pg_range r
            where t.typtype in ('r', 'm') and (r.rngtypid = t.oid or (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid)) p (n, oid)
)
select oid::int8, kind, pg_catalog.array_agg(part::int8 order by n) as parts from part where oid <> 0::oid group by oid, kind
