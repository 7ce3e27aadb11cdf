/** Names of tables and columns, literals, statement files and short transactions, as PostgreSQL wants them. */
package io.pgcaravan.sql;
