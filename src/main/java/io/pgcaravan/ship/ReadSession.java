package io.pgcaravan.ship;

import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;

/** How rows are read that have to come out as the same text wherever that is done: for a set, and for a comparison. */
public final class ReadSession {

    private static final String SESSION = Sql.file("ship/session");

    /** The time-outs that may strike before they are lifted, by SQLSTATE. */
    private static final Map<String, String> TIMEOUTS = Map.of(
            "57014", "statement_timeout",
            "55P03", "lock_timeout",
            "25P03", "idle_in_transaction_session_timeout",
            "25P04", "transaction_timeout",
            "57P05", "idle_session_timeout");

    private ReadSession() {}

    /** Begins a transaction that sees one snapshot, which its first question takes. */
    public static void begin(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try {
            Query.execute(connection, "set transaction isolation level repeatable read read only");
            settings(connection);
            Query.execute(connection, "set local work_mem = '64MB'");
        } catch (SQLException e) {
            throw named(connection, e);
        }
    }

    /**
     * Pins how values are written, lifts time-outs and empties the search path until the transaction ends. Takes no snapshot.
     *
     * @throws SQLException that names role and setting where a time-out strikes first
     */
    public static void settings(Connection connection) throws SQLException {
        try {
            Query.execute(connection, SESSION);
            if (connection.getMetaData().getDatabaseMajorVersion() >= 17) {
                Query.execute(connection, "set local transaction_timeout = 0");
            }
        } catch (SQLException e) {
            throw named(connection, e);
        }
    }

    /** The failure, with the role and the setting that caused it where it is a time-out's. */
    public static SQLException named(Connection connection, SQLException e) throws SQLException {
        String setting = TIMEOUTS.get(e.getSQLState());
        return setting == null || e.getMessage().contains(setting)
                ? e
                : new SQLException(
                        e.getMessage() + "; role \"" + connection.getMetaData().getUserName() + "\" has a " + setting
                                + " (its own or the database's) that is too short: alter role ... set " + setting
                                + " = 0",
                        e.getSQLState(),
                        e);
    }
}
