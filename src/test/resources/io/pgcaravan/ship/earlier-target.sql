-- pg_dump of a ship target as the version before the row account made it.
CREATE SCHEMA caravan;
CREATE TABLE caravan.dml_import (
    table_schema text NOT NULL,
    table_name text NOT NULL,
    last_number bigint NOT NULL,
    files text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
COMMENT ON TABLE caravan.dml_import IS 'pgcaravan: the last change of each table that came in files of postgres-dml-tracking-util, and the SHA-256 of those files';
CREATE TABLE caravan.import_history (
    set_id uuid NOT NULL,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    set_number bigint NOT NULL,
    kind text NOT NULL,
    ids bigint NOT NULL,
    records bigint NOT NULL,
    deleted bigint NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
COMMENT ON TABLE caravan.import_history IS 'pgcaravan: change sets that were applied, so that one which comes twice is known';
CREATE TABLE caravan.import_set (
    table_schema text NOT NULL,
    table_name text NOT NULL,
    set_number bigint,
    set_id uuid,
    snapshot pg_snapshot,
    source_system text,
    source_database text,
    target_host text,
    target_database text,
    applied_at timestamp with time zone,
    allowed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
COMMENT ON TABLE caravan.import_set IS 'pgcaravan: the tables that may be imported, and the last change set of each, written in the transaction that applied it';
CREATE TABLE public.t (
    id integer NOT NULL,
    v text
);
ALTER TABLE ONLY caravan.dml_import
    ADD CONSTRAINT dml_import_pkey PRIMARY KEY (table_schema, table_name);
ALTER TABLE ONLY caravan.import_history
    ADD CONSTRAINT import_history_pkey PRIMARY KEY (set_id);
ALTER TABLE ONLY caravan.import_set
    ADD CONSTRAINT import_set_pkey PRIMARY KEY (table_schema, table_name);
ALTER TABLE ONLY public.t
    ADD CONSTRAINT t_pkey PRIMARY KEY (id);
CREATE INDEX import_history_table ON caravan.import_history USING btree (table_schema, table_name, set_number);
