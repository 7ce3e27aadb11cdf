-- The partitions that dispatch made. Where the catalog has no bounds of them (partitions that inherit,
-- and those without a parent), retention goes by these.
create table if not exists caravan.partition (
    parent_schema    text        not null,
    parent_name      text        not null,
    partition_schema text        not null,
    partition_name   text        not null,
    from_time        timestamptz not null,
    to_time          timestamptz not null,
    made_at          timestamptz not null default now(),
    primary key (partition_schema, partition_name)
)
