package io.pgcaravan.server;

import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A PostgreSQL server with PgQ for the demo, the benchmarks and the tests, gone when it is closed.
 *
 * <pre>{@code
 * try (ThrowAwayServer server = ThrowAwayServer.start("demo")) {
 *     String source = server.createDatabaseWithPgq("demo_source");
 *     String target = server.createDatabase("demo_target");
 *     ...
 * }
 * }</pre>
 *
 * Closing it, the end of this process and even SIGKILL end a server of our own and delete its data. Methods throw
 * {@link ThrowAwayServerException} where the server fails.
 */
public abstract class ThrowAwayServer implements AutoCloseable {

    private final Thread shutdownHook = new Thread(this::end, "throw-away-server-end");

    /** Names a superuser's JDBC URL on a server with PgQ, to be used instead of a private one. */
    public static final String URL_VARIABLE = "CARAVAN_PG_URL";

    /** {@link #start(String, Map)} with the usual settings. */
    public static ThrowAwayServer start(String purpose) {
        return start(purpose, Map.of());
    }

    /**
     * The first that can be had of: the server that {@value #URL_VARIABLE} names, a private cluster from the server
     * programs of this machine, the image of docker-compose.yml.
     *
     * @param purpose a word that names the server's directory, such as {@code demo}
     * @param settings server settings that differ from {@link PrivateCluster#SETTINGS}; a server that
     *     {@value #URL_VARIABLE} names keeps its own
     * @throws ThrowAwayServerException where none can be had; the message says what is missing
     */
    public static ThrowAwayServer start(String purpose, Map<String, String> settings) {
        String given = System.getenv(URL_VARIABLE);
        if (given != null && !given.isBlank()) {
            return new GivenServer(given);
        }
        if (ServerBinaries.find().isPresent()) {
            return PrivateCluster.start(directory(purpose), settings);
        }
        if (ComposeServer.available()) {
            return ComposeServer.up(purpose, settings);
        }
        throw new ThrowAwayServerException("there is no PostgreSQL server with PgQ to use: install the packages"
                + " postgresql-NN and postgresql-NN-pgq3 (or name their directory in " + ServerBinaries.VARIABLE
                + "), or start Docker with Compose, or give a superuser's JDBC URL in " + URL_VARIABLE);
    }

    private static Path directory(String purpose) {
        Path state = home().resolve(".caravan");
        Path parent = Files.isWritable(Files.exists(state) ? state : home())
                ? state
                : Path.of(System.getProperty("java.io.tmpdir"));
        try {
            return Files.createTempDirectory(Files.createDirectories(parent), purpose + "-")
                    .toAbsolutePath();
        } catch (IOException e) {
            throw new ThrowAwayServerException("cannot make a directory in " + parent, e);
        }
    }

    /** The directory that holds pgcaravan: the launcher names it, and tests run in it. */
    private static Path home() {
        return Path.of(System.getProperty("caravan.home", "")).toAbsolutePath();
    }

    /** docker-compose.yml, where Docker is used. */
    static Path composeFile() {
        return home().resolve("docker-compose.yml");
    }

    /** What this server is, for people: {@code private PostgreSQL on port 23456, in /tmp/...}. */
    public abstract String description();

    /** A superuser's JDBC URL, user and password included. */
    public abstract String jdbcUrl(String database);

    /** Stops the server, as a crash of its machine would ({@code immediate}) or breaking connections off politely. */
    public abstract void stop(boolean immediate);

    /** Starts the server after {@link #stop}, on the same port with the same data, and waits until it answers. */
    public abstract void startAgain();

    /** {@link #stop} and {@link #startAgain}. */
    public void restart(boolean immediate) {
        stop(immediate);
        startAgain();
    }

    /** Ends the server and deletes its data. Does nothing the second time. */
    protected abstract void end();

    /** Has the end of this process wait for {@link #end}. */
    protected final void endWithTheProcess() {
        Runtime.getRuntime().addShutdownHook(shutdownHook);
    }

    @Override
    public final void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(shutdownHook);
        } catch (IllegalStateException goingDown) {
            // then it runs, or has run
        }
        end();
    }

    /** {@link #createDatabase(String, String)} in UTF-8. */
    public String createDatabase(String name) throws SQLException {
        return createDatabase(name, "UTF8");
    }

    /**
     * Makes an empty database with locale C.
     *
     * @param name raw text; a server that is not ours appends something of its own to it
     * @param encoding as PostgreSQL names it, such as {@code LATIN1}
     * @return its JDBC URL
     */
    public String createDatabase(String name, String encoding) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl("postgres"))) {
            create(connection, name, encoding);
        }
        return jdbcUrl(name);
    }

    /** {@link #createDatabase(String)}, and {@code create extension pgq} in it. */
    public String createDatabaseWithPgq(String name) throws SQLException {
        return withPgq(createDatabase(name));
    }

    /** Installs PgQ in a database and returns its URL. */
    public static String withPgq(String jdbcUrl) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            statement.execute("create extension if not exists pgq");
        }
        return jdbcUrl;
    }

    /** Makes the database over a connection to another one of the same server. */
    public static void create(Connection connection, String name, String encoding) throws SQLException {
        // From 15 on a template may come with the locale provider icu, which knows no encoding but some.
        String provider = connection.getMetaData().getDatabaseMajorVersion() >= 15 ? " locale_provider libc" : "";
        try (Statement statement = connection.createStatement()) {
            statement.execute("create database " + TableName.quote(name) + " template template0 encoding "
                    + Sql.literal(encoding) + " lc_collate 'C' lc_ctype 'C'" + provider);
        }
    }

    /** A JDBC URL of a server that listens on this machine's loopback address. */
    public static String loopbackUrl(int port, String database, String user, String password) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + URLEncoder.encode(database, StandardCharsets.UTF_8)
                + "?user=" + URLEncoder.encode(user, StandardCharsets.UTF_8) + "&password="
                + URLEncoder.encode(password, StandardCharsets.UTF_8);
    }

    static String randomPassword() {
        byte[] bytes = new byte[16];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /**
     * A port below the range that outgoing connections take theirs from: while the server is down, a client that tries
     * again and again could otherwise get that very port and be connected to itself.
     */
    static int freePort() throws IOException {
        for (int attempt = 0; attempt < 1000; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(15_000, 32_000);
            try (ServerSocket socket = new ServerSocket()) {
                socket.setReuseAddress(true);
                socket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
                return port;
            } catch (BindException taken) {
                // the next one
            }
        }
        throw new IOException("no free port on 127.0.0.1 from 15000 to 32000");
    }
}
