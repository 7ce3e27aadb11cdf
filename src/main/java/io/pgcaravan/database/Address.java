package io.pgcaravan.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;

/** Where a database is and who connects to it. Its text shows no password. */
public sealed interface Address permits JdbcAddress, LibpqAddress {

    /** {@link #parse(String, LibpqEnvironment)} in the environment of this process. */
    static Address parse(String text) {
        return parse(text, LibpqEnvironment.ofThisProcess());
    }

    /**
     * Reads a JDBC URL, as the driver understands it, or a conninfo string or URI, as libpq does: environment variables, service
     * files and the password file count.
     *
     * @throws IllegalArgumentException where the text is invalid or asks for what is not supported; the message continues a
     *     sentence that starts with the name of the setting, and never shows a password
     */
    static Address parse(String text, LibpqEnvironment environment) {
        String given = text.strip();
        if (given.startsWith("jdbc:postgresql:")) {
            return JdbcAddress.of(given);
        }
        if (ConnectionText.isUri(given) || given.contains("=")) {
            return new LibpqAddress(ConnectionText.parse(given), environment);
        }
        throw new IllegalArgumentException(
                "is not a database; expected a JDBC URL (jdbc:postgresql://host:5432/db), a URI"
                        + " (postgresql://user@host:5432/db) or a conninfo string (host=... dbname=...)");
    }

    /** The same with another user or password where given (not null). */
    Address as(String user, String password);

    /**
     * One connection.
     *
     * @param defaults properties of the driver; the address's own count first
     */
    Connection connect(Properties defaults) throws SQLException;

    /** The properties by name, for {@link #connect}. */
    static Properties properties(Map<String, String> properties) {
        Properties all = new Properties();
        all.putAll(properties);
        return all;
    }
}
