-- pg_dump of a ship source as the version before the row account made it.
CREATE SCHEMA caravan;
CREATE TYPE public.pair AS (
	a integer,
	b integer
);
CREATE FUNCTION public.k_dml() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'TRUNCATE' then
        insert into public.k_dml default values;
    elsif tg_level = 'ROW' then
        -- the key was changed: the statement's trigger notes the new one
        insert into public.k_dml (id) values (old.id);
    elsif tg_op = 'DELETE' then
        insert into public.k_dml (id) select id from old_rows;
    else
        insert into public.k_dml (id) select id from new_rows;
    end if;
    return null;
end
$$;
COMMENT ON FUNCTION public.k_dml() IS 'pgcaravan: notes the keys of changed rows of public.k';
CREATE FUNCTION public.p_dml() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'TRUNCATE' then
        insert into public.p_dml default values;
        return null;
    end if;
    if tg_op = 'DELETE' then
        insert into public.p_dml (id) values (old.id);
        return null;
    end if;
    if tg_op = 'UPDATE' then
        if record_image_ne(row(old.id), row(new.id)) then
            insert into public.p_dml (id) values (old.id);
        end if;
    end if;
    insert into public.p_dml (id) values (new.id);
    return null;
end
$$;
COMMENT ON FUNCTION public.p_dml() IS 'pgcaravan: notes the keys of changed rows of public.p';
CREATE FUNCTION public.t_dml() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'TRUNCATE' then
        insert into public.t_dml default values;
    elsif tg_level = 'ROW' then
        -- the key was changed: the statement's trigger notes the new one
        insert into public.t_dml (id) values (old.id);
    elsif tg_op = 'DELETE' then
        insert into public.t_dml (id) select id from old_rows;
    else
        insert into public.t_dml (id) select id from new_rows;
    end if;
    return null;
end
$$;
COMMENT ON FUNCTION public.t_dml() IS 'pgcaravan: notes the keys of changed rows of public.t';
CREATE TABLE caravan.export_set (
    target_host text NOT NULL,
    target_database text NOT NULL,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    set_number bigint NOT NULL,
    set_id uuid NOT NULL,
    previous_set_id uuid,
    state text NOT NULL,
    kind text NOT NULL,
    reason text,
    from_snapshot pg_snapshot,
    to_snapshot pg_snapshot NOT NULL,
    source_system text NOT NULL,
    source_database text NOT NULL,
    table_oid oid NOT NULL,
    table_columns text NOT NULL,
    tracking text NOT NULL,
    partitions text NOT NULL,
    group_id uuid,
    manifest text,
    pruned boolean DEFAULT false NOT NULL,
    ids bigint,
    records bigint,
    bytes bigint,
    reserved_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    written_at timestamp with time zone,
    published_at timestamp with time zone,
    acknowledged_at timestamp with time zone,
    forgotten_at timestamp with time zone,
    CONSTRAINT export_set_kind_check CHECK ((kind = ANY (ARRAY['full'::text, 'changes'::text]))),
    CONSTRAINT export_set_set_number_check CHECK ((set_number > 0)),
    CONSTRAINT export_set_state_check CHECK ((state = ANY (ARRAY['reserved'::text, 'written'::text, 'published'::text])))
);
COMMENT ON TABLE caravan.export_set IS 'pgcaravan: the change sets of each target and table';
COMMENT ON COLUMN caravan.export_set.reason IS 'why it is a full set';
COMMENT ON COLUMN caravan.export_set.from_snapshot IS 'what the set before it had seen; null for a full set';
COMMENT ON COLUMN caravan.export_set.to_snapshot IS 'what this set has seen';
COMMENT ON COLUMN caravan.export_set.tracking IS 'the tracking triggers as they were: one that was replaced or disabled since shows by its xmin';
COMMENT ON COLUMN caravan.export_set.partitions IS 'oid and file of each partition as they were';
COMMENT ON COLUMN caravan.export_set.manifest IS 'what its .done says, from state written on';
COMMENT ON COLUMN caravan.export_set.pruned IS 'its tracking rows are gone, so that it cannot be written again';
COMMENT ON COLUMN caravan.export_set.forgotten_at IS 'the target was forgotten: it holds back no tracking rows, and its next set is a full one';
CREATE TABLE public.k (
    id public.pair NOT NULL,
    v text
);
CREATE TABLE public.k_dml (
    id public.pair,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL
);
COMMENT ON TABLE public.k_dml IS 'pgcaravan: keys of changed rows of public.k, and who changed them; NULLs stand for TRUNCATE';
CREATE TABLE public.p (
    id integer NOT NULL,
    v text
)
PARTITION BY RANGE (id);
CREATE TABLE public.p1 (
    id integer NOT NULL,
    v text
);
CREATE TABLE public.p_dml (
    id integer,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL
);
COMMENT ON TABLE public.p_dml IS 'pgcaravan: keys of changed rows of public.p, and who changed them; NULLs stand for TRUNCATE';
CREATE TABLE public.t (
    id integer NOT NULL,
    v text
);
CREATE TABLE public.t_dml (
    id integer,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL
);
COMMENT ON TABLE public.t_dml IS 'pgcaravan: keys of changed rows of public.t, and who changed them; NULLs stand for TRUNCATE';
ALTER TABLE ONLY public.p ATTACH PARTITION public.p1 FOR VALUES FROM (0) TO (1000);
ALTER TABLE ONLY caravan.export_set
    ADD CONSTRAINT export_set_pkey PRIMARY KEY (target_host, target_database, table_schema, table_name, set_number);
ALTER TABLE ONLY caravan.export_set
    ADD CONSTRAINT export_set_set_id_key UNIQUE (set_id);
ALTER TABLE ONLY public.k
    ADD CONSTRAINT k_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.p
    ADD CONSTRAINT p_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.p1
    ADD CONSTRAINT p1_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.t
    ADD CONSTRAINT t_pkey PRIMARY KEY (id);
CREATE UNIQUE INDEX export_set_open ON caravan.export_set USING btree (target_host, target_database, table_schema, table_name) WHERE (state <> 'published'::text);
CREATE INDEX k_dml_truncations ON public.k_dml USING btree (xid) WHERE (id IS NULL);
CREATE INDEX k_dml_xid ON public.k_dml USING btree (xid);
CREATE INDEX p_dml_truncations ON public.p_dml USING btree (xid) WHERE (id IS NULL);
CREATE INDEX p_dml_xid ON public.p_dml USING btree (xid);
CREATE INDEX t_dml_truncations ON public.t_dml USING btree (xid) WHERE (id IS NULL);
CREATE INDEX t_dml_xid ON public.t_dml USING btree (xid);
ALTER INDEX public.p_pkey ATTACH PARTITION public.p1_pkey;
CREATE TRIGGER k_dml_delete AFTER DELETE ON public.k REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.k_dml();
ALTER TABLE public.k ENABLE ALWAYS TRIGGER k_dml_delete;
CREATE TRIGGER k_dml_insert AFTER INSERT ON public.k REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.k_dml();
ALTER TABLE public.k ENABLE ALWAYS TRIGGER k_dml_insert;
CREATE TRIGGER k_dml_key AFTER UPDATE ON public.k FOR EACH ROW WHEN (record_image_ne(ROW(old.id), ROW(new.id))) EXECUTE FUNCTION public.k_dml();
ALTER TABLE public.k ENABLE ALWAYS TRIGGER k_dml_key;
CREATE TRIGGER k_dml_truncate AFTER TRUNCATE ON public.k FOR EACH STATEMENT EXECUTE FUNCTION public.k_dml();
ALTER TABLE public.k ENABLE ALWAYS TRIGGER k_dml_truncate;
CREATE TRIGGER k_dml_update AFTER UPDATE ON public.k REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.k_dml();
ALTER TABLE public.k ENABLE ALWAYS TRIGGER k_dml_update;
CREATE TRIGGER p_dml_row AFTER INSERT OR DELETE OR UPDATE ON public.p FOR EACH ROW EXECUTE FUNCTION public.p_dml();
ALTER TABLE public.p ENABLE ALWAYS TRIGGER p_dml_row;
CREATE TRIGGER p_dml_truncate AFTER TRUNCATE ON public.p FOR EACH STATEMENT EXECUTE FUNCTION public.p_dml();
ALTER TABLE public.p ENABLE ALWAYS TRIGGER p_dml_truncate;
CREATE TRIGGER p_dml_truncate AFTER TRUNCATE ON public.p1 FOR EACH STATEMENT EXECUTE FUNCTION public.p_dml();
ALTER TABLE public.p1 ENABLE ALWAYS TRIGGER p_dml_truncate;
CREATE TRIGGER t_dml_delete AFTER DELETE ON public.t REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.t_dml();
ALTER TABLE public.t ENABLE ALWAYS TRIGGER t_dml_delete;
CREATE TRIGGER t_dml_insert AFTER INSERT ON public.t REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.t_dml();
ALTER TABLE public.t ENABLE ALWAYS TRIGGER t_dml_insert;
CREATE TRIGGER t_dml_key AFTER UPDATE ON public.t FOR EACH ROW WHEN (record_image_ne(ROW(old.id), ROW(new.id))) EXECUTE FUNCTION public.t_dml();
ALTER TABLE public.t ENABLE ALWAYS TRIGGER t_dml_key;
CREATE TRIGGER t_dml_truncate AFTER TRUNCATE ON public.t FOR EACH STATEMENT EXECUTE FUNCTION public.t_dml();
ALTER TABLE public.t ENABLE ALWAYS TRIGGER t_dml_truncate;
CREATE TRIGGER t_dml_update AFTER UPDATE ON public.t REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.t_dml();
ALTER TABLE public.t ENABLE ALWAYS TRIGGER t_dml_update;
