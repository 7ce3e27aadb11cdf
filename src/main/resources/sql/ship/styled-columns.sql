-- The columns of a table whose values are written as the sessions' settings say: by DateStyle, by IntervalStyle, or both.
with recursive used (attname, type) as (
    select a.attname, a.atttypid
      from pg_catalog.pg_attribute a
     where a.attrelid = pg_catalog.to_regclass(?) and a.attnum > 0 and not a.attisdropped
    union
    select u.attname, part.type
      from used u join pg_catalog.pg_type y on y.oid = u.type
     cross join lateral (
            select y.typelem
            union all
            select y.typbasetype
            union all
            select r.rngsubtype
              from pg_catalog.pg_range r
             where y.oid::text in (r.rngtypid::text, pg_catalog.to_jsonb(r) ->> 'rngmultitypid')
            union all
            select a.atttypid from pg_catalog.pg_attribute a where a.attrelid = y.typrelid and a.attnum > 0 and not a.attisdropped
           ) part (type)
     where part.type <> 0
)
select u.attname::text                                                                                as column,
       pg_catalog.format_type(a.atttypid, a.atttypmod)                                                as type,
       pg_catalog.bool_or(u.type in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype))  as dates,
       pg_catalog.bool_or(u.type = 'interval'::regtype)                                               as intervals
  from used u
  join pg_catalog.pg_attribute a on a.attrelid = pg_catalog.to_regclass(?) and a.attname = u.attname
 where u.type in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype, 'interval'::regtype)
 group by 1, 2
