-- How many partitions a parent has: those in the catalog, and those on record that inherit from nothing.
select (select count(*) from pg_inherits where inhparent = ?::oid)
       + (select count(*)
            from caravan.partition p
           where p.parent_schema = ? and p.parent_name = ?
             and to_regclass(format('%I.%I', p.partition_schema, p.partition_name)) is not null
             and not exists (select from pg_inherits i
                              where i.inhrelid = to_regclass(format('%I.%I', p.partition_schema, p.partition_name))))
