/** A database is found the way libpq's users write it: conninfo strings, URIs, service files, the environment, .pgpass. */
package io.pgcaravan.database;
