package io.pgcaravan.torture;

import io.pgcaravan.PgServer;
import io.pgcaravan.sql.Query;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;

/** One seed: what it does, and whether all is as it must be in the end. */
abstract class Torture implements AutoCloseable {

    /** What a database's owner may have set for all sessions. */
    private static final String[] SETTINGS = {
        "default_transaction_isolation = 'serializable'",
        "default_transaction_isolation = 'repeatable read'",
        "search_path = ''",
        "bytea_output = 'escape'",
        "timezone = 'America/St_Johns'",
        "datestyle = 'German'",
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'sql_standard'",
        "extra_float_digits = -3",
        "array_nulls = off",
        "standard_conforming_strings = off",
        "xmloption = 'document'",
        "row_security = off",
        "jit = off",
        "synchronous_commit = off",
        "statement_timeout = '300ms'",
        "lock_timeout = '100ms'",
        "idle_in_transaction_session_timeout = '300ms'"
    };

    private static final Map<String, Connection> KEPT = new HashMap<>();

    final Random random;
    final List<String> plan;
    final Path directory;

    Torture(Random random, List<String> plan, Path directory) {
        this.random = random;
        this.plan = plan;
        this.directory = directory;
    }

    abstract void run() throws Exception;

    @SafeVarargs
    final <T> T pick(T... of) {
        return of[random.nextInt(of.length)];
    }

    final boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    /** Some databases have a setting that is not the usual one. */
    final void settings(String url) throws SQLException {
        if (oneIn(2)) {
            String chosen = pick(SETTINGS);
            setting(url, "set " + chosen);
            plan.add(name(url) + " has " + chosen);
        }
    }

    static void setting(String url, String change) throws SQLException {
        sql(url, "alter database " + Schema.quote(name(url)) + " " + change);
    }

    /** A connection that no setting of the database changes. */
    static Connection pinned(String url) throws SQLException {
        Connection connection = DriverManager.getConnection(url);
        Query.execute(
                connection,
                "set standard_conforming_strings = on; set timezone = 'UTC'; set datestyle = 'ISO'; set search_path = public;"
                        + " set intervalstyle = 'postgres'; set bytea_output = 'hex'; set extra_float_digits = 1; set array_nulls = on;"
                        + " set xmloption = 'content'; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0;"
                        + " set lock_timeout = '20s'; set default_transaction_read_only = off;"
                        + " set default_transaction_isolation = 'read committed'");
        return connection;
    }

    /** The harness' own connection with a database, kept, as each new one costs a password's hash. */
    private static Connection kept(String url) throws SQLException {
        Connection connection = KEPT.get(url);
        if (connection == null || !connection.isValid(5)) {
            connection = pinned(url);
            KEPT.put(url, connection);
        }
        return connection;
    }

    static void forget(String url) throws SQLException {
        Connection connection = KEPT.remove(url);
        if (connection != null) {
            connection.close();
        }
    }

    static synchronized void sql(String url, String... statements) throws SQLException {
        Query.execute(kept(url), statements);
    }

    /** Several statements in one transaction, again until no deadlock and no lock is in the way. */
    static void patiently(String url, String... statements) throws SQLException {
        while (true) {
            try (Connection connection = pinned(url)) {
                connection.setAutoCommit(false);
                Query.execute(connection, "set lock_timeout = '1s'");
                Query.execute(connection, statements);
                connection.commit();
                return;
            } catch (SQLException e) {
                if (!List.of("40P01", "55P03").contains(String.valueOf(e.getSQLState()))) {
                    throw e;
                }
            }
        }
    }

    /** The first column of a query. */
    static synchronized List<String> column(String url, String query) throws SQLException {
        List<String> values = new ArrayList<>();
        try (Statement statement = kept(url).createStatement();
                ResultSet row = statement.executeQuery(query)) {
            while (row.next()) {
                values.add(row.getString(1));
            }
        }
        return values;
    }

    static List<String> sorted(String url, String query) throws SQLException {
        return column(url, query).stream().sorted().toList();
    }

    static long number(String url, String query) throws SQLException {
        return Long.parseLong(column(url, query).get(0));
    }

    static String name(String url) {
        return url.replaceFirst("^.*/([^?]*)\\?.*$", "$1");
    }

    /** Whether a text has a column's name, as it is or as an identifier. */
    static boolean names(String text, String name) {
        return text.contains(name) || text.contains(Schema.quote(name));
    }

    static void difference(String what, List<String> expected, List<String> actual) {
        if (!expected.equals(actual)) {
            throw new AssertionError(what + ": " + expected.size() + " expected, " + actual.size() + " found; missing "
                    + without(expected, actual) + "\ntoo many " + without(actual, expected));
        }
    }

    private static String without(List<String> all, List<String> these) {
        Map<String, Integer> left = new HashMap<>();
        these.forEach(row -> left.merge(row, 1, Integer::sum));
        List<String> others = all.stream()
                .filter(row -> left.merge(row, -1, Integer::sum) < 0)
                .toList();
        return others.size() + ":\n" + others.stream().limit(5).collect(Collectors.joining("\n"));
    }

    static void drop(String... urls) throws SQLException {
        for (String url : urls) {
            forget(url);
            sql(
                    PgServer.get().jdbcUrl("postgres"),
                    "drop database if exists " + Schema.quote(name(url)) + " with (force)");
        }
    }
}
