-- The export ledger: each set of each target and table, and how far it has come.
do $caravan$
begin
    if to_regnamespace('{schema}') is null then
        create schema {schema};
    end if;
end
$caravan$;

create table if not exists {ledger} (
    target_host      text        not null,
    target_database  text        not null,
    table_schema     text        not null,
    table_name       text        not null,
    set_number       bigint      not null check (set_number > 0),
    set_id           uuid        not null unique,
    previous_set_id  uuid,
    state            text        not null check (state in ('reserved', 'written', 'published')),
    kind             text        not null check (kind in ('full', 'changes')),
    reason           text,
    from_snapshot    pg_snapshot,
    to_snapshot      pg_snapshot not null,
    source_system    text        not null,
    source_database  text        not null,
    table_oid        oid         not null,
    table_columns    text        not null,
    table_layout     text,
    tracking         text        not null,
    partitions       text        not null,
    group_id         uuid,
    manifest         text,
    pruned           boolean     not null default false,
    ids              bigint,
    records          bigint,
    bytes            bigint,
    reserved_at      timestamptz not null default clock_timestamp(),
    written_at       timestamptz,
    published_at     timestamptz,
    acknowledged_at  timestamptz,
    forgotten_at     timestamptz,
    primary key (target_host, target_database, table_schema, table_name, set_number)
);

-- a ledger of an earlier version
alter table {ledger} add column if not exists table_layout text;

create unique index if not exists {open_index} on {ledger}
    (target_host, target_database, table_schema, table_name) where state <> 'published';

comment on table {ledger} is 'pgcaravan: the change sets of each target and table';
comment on column {ledger}.from_snapshot is 'what the set before it had seen; null for a full set';
comment on column {ledger}.to_snapshot is 'what this set has seen';
comment on column {ledger}.reason is 'why it is a full set';
comment on column {ledger}.tracking is 'the tracking triggers as they were: one that was replaced or disabled since shows by its xmin';
comment on column {ledger}.partitions is 'oid and file of each partition as they were';
comment on column {ledger}.table_layout is 'file, numbers of columns, attributes of composite types and labels of enums as they were; null for sets of earlier versions';
comment on column {ledger}.manifest is 'what its .done says, from state written on';
comment on column {ledger}.pruned is 'its tracking rows are gone, so that it cannot be written again';
comment on column {ledger}.forgotten_at is 'the target was forgotten: it holds back no tracking rows, and its next set is a full one';

revoke all on {ledger} from public;
