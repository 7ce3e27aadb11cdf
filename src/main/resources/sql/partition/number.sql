-- How many partitions a parent has: those in the catalog, and those on record that inherit from nothing.
select (select pg_catalog.count(*) from pg_inherits where inhparent = ?::oid)
       + (select pg_catalog.count(*)
            from caravan.partition p
           where p.parent_schema = ?::text and p.parent_name = ?::text
             and pg_catalog.to_regclass(pg_catalog.format('%I.%I', p.partition_schema, p.partition_name)) is not null
             and not exists (select from pg_inherits i
                              where i.inhrelid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', p.partition_schema, p.partition_name))::oid))
