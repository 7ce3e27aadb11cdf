package io.pgcaravan.status;

import io.pgcaravan.database.Secrets;
import io.pgcaravan.queue.Queues;
import io.pgcaravan.queue.Source;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.SearchPath;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/** One database for the time of one look, over a connection of its own that can neither change anything nor wait for long. */
final class Look implements AutoCloseable {

    private static final int NETWORK_TIMEOUT = 15_000;

    private static final String SESSION =
            "set default_transaction_read_only = on; set statement_timeout = '10s'; set lock_timeout = '2s';"
                    + " set time zone 'UTC'; set application_name = 'pgcaravan status'";

    private final Place place;
    private final Connection connection;
    private final String rolesPath;
    private final String version;
    private final String error;
    private final Source identity;
    private final Map<String, List<Queues.Line>> queues = new HashMap<>();
    private final Map<String, Boolean> tables = new HashMap<>();

    private Look(Place place, Connection connection, String rolesPath, String version, Source identity, String error) {
        this.place = place;
        this.connection = connection;
        this.rolesPath = rolesPath;
        this.version = version;
        this.identity = identity;
        this.error = error;
    }

    /** Never fails: a database that is away is one without a connection. */
    static Look at(Place place) {
        Connection connection = null;
        try {
            connection = place.connect();
            connection.setAutoCommit(true);
            Executor here = Runnable::run;
            connection.setNetworkTimeout(here, NETWORK_TIMEOUT);
            try (Statement statement = connection.createStatement()) {
                statement.execute(SESSION);
            }
            String rolesPath = SearchPath.pin(connection);
            return new Look(
                    place,
                    connection,
                    rolesPath,
                    connection.getMetaData().getDatabaseProductVersion(),
                    Source.of(connection),
                    null);
        } catch (SQLException e) {
            close(connection);
            return away(
                    place,
                    Secrets.masked(
                            String.valueOf(e.getMessage()).lines().findFirst().orElse("")));
        }
    }

    static Look away(Place place, String error) {
        return new Look(place, null, null, null, null, error);
    }

    Place place() {
        return place;
    }

    String name() {
        return place.name();
    }

    boolean up() {
        return connection != null;
    }

    Connection connection() {
        return connection;
    }

    @FunctionalInterface
    interface Reading<T> {
        T read(Connection connection) throws SQLException;
    }

    /** Reads what a job finds by the role's search path: tables whose names lack their schemas. */
    <T> T byRolesPath(Reading<T> reading) throws SQLException {
        SearchPath.change(connection, rolesPath, false);
        try {
            return reading.read(connection);
        } finally {
            SearchPath.pin(connection);
        }
    }

    Source identity() {
        return identity;
    }

    Status.Database database() {
        return new Status.Database(name(), String.valueOf(place.connections()), up(), version, error);
    }

    /** Whether there is such a table (schema and all, quoted). */
    boolean has(String table) throws SQLException {
        Boolean known = tables.get(table);
        if (known == null) {
            known = OwnTables.exists(connection, table);
            tables.put(table, known);
        }
        return known;
    }

    /** The queues of a PgQ with their consumers; none where it is not there. */
    List<Queues.Line> queues(String schema) throws SQLException {
        List<Queues.Line> lines = queues.get(schema);
        if (lines == null) {
            lines = has(schema + ".queue") ? new Queues(schema).overview(connection) : List.of();
            queues.put(schema, lines);
        }
        return lines;
    }

    @Override
    public void close() {
        close(connection);
    }

    private static void close(Connection connection) {
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException e) {
                // it is being thrown away
            }
        }
    }
}
