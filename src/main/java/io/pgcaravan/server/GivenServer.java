package io.pgcaravan.server;

import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The user's server. Only the databases that were made here are touched: they have names of their own, they are dropped at
 * the end, and stopping the server means that they accept no connections.
 */
final class GivenServer extends ThrowAwayServer {

    private static final String PREFIX = "jdbc:postgresql:";

    private final String given;
    private final List<String> databases = new ArrayList<>();

    GivenServer(String jdbcUrl) {
        if (!jdbcUrl.startsWith(PREFIX + "//")) {
            throw new ThrowAwayServerException(URL_VARIABLE + " must be a JDBC URL like"
                    + " jdbc:postgresql://HOST:PORT/DATABASE?user=SUPERUSER&password=PASSWORD");
        }
        this.given = jdbcUrl;
        try (Connection connection = DriverManager.getConnection(given);
                Statement statement = connection.createStatement();
                var available = statement.executeQuery("select current_setting('is_superuser') = 'on',"
                        + " exists (select from pg_available_extensions where name = 'pgq')")) {
            available.next();
            if (!available.getBoolean(1) || !available.getBoolean(2)) {
                throw new ThrowAwayServerException("the server at " + URL_VARIABLE
                        + (available.getBoolean(1)
                                ? " has no extension pgq to install"
                                : " needs a superuser's login"));
            }
        } catch (SQLException e) {
            throw new ThrowAwayServerException("cannot use the server that " + URL_VARIABLE + " names", e);
        }
        endWithTheProcess();
    }

    @Override
    public String description() {
        return "PostgreSQL at " + server().substring(PREFIX.length() + 2) + ", named by " + URL_VARIABLE;
    }

    @Override
    public String jdbcUrl(String database) {
        int query = given.indexOf('?');
        String options = query >= 0 ? given.substring(query) : "";
        return server() + "/" + URLEncoder.encode(database, StandardCharsets.UTF_8) + options;
    }

    /** The URL up to the database's name. */
    private String server() {
        int query = given.indexOf('?');
        String address = query >= 0 ? given.substring(0, query) : given;
        int path = address.indexOf('/', (PREFIX + "//").length());
        return path >= 0 ? address.substring(0, path) : address;
    }

    @Override
    public synchronized String createDatabase(String name, String encoding) throws SQLException {
        String unique = "%s_%08x".formatted(name, ThreadLocalRandom.current().nextInt());
        try (Connection connection = DriverManager.getConnection(given)) {
            create(connection, unique, encoding);
        }
        databases.add(unique);
        return jdbcUrl(unique);
    }

    @Override
    public void stop(boolean immediate) {
        forEachDatabase((connection, database) -> {
            Query.execute(connection, "alter database " + TableName.quote(database) + " with allow_connections false");
            try (PreparedStatement terminate = connection.prepareStatement(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = ?")) {
                terminate.setString(1, database);
                terminate.execute();
            }
        });
    }

    @Override
    public void startAgain() {
        forEachDatabase((connection, database) -> Query.execute(
                connection, "alter database " + TableName.quote(database) + " with allow_connections true"));
    }

    @Override
    protected synchronized void end() {
        forEachDatabase((connection, database) ->
                Query.execute(connection, "drop database if exists " + TableName.quote(database) + " with (force)"));
        databases.clear();
    }

    private interface DatabaseAction {
        void on(Connection connection, String database) throws SQLException;
    }

    private synchronized void forEachDatabase(DatabaseAction action) {
        if (databases.isEmpty()) {
            return;
        }
        try (Connection connection = DriverManager.getConnection(given)) {
            for (String database : databases) {
                action.on(connection, database);
            }
        } catch (SQLException e) {
            throw new ThrowAwayServerException("the server that " + URL_VARIABLE + " names refuses", e);
        }
    }
}
