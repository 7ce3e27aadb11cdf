-- Each job's last error, written outside the batch's transaction; none where its last try went well. The row stays, so that
-- there is room for an error when the disk is full.
create table if not exists caravan.job (
    consumer text primary key,
    queue    text not null,
    error    text,
    sqlstate text,
    since    timestamptz,
    at       timestamptz,
    tries    bigint
)
