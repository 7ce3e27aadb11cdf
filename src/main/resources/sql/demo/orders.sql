-- The demo's table, the same in the source and, partitioned by day, in the target.
create table orders (
    id         bigint not null,
    customer   text not null,
    amount     numeric(10,2) not null,
    status     text not null,
    note       text,
    created_at timestamp not null
)
