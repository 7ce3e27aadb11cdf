-- Tables that a dispatcher made, and how they look: columns, constraints, indexes, parents, rights.
select format('%I.%I', nspname, relname),
       concat_ws(E'\n',
           (select string_agg(format('%I %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull,
                                     pg_get_expr(adbin, adrelid)), E'\n' order by attnum)
            from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
            where attrelid = c.oid and attnum > 0),
           (select string_agg(format('%I %s', conname, pg_get_constraintdef(oid)), E'\n' order by conname)
            from pg_constraint where conrelid = c.oid),
           (select string_agg(pg_get_indexdef(indexrelid), E'\n' order by 1) from pg_index where indrelid = c.oid),
           (select string_agg(inhparent::regclass::text, ',') from pg_inherits where inhrelid = c.oid),
           relacl::text)
from pg_class c
join pg_namespace n on n.oid = relnamespace
where relkind = 'r' and nspname in ('public', 'archive') and relname <> 'Event Log'
