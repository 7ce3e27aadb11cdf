-- The permission to import this table.
do $caravan$
declare
    schema_name constant text := current_setting('caravan.table_schema');
    table_name  constant text := current_setting('caravan.table_name');
    full_name   constant text := format('%I.%I', schema_name, table_name);
    accepted    record;
begin
    select c.oid, c.relkind,
           exists (select from pg_inherits i join pg_class p on p.oid = i.inhparent
                    where i.inhrelid = c.oid and p.relkind <> 'p')
           or exists (select from pg_inherits i where i.inhparent = c.oid and c.relkind <> 'p') as inherits
      into accepted
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = schema_name and c.relname = table_name;
    if not found then
        raise exception 'there is no table % in database %', full_name, current_database();
    elsif accepted.relkind not in ('r', 'p') then
        raise exception '% is no table that can be imported into', full_name;
    elsif accepted.inherits then
        raise exception '% is part of an inheritance tree; plain and partitioned tables can be imported into', full_name;
    end if;
    insert into caravan.import_set (table_schema, table_name) values (schema_name, table_name) on conflict do nothing;
    if current_setting('caravan.grantee') <> '' then
        execute format('grant usage on schema %I to %I', schema_name, current_setting('caravan.grantee'));
        execute format('grant select, insert, update, delete on table %s to %I', full_name, current_setting('caravan.grantee'));
    end if;
end
$caravan$;
