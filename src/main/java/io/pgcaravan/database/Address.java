package io.pgcaravan.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;

/** Where a database is and who connects to it, in one of the ways people write that. Its text shows no password. */
public sealed interface Address permits JdbcAddress, LibpqAddress {

    /** {@link #parse(String, Surroundings)} in the surroundings of this process. */
    static Address parse(String text) {
        return parse(text, Surroundings.ofThisProcess());
    }

    /**
     * Reads a JDBC URL, which means what the driver says it does, or a conninfo string or a URI, which mean what libpq says
     * they do: the environment, service files and the password file count.
     *
     * @throws IllegalArgumentException where the text is none of the three, or says what cannot be honoured; the message
     *     continues a sentence that starts with the name of the setting, and never shows a password
     */
    static Address parse(String text, Surroundings surroundings) {
        String given = text.strip();
        if (given.startsWith("jdbc:postgresql:")) {
            return JdbcAddress.of(given);
        }
        if (ConnectionText.isUri(given) || given.contains("=")) {
            return LibpqAddress.of(ConnectionText.parse(given), surroundings);
        }
        throw new IllegalArgumentException("is no database: give a JDBC URL (jdbc:postgresql://host:5432/db), a URI"
                + " (postgresql://user@host:5432/db) or a conninfo string (host=... dbname=...)");
    }

    /** The same with another user or password where given (not null). */
    Address as(String user, String password);

    /**
     * One connection.
     *
     * @param more properties of the driver; of those that the text has too, the text's count
     */
    Connection connect(Properties more) throws SQLException;

    /** The properties by name, for {@link #connect}. */
    static Properties properties(Map<String, String> properties) {
        Properties all = new Properties();
        all.putAll(properties);
        return all;
    }
}
