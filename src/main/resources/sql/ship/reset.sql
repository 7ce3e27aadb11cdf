-- Takes away what pgcaravan has in this database for shipping the table: what notes its changes, what its ledgers know of it, and the
-- ledgers themselves where nothing uses them.
do $caravan$
declare
    schema_name constant text := current_setting('caravan.table_schema');
    table_name  constant text := current_setting('caravan.table_name');
    tracking    constant text := current_setting('caravan.tracking');
    notes       constant text := format('%I.%I', schema_name, tracking);
    ledger      constant text := current_setting('caravan.ledger');
    exports     constant boolean := not current_setting('caravan.import_only')::boolean;
    member      record;
    used        boolean;
begin
    if exports and to_regprocedure(notes || '()') is not null
       and obj_description(to_regprocedure(notes || '()'), 'pg_proc') like 'pgcaravan: %' then
        for member in
            select g.tgname, g.tgrelid::regclass as relation
              from pg_trigger g
             where g.tgfoid = to_regprocedure(notes || '()') and g.tgparentid = 0
        loop
            execute format('drop trigger %I on %s', member.tgname, member.relation);
        end loop;
        execute format('drop function %s()', notes);
    end if;
    if exports and to_regclass(notes) is not null and obj_description(to_regclass(notes), 'pg_class') like 'pgcaravan: %' then
        execute format('drop table %s', notes);
    end if;
    if exports and to_regclass(ledger) is not null then
        execute format('delete from %s where table_schema = $1 and table_name = $2', ledger) using schema_name, table_name;
        execute format('select exists (select from %s)', ledger) into used;
        if not used and not exists (select from pg_proc where obj_description(oid, 'pg_proc') like 'pgcaravan: notes the keys %') then
            execute format('drop table %s', ledger);
        end if;
    end if;
    if to_regclass('caravan.dml_import') is not null then
        delete from caravan.dml_import d where d.table_schema = current_setting('caravan.table_schema') and d.table_name = current_setting('caravan.table_name');
    end if;
    if to_regclass('caravan.import_set') is not null then
        delete from caravan.import_history h where h.table_schema = current_setting('caravan.table_schema') and h.table_name = current_setting('caravan.table_name');
        delete from caravan.import_set s where s.table_schema = current_setting('caravan.table_schema') and s.table_name = current_setting('caravan.table_name');
        if not exists (select from caravan.import_set) then
            drop table caravan.import_set, caravan.import_history;
            drop table if exists caravan.dml_import;
        end if;
    end if;
    if to_regnamespace('caravan') is not null
       and not exists (select from pg_depend where refclassid = 'pg_namespace'::regclass and refobjid = to_regnamespace('caravan')) then
        drop schema caravan;
    end if;
end
$caravan$;
