-- Triggers whose function is in PgQ's schema ($1) and whose first argument is the queue's name ($2). Arguments end in zeros;
-- those that are looked for, "backup" between two, read alike whatever standard_conforming_strings says.
select quote_ident(tgname),
       quote_ident(nspname) || '.' || quote_ident(relname),
       position(decode('006261636b757000', 'hex') in tgargs) > 0
from (select t.*, position(decode('00', 'hex') in tgargs) - 1 as length
      from pg_trigger t
      where not tgisinternal and tgparentid = 0 and tgnargs > 0) t
join pg_proc p on p.oid = tgfoid
join pg_class c on c.oid = tgrelid
join pg_namespace n on n.oid = c.relnamespace
where pronamespace = (select oid from pg_namespace where nspname = ?)
  and convert_from(substring(tgargs from 1 for length), getdatabaseencoding()) = ?
order by 2, 1
