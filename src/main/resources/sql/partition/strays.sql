-- Of tables that a batch loaded into, those that are no partitions of the table that bears the parent's name now. One that is on its
-- way out is none. Parameters: the tables' quoted names (text[]), the parent's (twice).
select w.name
  from unnest(?::text[]) as w (name)
 where to_regclass(w.name) is not null and to_regclass(w.name) is distinct from to_regclass(?)
   and not exists (
       select from pg_catalog.pg_inherits i
        where i.inhrelid = to_regclass(w.name) and i.inhparent = to_regclass(?)
          -- a column of PostgreSQL 14 and later
          and not coalesce((to_jsonb(i) ->> 'inhdetachpending')::boolean, false))
 order by 1
