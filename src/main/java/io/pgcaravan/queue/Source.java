package io.pgcaravan.queue;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Which database a queue is in. Tick numbers mean nothing in another one.
 *
 * @param system the cluster's system identifier, as text
 * @param encoding the database's server_encoding, as PostgreSQL names it
 */
public record Source(String system, String database, String encoding) {

    /** Asks a database who it is. */
    public static Source of(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery("select (select system_identifier::text from pg_control_system()),"
                                + " current_database(), current_setting('server_encoding')")) {
            row.next();
            return new Source(row.getString(1), row.getString(2), row.getString(3));
        }
    }

    @Override
    public String toString() {
        return "database \"" + database + "\" (system " + system + ")";
    }
}
