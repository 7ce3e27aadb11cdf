-- What retention did with partitions, and what it has begun: a detached table whose line says drop and has no done_at is
-- dropped by the next round. The oid makes sure that it is the same table.
create table if not exists caravan.retired_partition (
    id               bigint generated always as identity primary key,
    parent_schema    text        not null,
    parent_name      text        not null,
    partition_schema text        not null,
    partition_name   text        not null,
    partition_oid    oid         not null,
    to_time          timestamptz not null,
    action           text        not null,
    began_at         timestamptz not null default now(),
    done_at          timestamptz
)
