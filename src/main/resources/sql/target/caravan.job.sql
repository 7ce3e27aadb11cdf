-- Jobs that fail, each with its last error; written outside the batch's transaction, and deleted with the next success.
create table if not exists caravan.job (
    consumer text primary key,
    queue    text        not null,
    error    text        not null,
    sqlstate text,
    since    timestamptz not null default clock_timestamp(),
    at       timestamptz not null default clock_timestamp(),
    tries    bigint      not null default 1
)
