package io.pgcaravan.app;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgcaravan.camel.BatchDataSource;
import io.pgcaravan.database.Address;
import io.pgcaravan.database.AddressDataSource;
import io.pgcaravan.sql.SearchPath;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;

/** A database as people give it, and connections to it as this program needs them. Its text shows no password. */
public record Database(Address address) {

    private static final String APPLICATION_NAME = "ApplicationName";
    private static final String OURS = "pgcaravan";

    /**
     * Reads a JDBC URL, a {@code postgresql://} URI, or a conninfo string ({@code host=db1 dbname=orders}).
     *
     * @throws IllegalArgumentException where the text is none of the three; the message never shows a password
     */
    public static Database parse(String text) {
        return new Database(Address.parse(text));
    }

    /**
     * {@link #parse} for an option or key.
     *
     * @param named what the text was given as, for the message
     * @throws ConfigurationException where the text is no database
     */
    public static Database given(String named, String text) {
        try {
            return parse(text);
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(named + " " + e.getMessage());
        }
    }

    /** The same with another user or password where given (not null). */
    public Database as(String otherUser, String otherPassword) {
        return new Database(address.as(otherUser, otherPassword));
    }

    /** One connection, outside any pool. */
    public Connection connect() throws SQLException {
        return address.connect(Address.properties(Map.of(APPLICATION_NAME, OURS)));
    }

    /** {@link #connect} for a command, which ends where the database cannot be reached. */
    public Connection reach() {
        return reach("");
    }

    /** @param named what the database was given as, in parentheses and with a space before it; may be empty */
    public Connection reach(String named) {
        try {
            return connect();
        } catch (SQLException e) {
            throw new CommandFailedException("the database " + this + named + " cannot be reached: " + e.getMessage());
        }
    }

    /** {@link #reach} for a command that runs no SQL of users: nothing is looked for in schemas where others may plant. */
    public Connection reachPinned() throws SQLException {
        Connection connection = reach();
        try {
            SearchPath.pin(connection);
            return connection;
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    /** A pool whose connections join the batch that asks for them. Nothing is connected yet. */
    public BatchDataSource pool(String name, int size) {
        HikariConfig config = new HikariConfig();
        config.setPoolName(name);
        config.setDataSource(new AddressDataSource(
                address,
                Map.of(
                        APPLICATION_NAME,
                        OURS,
                        "tcpKeepAlive",
                        "true",
                        // Texts out of url-encoded rows take the type of the column they go to.
                        "stringtype",
                        "unspecified",
                        "reWriteBatchedInserts",
                        "true")));
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(0);
        // A database that is down is the route's to report and to wait for.
        config.setInitializationFailTimeout(-1);
        config.setConnectionTimeout(5_000);
        // what the jobs rely on; unset, the pool asks for it, and hides a connection lost just then behind another
        // error
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        return new BatchDataSource(new HikariDataSource(config), name + ", " + this);
    }

    /** Without the password. */
    @Override
    public String toString() {
        return address.toString();
    }
}
