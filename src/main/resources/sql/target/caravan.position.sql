-- Where each consumer stands.
create table if not exists caravan.position (
    consumer        text primary key,
    queue           text not null,
    source_system   text not null,
    source_database text not null,
    tick            bigint not null,
    tick_time       timestamptz not null,
    event_seq       bigint not null,
    rows            bigint not null,
    at              timestamptz not null default clock_timestamp()
);

-- came later than its table
alter table caravan.position add column if not exists account jsonb;

comment on table caravan.position is
    'the last batch of each consumer, written in the transaction that loaded its rows';
comment on column caravan.position.source_system is
    'system identifier of the source cluster: tick numbers mean nothing elsewhere';
comment on column caravan.position.rows is
    'rows written by that batch';
comment on column caravan.position.account is
    'events by what became of them, summed up over all batches: loaded into a table, left out for a reason, dead letters, refused by a table';
