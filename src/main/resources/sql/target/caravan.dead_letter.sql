-- Rows that could not be loaded, each with its event as PgQ had it and the reason.
create table if not exists caravan.dead_letter (
    id        bigint generated always as identity primary key,
    consumer  text not null,
    queue     text not null,
    batch_id  bigint not null,
    tick      bigint not null,
    tick_time timestamptz not null,
    ev_id     bigint not null,
    ev_time   timestamptz not null,
    ev_txid   bigint,
    ev_type   text not null,
    ev_data   text,
    ev_extra1 text,
    ev_extra2 text,
    ev_extra3 text,
    ev_extra4 text,
    sqlstate  text,
    error     text not null,
    at        timestamptz not null default clock_timestamp()
);

create index if not exists dead_letter_consumer on caravan.dead_letter (consumer, id);

-- whether the event is masked as its job masks rows
alter table caravan.dead_letter add column if not exists masked boolean not null default false;
