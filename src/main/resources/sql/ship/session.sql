-- Both sides read and write values in one form, whatever their sessions are set to.
set local client_encoding = 'UTF8';
set local datestyle = 'ISO, MDY';
set local intervalstyle = 'postgres';
set local timezone = 'UTC';
set local extra_float_digits = 3;
set local bytea_output = 'hex';
set local lc_monetary = 'C';
set local xmloption = 'content';
set local quote_all_identifiers = off;
set local array_nulls = on;
-- rather an error than rows that a policy hides
set local row_security = off;
set local jit = off;
-- names in values of reg types come with their schemas then, and no operator of another schema is taken for one of PostgreSQL's
set local search_path = pg_catalog, pg_temp;
-- what the role or the database has; transaction_timeout, of version 17, is added by the program
set local statement_timeout = 0;
set local lock_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
