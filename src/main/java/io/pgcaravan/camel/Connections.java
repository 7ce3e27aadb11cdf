package io.pgcaravan.camel;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.postgresql.PGConnection;

/** Connections that a consumer keeps, and what their failures mean. */
final class Connections {

    /** How long a server may take to hear that a statement is no longer wanted, milliseconds. */
    private static final long CANCEL_PATIENCE = 2000;

    private Connections() {}

    /** @param role source or target, for the message */
    static Connection open(DataSource dataSource, String role) throws SQLException {
        try {
            Connection connection = dataSource.getConnection();
            connection.setAutoCommit(true);
            return connection;
        } catch (SQLException e) {
            SQLException root = rootOf(e);
            throw new SQLException(
                    "the " + role + " database (" + dataSource + ") cannot be reached: " + root.getMessage(),
                    root.getSQLState() == null ? "08001" : root.getSQLState(),
                    e);
        }
    }

    /**
     * Session settings of a target. The server notices a dead peer in seconds, so that its advisory lock is free for a
     * standby (harmless on Unix sockets); times without a zone mean UTC wherever this process runs.
     */
    static void settle(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(
                    "set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3;"
                            + " set time zone 'UTC'");
        }
    }

    /** Gives a connection back, without the session's locks and channels: the pool may lend it to somebody else. */
    static void close(Connection connection) {
        try {
            if (works(connection)) {
                if (!connection.getAutoCommit()) {
                    connection.rollback();
                    connection.setAutoCommit(true);
                }
                try (Statement statement = connection.createStatement()) {
                    statement.execute("select pg_advisory_unlock_all(); unlisten *");
                }
            } else {
                connection.abort(Runnable::run);
            }
            connection.close();
        } catch (SQLException e) {
            // it is being thrown away
        }
    }

    /**
     * Ends a session that another thread is using, and what it does just now: the server itself notices only after a
     * statement that nobody is there any more, and keeps the locks until then.
     *
     * @param connection null does nothing
     */
    static void abandon(Connection connection) throws SQLException {
        if (connection == null) {
            return;
        }
        Thread cancelling = new Thread(
                () -> {
                    try {
                        connection.unwrap(PGConnection.class).cancelQuery();
                    } catch (SQLException e) {
                        // nobody to ask: then only the connection goes
                    }
                },
                "cancel");
        cancelling.setDaemon(true);
        cancelling.start();
        // set where the time for a stop is over
        boolean interrupted = Thread.interrupted();
        try {
            cancelling.join(CANCEL_PATIENCE);
        } catch (InterruptedException e) {
            interrupted = true;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        connection.abort(Runnable::run);
    }

    /** Ends the session for good: the pool is not to lend it to anybody again. */
    static void end(Connection connection) {
        try {
            // the driver's own connection; the pool's would only be given back
            ((Connection) connection.unwrap(PGConnection.class)).close();
            connection.close();
        } catch (SQLException e) {
            // it is being thrown away
        }
    }

    /** Whether the connection still works; waits two seconds at most. */
    static boolean works(Connection connection) {
        try {
            return connection.isValid(2);
        } catch (SQLException e) {
            return false;
        }
    }

    /** The innermost SQLException that has a SQLSTATE, else the innermost; null where there is none. */
    static SQLException sqlCause(Throwable failure) {
        SQLException found = null;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql) {
                if (found == null || sql.getSQLState() != null) {
                    found = sql;
                }
            }
            if (cause.getCause() == cause) {
                break;
            }
        }
        return found;
    }

    private static SQLException rootOf(SQLException failure) {
        SQLException found = sqlCause(failure);
        return found == null ? failure : found;
    }

    /** Whether a failure goes away by itself: connections, deadlocks, resources, shutdowns, lock timeouts. */
    static boolean passes(String sqlState) {
        return sqlState != null
                && (sqlState.startsWith("08")
                        || sqlState.startsWith("40")
                        || sqlState.startsWith("53")
                        || sqlState.startsWith("57")
                        || sqlState.equals("55P03"));
    }
}
