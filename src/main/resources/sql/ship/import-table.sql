-- The import ledger: which tables may be imported, and the last set of each.
do $caravan$
begin
    if to_regnamespace('caravan') is null then
        create schema caravan;
    end if;
end
$caravan$;

create table if not exists caravan.import_set (
    table_schema     text not null,
    table_name       text not null,
    set_number       bigint,
    set_id           uuid,
    snapshot         pg_snapshot,
    source_system    text,
    source_database  text,
    target_host      text,
    target_database  text,
    applied_at       timestamptz,
    allowed_at       timestamptz not null default clock_timestamp(),
    primary key (table_schema, table_name)
);

create table if not exists caravan.import_history (
    set_id           uuid        primary key,
    table_schema     text        not null,
    table_name       text        not null,
    set_number       bigint      not null,
    previous_set_id  uuid,
    kind             text        not null,
    ids              bigint      not null,
    records          bigint      not null,
    deleted          bigint      not null,
    applied_at       timestamptz not null default clock_timestamp()
);

-- a ledger of an earlier version
alter table caravan.import_history add column if not exists previous_set_id uuid;

create index if not exists import_history_table on caravan.import_history (table_schema, table_name, set_number);

create table if not exists caravan.dml_import (
    table_schema     text        not null,
    table_name       text        not null,
    last_number      bigint      not null,
    files            text        not null,
    applied_at       timestamptz not null default clock_timestamp(),
    primary key (table_schema, table_name)
);

comment on table caravan.import_set is
    'pgcaravan: the tables that may be imported, and the last change set of each, written in the transaction that applied it';
comment on table caravan.import_history is
    'pgcaravan: change sets that were applied, so that one which comes twice is known';
comment on table caravan.dml_import is
    'pgcaravan: the last change of each table that came in files of postgres-dml-tracking-util, and the SHA-256 of those files';

revoke all on caravan.import_set, caravan.import_history, caravan.dml_import from public;
