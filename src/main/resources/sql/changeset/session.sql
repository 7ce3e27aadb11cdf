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
set local statement_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
set local jit = off;
