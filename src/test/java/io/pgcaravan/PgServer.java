package io.pgcaravan;

import io.pgcaravan.server.PrivateCluster;
import io.pgcaravan.server.ServerBinaries;
import io.pgcaravan.server.ThrowAwayServer;
import io.pgcaravan.sql.Query;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The PostgreSQL server with PgQ that all tests of this JVM share: the one that {@value ThrowAwayServer#URL_VARIABLE}
 * names, else a private cluster, else a container, else a failure that says what is missing.
 *
 * <p>Every test makes databases of its own. A test that restarts the server disturbs nobody, as tests run one
 * after the other.
 */
public final class PgServer {

    private static PgServer shared;
    private static String missing;

    private final ThrowAwayServer server;
    private final AtomicInteger databases = new AtomicInteger();

    private PgServer(ThrowAwayServer server) {
        this.server = server;
    }

    /** The shared server, started by the first call. */
    public static synchronized PgServer get() {
        if (missing != null) {
            throw new IllegalStateException(missing);
        }
        if (shared == null) {
            try {
                shared = new PgServer(choose());
            } catch (RuntimeException e) {
                // said by every test, but found out only once
                missing = e.getMessage();
                throw e;
            }
        }
        return shared;
    }

    /** A server of the caller's own, beside the shared one, to be closed: for tests in which only one of two is away. */
    public static ThrowAwayServer another() {
        return choose();
    }

    /**
     * {@link #another()} with settings in {@code postgresql.conf}.
     *
     * @return null where there are no server programs on this machine to start one with
     */
    public static PrivateCluster another(Map<String, String> settings) {
        return ServerBinaries.find().isPresent() ? PrivateCluster.start(temporaryDirectory(), settings) : null;
    }

    private static ThrowAwayServer choose() {
        String given = System.getenv(ThrowAwayServer.URL_VARIABLE);
        if (given != null && !given.isBlank()) {
            return ThrowAwayServer.start("test");
        }
        if (ServerBinaries.find().isPresent()) {
            return PrivateCluster.start(temporaryDirectory(), Map.of("max_prepared_transactions", "50"));
        }
        if (ContainerServer.available()) {
            return ContainerServer.start();
        }
        throw new IllegalStateException(
                "the tests need a PostgreSQL server with PgQ: install the packages postgresql-NN"
                        + " and postgresql-NN-pgq3 (or name their directory in " + ServerBinaries.VARIABLE
                        + "), or start Docker, or give a superuser's JDBC URL in " + ThrowAwayServer.URL_VARIABLE);
    }

    private static Path temporaryDirectory() {
        try {
            return Files.createTempDirectory("pgcaravan-test-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A superuser's JDBC URL, user and password included. */
    public String jdbcUrl(String database) {
        return server.jdbcUrl(database);
    }

    /** {@link #createDatabase(String, String)} in UTF-8. */
    public String createDatabase(String prefix) throws SQLException {
        return createDatabase(prefix, "UTF8");
    }

    /**
     * Makes an empty database that no other test has.
     *
     * @param encoding as PostgreSQL names it, such as {@code LATIN1}
     * @return its JDBC URL
     */
    public String createDatabase(String prefix, String encoding) throws SQLException {
        return server.createDatabase(prefix + "_" + databases.incrementAndGet(), encoding);
    }

    /** {@link #createDatabase(String)} with PgQ installed. */
    public String createDatabaseWithPgq(String prefix) throws SQLException {
        return createDatabaseWithPgq(prefix, "UTF8");
    }

    /** {@link #createDatabase(String, String)} with PgQ installed. */
    public String createDatabaseWithPgq(String prefix, String encoding) throws SQLException {
        return ThrowAwayServer.withPgq(createDatabase(prefix, encoding));
    }

    /** Makes the server unreachable: at once, as when its machine crashes, or with a proper end of its connections. */
    public void stop(boolean immediate) {
        server.stop(immediate);
    }

    /** Starts the server after {@link #stop} and waits until it answers at the same URL. */
    public void startAgain() {
        server.startAgain();
    }

    /** {@link #stop} and {@link #startAgain}. */
    public void restart(boolean immediate) {
        server.restart(immediate);
    }

    /** What the server is, for messages. */
    public String description() {
        return server.description();
    }

    /** The first column of the first row, as text; null for NULL. */
    public static String value(Connection connection, String query) throws SQLException {
        return Query.text(connection, query);
    }
}
