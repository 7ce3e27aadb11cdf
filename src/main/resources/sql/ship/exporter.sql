-- Notes the key of every row of the table that changes, beside the transaction that changed it.
do $caravan$
declare
    schema_name constant text := current_setting('caravan.table_schema');
    table_name  constant text := current_setting('caravan.table_name');
    tracking    constant text := current_setting('caravan.tracking');
    full_name   constant text := format('%I.%I', schema_name, table_name);
    notes       constant text := format('%I.%I', schema_name, tracking);
    by_row      boolean       := current_setting('caravan.row_triggers')::boolean;
    tracked     record;
    key_names   text[];
    key_list    text;
    old_keys    text;
    new_keys    text;
    wanted      text;
    found_list  text;
    xid_column  text := 'xid';
    body        text;
    notes_owner text;
    member      record;
    stale       record;
    wanted_triggers text[];
begin
    select c.oid, c.relkind, c.relpersistence, c.relispartition, pg_get_userbyid(c.relowner) as owner,
           exists (select from pg_inherits i join pg_class p on p.oid = i.inhparent
                    where i.inhrelid = c.oid and p.relkind <> 'p')
           or exists (select from pg_inherits i where i.inhparent = c.oid and c.relkind <> 'p') as inherits
      into tracked
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = schema_name and c.relname = table_name;
    if not found then
        raise exception 'there is no table % in database %', full_name, current_database();
    end if;
    if tracked.relkind = 'f' then
        raise exception '% is a foreign table: its rows change elsewhere, where no trigger of this database sees it', full_name;
    elsif tracked.relkind not in ('r', 'p') then
        raise exception '% is no table that can be tracked', full_name;
    elsif tracked.inherits then
        raise exception '% is part of an inheritance tree, whose rows may change behind its triggers; partitioned tables can be tracked', full_name;
    elsif tracked.relpersistence <> 'p' then
        raise exception '% is unlogged or temporary: a crash would empty it, and no trigger sees that', full_name;
    elsif exists (select from pg_partition_tree(tracked.oid) t join pg_class c on c.oid = t.relid
                   where c.relkind = 'f' or c.relpersistence <> 'p') then
        raise exception '% has a partition that is a foreign or unlogged table, whose changes no trigger sees', full_name;
    end if;

    select array_agg(a.attname::text order by k.position)
      into key_names
      from pg_index x
     cross join unnest(x.indkey) with ordinality k (attnum, position)
      join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.attnum
     where x.indrelid = tracked.oid and x.indisprimary and k.position <= x.indnkeyatts;
    if key_names is null then
        raise exception '% has no primary key, so that its rows cannot be told apart', full_name;
    end if;
    while xid_column = any (key_names) loop
        xid_column := xid_column || '_';
    end loop;
    by_row := by_row or tracked.relkind = 'p' or tracked.relispartition;

    -- domains may refuse the NULLs that stand for a TRUNCATE: their base type is what counts
    with recursive key_column as (
        select k.position, a.attname, a.atttypid as type, a.atttypmod as typmod, a.attcollation as collation
          from unnest(key_names) with ordinality k (name, position)
          join pg_attribute a on a.attrelid = tracked.oid and a.attname = k.name
        union all
        select k.position, k.attname, t.typbasetype, t.typtypmod, k.collation
          from key_column k join pg_type t on t.oid = k.type
         where t.typtype = 'd'
    )
    select string_agg(format('%I %s', attname, format_type(k.type, typmod))
               || case when k.collation not in (0, t.typcollation)
                       then format(' collate %I.%I', n.nspname, l.collname) else '' end, ', ' order by position),
           string_agg(format('%I', attname), ', ' order by position),
           string_agg(format('old.%I', attname), ', ' order by position),
           string_agg(format('new.%I', attname), ', ' order by position)
      into wanted, key_list, old_keys, new_keys
      from key_column k
      join pg_type t on t.oid = k.type and t.typtype <> 'd'
      left join pg_collation l on l.oid = k.collation
      left join pg_namespace n on n.oid = l.collnamespace;
    wanted := wanted || format(', %I xid8', xid_column);

    if to_regclass(notes) is not null then
        select pg_get_userbyid(relowner) into notes_owner from pg_class where oid = to_regclass(notes);
    end if;
    if to_regclass(notes) is null then
        execute format('create table %s (%s not null default pg_current_xact_id())', notes, wanted);
    else
        select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
                   || case when a.attcollation not in (0, t.typcollation)
                           then format(' collate %I.%I', n.nspname, l.collname) else '' end, ', ' order by a.attnum)
          into found_list
          from pg_attribute a
          join pg_type t on t.oid = a.atttypid
          left join pg_collation l on l.oid = a.attcollation
          left join pg_namespace n on n.oid = l.collnamespace
         where a.attrelid = to_regclass(notes) and a.attnum > 0 and not a.attisdropped;
        if found_list is distinct from wanted then
            raise exception '% is there with columns (%), and tracking % needs (%)', notes, found_list, full_name, wanted
                using hint = 'If it is a former tracking table (the primary key has changed since), caravan ddl reset removes it; if it is something else, rename it.';
        end if;
    end if;
    execute format('create index if not exists %I on %s (%I)', current_setting('caravan.tracking_index'), notes, xid_column);
    -- whether there was a TRUNCATE is asked by each export. Of a composite key with NULLs alone IS NULL is true as well
    if exists (select from pg_index x join pg_class c on c.oid = x.indexrelid
                where x.indrelid = to_regclass(notes) and c.relname = current_setting('caravan.truncation_index')
                  and pg_get_expr(x.indpred, x.indrelid) not like '%DISTINCT FROM%'
                  and exists (select from pg_attribute a join pg_type y on y.oid = a.atttypid
                               where a.attrelid = x.indrelid and a.attname = key_names[1] and y.typrelid <> 0)) then
        execute format('drop index %I.%I', schema_name, current_setting('caravan.truncation_index'));
    end if;
    execute format('create index if not exists %I on %s (%I) where %I is not distinct from null',
                   current_setting('caravan.truncation_index'), notes, xid_column, key_names[1]);

    if by_row then
        body := format($body$
begin
    if tg_op = 'TRUNCATE' then
        insert into %1$s default values;
        return null;
    end if;
    if tg_op = 'DELETE' then
        insert into %1$s (%2$s) values (%3$s);
        return null;
    end if;
    if tg_op = 'UPDATE' then
        if record_image_ne(row(%3$s), row(%4$s)) then
            insert into %1$s (%2$s) values (%3$s);
        end if;
    end if;
    insert into %1$s (%2$s) values (%4$s);
    return null;
end
$body$, notes, key_list, old_keys, new_keys);
        wanted_triggers := array['caravan.trigger_row', 'caravan.trigger_truncate'];
    else
        body := format($body$
begin
    if tg_op = 'TRUNCATE' then
        insert into %1$s default values;
    elsif tg_nargs > 0 and tg_op <> 'DELETE' then
        -- replication, which fires no trigger of a statement
        insert into %1$s (%2$s) values (%4$s);
    elsif tg_level = 'ROW' then
        -- the key was changed (another trigger notes the new one), or replication deletes
        insert into %1$s (%2$s) values (%3$s);
    elsif tg_op = 'DELETE' then
        insert into %1$s (%2$s) select %2$s from old_rows;
    else
        insert into %1$s (%2$s) select %2$s from new_rows;
    end if;
    return null;
end
$body$, notes, key_list, old_keys, new_keys);
        wanted_triggers := array['caravan.trigger_insert', 'caravan.trigger_update', 'caravan.trigger_key', 'caravan.trigger_replica',
                                 'caravan.trigger_delete', 'caravan.trigger_truncate'];
    end if;
    execute format('create or replace function %s() returns trigger language plpgsql security definer'
                   ' set search_path = pg_catalog, pg_temp as %L', notes, body);
    -- whoever may write to the table need not be able to write here
    execute format('revoke all on function %s() from public', notes);
    execute format('revoke all on table %s from public', notes);
    execute format('comment on function %s() is %L', notes, 'pgcaravan: notes the keys of changed rows of ' || full_name);
    execute format('comment on table %s is %L', notes,
                   'pgcaravan: keys of changed rows of ' || full_name || ', and who changed them; NULLs stand for TRUNCATE');

    -- what an earlier kind of this table needed
    for stale in
        select g.tgname, g.tgrelid::regclass as relation
          from pg_trigger g
         where g.tgfoid = to_regprocedure(notes || '()') and g.tgrelid = tracked.oid and not g.tgisinternal
           and g.tgname <> all (select current_setting(w) from unnest(wanted_triggers) w)
    loop
        execute format('drop trigger %I on %s', stale.tgname, stale.relation);
    end loop;

    if by_row then
        if not exists (select from pg_trigger where tgrelid = tracked.oid and tgname = current_setting('caravan.trigger_row')) then
            execute format('create trigger %I after insert or update or delete on %s for each row execute function %s()',
                           current_setting('caravan.trigger_row'), full_name, notes);
        end if;
    else
        if not exists (select from pg_trigger where tgrelid = tracked.oid and tgname = current_setting('caravan.trigger_insert')) then
            execute format('create trigger %I after insert on %s referencing new table as new_rows'
                           ' for each statement execute function %s()',
                           current_setting('caravan.trigger_insert'), full_name, notes);
        end if;
        if not exists (select from pg_trigger where tgrelid = tracked.oid and tgname = current_setting('caravan.trigger_update')) then
            execute format('create trigger %I after update on %s referencing new table as new_rows'
                           ' for each statement execute function %s()',
                           current_setting('caravan.trigger_update'), full_name, notes);
        end if;
        -- compared byte for byte: 1.0 and 1.00 are equal, and two keys all the same
        if not exists (select from pg_trigger where tgrelid = tracked.oid and tgname = current_setting('caravan.trigger_key')) then
            execute format('create trigger %I after update on %s for each row when (pg_catalog.record_image_ne(row(%s), row(%s))) execute function %s()',
                           current_setting('caravan.trigger_key'), full_name, old_keys, new_keys, notes);
        end if;
        if not exists (select from pg_trigger where tgrelid = tracked.oid and tgname = current_setting('caravan.trigger_replica')) then
            execute format('create trigger %I after insert or update or delete on %s for each row'
                           ' when (current_setting(''session_replication_role'') = ''replica'') execute function %s(''replica'')',
                           current_setting('caravan.trigger_replica'), full_name, notes);
        end if;
        if not exists (select from pg_trigger where tgrelid = tracked.oid and tgname = current_setting('caravan.trigger_delete')) then
            execute format('create trigger %I after delete on %s referencing old table as old_rows'
                           ' for each statement execute function %s()',
                           current_setting('caravan.trigger_delete'), full_name, notes);
        end if;
    end if;

    -- the TRUNCATE of a partition alone shows by its file
    if not exists (select from pg_trigger where tgrelid = tracked.oid and tgname = current_setting('caravan.trigger_truncate')) then
        execute format('create trigger %I after truncate on %s for each statement execute function %s()',
                       current_setting('caravan.trigger_truncate'), full_name, notes);
    end if;

    -- also for changes that replication applies
    for member in
        select g.tgrelid::regclass as relation, g.tgname
          from pg_trigger g
         where g.tgfoid = to_regprocedure(notes || '()') and g.tgenabled <> 'A'
           and (g.tgrelid = tracked.oid or g.tgrelid in (select t.relid from pg_partition_tree(tracked.oid) t))
    loop
        execute format('alter table %s enable always trigger %I', member.relation, member.tgname);
    end loop;

    execute format('alter table %s owner to %I', notes, coalesce(nullif(current_setting('caravan.owner'), ''), notes_owner, tracked.owner));
    execute format('alter function %s() owner to %I', notes, coalesce(nullif(current_setting('caravan.owner'), ''), notes_owner, tracked.owner));
    if current_setting('caravan.grantee') <> '' then
        execute format('grant usage on schema %I to %I', schema_name, current_setting('caravan.grantee'));
        execute format('grant select on table %s to %I', full_name, current_setting('caravan.grantee'));
        execute format('grant select, delete on table %s to %I', notes, current_setting('caravan.grantee'));
    end if;
end
$caravan$;
