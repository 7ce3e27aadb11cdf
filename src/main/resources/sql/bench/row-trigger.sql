-- What a plain trigger for each row does: one tracking row a row, into a table like the one of caravan ddl exporter.
create table orders_by_row (id bigint, xid xid8 not null default pg_current_xact_id());
create index on orders_by_row (xid);
create function orders_by_row() returns trigger language plpgsql as $$
begin
    insert into orders_by_row (id) values (new.id);
    return null;
end
$$;
create trigger orders_by_row after insert or update on orders for each row execute function orders_by_row()
