-- The ledger that Skytools' consumers share, in the layout and with the functions of pgq_ext 3.1. Installed only where
-- there is no schema pgq_ext yet.
create schema pgq_ext;

create table pgq_ext.completed_tick (
    consumer_id    text not null,
    subconsumer_id text not null default '',
    last_tick_id   bigint not null,
    primary key (consumer_id, subconsumer_id)
);

create table pgq_ext.completed_batch (
    consumer_id    text not null,
    subconsumer_id text not null default '',
    last_batch_id  bigint not null,
    primary key (consumer_id, subconsumer_id)
);

create table pgq_ext.completed_event (
    consumer_id    text not null,
    subconsumer_id text not null default '',
    batch_id       bigint not null,
    event_id       bigint not null,
    primary key (consumer_id, subconsumer_id, batch_id, event_id)
);

create table pgq_ext.partial_batch (
    consumer_id    text not null,
    subconsumer_id text not null default '',
    cur_batch_id   bigint not null,
    primary key (consumer_id, subconsumer_id)
);

create function pgq_ext.version() returns text language sql immutable as $$ select '3.1'::text $$;

create function pgq_ext.get_last_tick(a_consumer text, a_subconsumer text) returns bigint
language sql stable as $$
    select last_tick_id from pgq_ext.completed_tick where consumer_id = $1 and subconsumer_id = $2
$$;

create function pgq_ext.get_last_tick(a_consumer text) returns bigint
language sql stable as $$ select pgq_ext.get_last_tick($1, '') $$;

create function pgq_ext.set_last_tick(a_consumer text, a_subconsumer text, a_tick_id bigint) returns integer
language plpgsql as $$
begin
    if a_tick_id is null then
        delete from pgq_ext.completed_tick t where t.consumer_id = a_consumer and t.subconsumer_id = a_subconsumer;
    else
        insert into pgq_ext.completed_tick (consumer_id, subconsumer_id, last_tick_id)
            values (a_consumer, a_subconsumer, a_tick_id)
            on conflict (consumer_id, subconsumer_id) do update set last_tick_id = excluded.last_tick_id;
    end if;
    return 1;
end $$;

create function pgq_ext.set_last_tick(a_consumer text, a_tick_id bigint) returns integer
language sql as $$ select pgq_ext.set_last_tick($1, '', $2) $$;

create function pgq_ext.is_batch_done(a_consumer text, a_subconsumer text, a_batch_id bigint) returns boolean
language sql stable as $$
    select exists (select from pgq_ext.completed_batch
                   where consumer_id = $1 and subconsumer_id = $2 and last_batch_id = $3)
$$;

create function pgq_ext.is_batch_done(a_consumer text, a_batch_id bigint) returns boolean
language sql stable as $$ select pgq_ext.is_batch_done($1, '', $2) $$;

-- false where that very batch was already marked
create function pgq_ext.set_batch_done(a_consumer text, a_subconsumer text, a_batch_id bigint) returns boolean
language plpgsql as $$
begin
    insert into pgq_ext.completed_batch as b (consumer_id, subconsumer_id, last_batch_id)
        values (a_consumer, a_subconsumer, a_batch_id)
        on conflict (consumer_id, subconsumer_id) do update set last_batch_id = excluded.last_batch_id
            where b.last_batch_id is distinct from excluded.last_batch_id;
    return found;
end $$;

create function pgq_ext.set_batch_done(a_consumer text, a_batch_id bigint) returns boolean
language sql as $$ select pgq_ext.set_batch_done($1, '', $2) $$;

create function pgq_ext.is_event_done(a_consumer text, a_subconsumer text, a_batch_id bigint, a_event_id bigint)
returns boolean
language sql stable as $$
    select exists (select from pgq_ext.completed_event
                   where consumer_id = $1 and subconsumer_id = $2 and batch_id = $3 and event_id = $4)
$$;

create function pgq_ext.is_event_done(a_consumer text, a_batch_id bigint, a_event_id bigint) returns boolean
language sql stable as $$ select pgq_ext.is_event_done($1, '', $2, $3) $$;

-- false where that very event was already marked; a new batch clears the marks of the one before
create function pgq_ext.set_event_done(a_consumer text, a_subconsumer text, a_batch_id bigint, a_event_id bigint)
returns boolean
language plpgsql as $$
begin
    insert into pgq_ext.partial_batch as p (consumer_id, subconsumer_id, cur_batch_id)
        values (a_consumer, a_subconsumer, a_batch_id)
        on conflict (consumer_id, subconsumer_id) do update set cur_batch_id = excluded.cur_batch_id
            where p.cur_batch_id is distinct from excluded.cur_batch_id;
    if found then
        delete from pgq_ext.completed_event e
            where e.consumer_id = a_consumer and e.subconsumer_id = a_subconsumer and e.batch_id <> a_batch_id;
    end if;
    insert into pgq_ext.completed_event (consumer_id, subconsumer_id, batch_id, event_id)
        values (a_consumer, a_subconsumer, a_batch_id, a_event_id)
        on conflict do nothing;
    return found;
end $$;

create function pgq_ext.set_event_done(a_consumer text, a_batch_id bigint, a_event_id bigint) returns boolean
language sql as $$ select pgq_ext.set_event_done($1, '', $2, $3) $$;
