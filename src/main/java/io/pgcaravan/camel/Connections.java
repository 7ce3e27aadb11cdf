package io.pgcaravan.camel;

import io.pgcaravan.sql.Sql;
import java.net.SocketTimeoutException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.postgresql.PGConnection;

/** Connections that a consumer keeps, and what their failures mean. */
final class Connections {

    private static final String SESSION = Sql.file("queue/session");

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
     * Brings a session to the state that a job's sessions have: without the role's time-outs, which would end every batch
     * that takes longer, and without notices.
     *
     * @return a statement that brings the session back to this state; autocommit has to be on for it too
     */
    static String settle(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            String settled;
            try (ResultSet row = statement.executeQuery(SESSION)) {
                row.next();
                settled = row.getString(1);
            }
            statement.execute(settled);
            return settled;
        }
    }

    /**
     * Ends a session that another thread is using, and what it does just now: the server itself notices only after a
     * statement that nobody is there any more, and keeps the locks until then.
     *
     * @param connection null does nothing
     */
    static void abandon(Connection connection) {
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
        try {
            connection.abort(Runnable::run);
        } catch (SQLException e) {
            // it is gone already
        }
    }

    /** Limits how long the server may stay silent, milliseconds; the driver then gives the connection up. */
    static void limitSilence(Connection connection, int millis) throws SQLException {
        connection.setNetworkTimeout(Runnable::run, millis);
    }

    /** Whether a failure is a server's silence. */
    static boolean isSilence(Throwable failure) {
        for (Throwable cause = failure; cause != null && cause.getCause() != cause; cause = cause.getCause()) {
            // one that cannot be connected to says so itself
            if (cause instanceof SocketTimeoutException
                    && !String.valueOf(cause.getMessage()).startsWith("Connect")) {
                return true;
            }
        }
        return false;
    }

    /** The session's process at the server. */
    static int pid(Connection connection) throws SQLException {
        return connection.unwrap(PGConnection.class).getBackendPID();
    }

    /** Ends another session of ours, which has done nothing new for a second. */
    static void terminate(Connection connection, int pid) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("""
                select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
                where pid operator(pg_catalog.=) ? and usename operator(pg_catalog.=) current_user
                  and state_change operator(pg_catalog.<) (pg_catalog.clock_timestamp() operator(pg_catalog.-) interval '1 second')""")) {
            statement.setInt(1, pid);
            statement.execute();
        }
    }

    /** Ends the session for good, and what it holds: the pool is not to lend it again. */
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

    /** The session takes no writes: it is connected to a server that has become a standby, or is read-only. */
    static final String READ_ONLY = "25006";

    /** Whether a failure is expected to pass: connections, deadlocks, resources, shutdowns, lock timeouts, a server that is read-only. */
    static boolean passes(String sqlState) {
        return sqlState != null
                && (sqlState.startsWith("08")
                        || sqlState.startsWith("40")
                        || sqlState.startsWith("53")
                        || sqlState.startsWith("57")
                        || sqlState.equals("55P03")
                        || sqlState.equals(READ_ONLY));
    }
}
