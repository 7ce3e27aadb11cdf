-- Of tables that a batch loaded into, those that are no partitions of the table that bears the parent's name now. One that is on its
-- way out is none. Parameters: the tables' quoted names (text[]), the parent's (twice).
select w.name
  from pg_catalog.unnest(?::text[]) as w (name)
 where pg_catalog.to_regclass(w.name) is not null and pg_catalog.to_regclass(w.name)::oid is distinct from pg_catalog.to_regclass(?::text)::oid
   and not exists (
       select from pg_catalog.pg_inherits i
        where i.inhrelid = pg_catalog.to_regclass(w.name)::oid and i.inhparent = pg_catalog.to_regclass(?::text)::oid
          -- a column of PostgreSQL 14 and later
          and not coalesce((pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean, false))
 order by 1
