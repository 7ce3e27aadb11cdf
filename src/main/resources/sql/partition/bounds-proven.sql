-- Whether a CHECK of our own keeps everything out of a table that is not before a bound. Parameters: the column's type
-- (by the caller, in place of TYPE), the table's oid, the column, the bound.
select exists (
    select from pg_constraint k
      join pg_attribute a on a.attrelid = k.conrelid and a.attname = ?::text and k.conkey operator(pg_catalog.=) array[a.attnum]
     where k.conrelid = ?::oid and k.conname = 'pgcaravan_bounds' and k.contype = 'c' and k.convalidated
       and (pg_catalog.regexp_match(pg_catalog.pg_get_constraintdef(k.oid), 'IS NOT NULL.* < ''([^'']+)''::'))[1]::TYPE <= ?::TYPE)
