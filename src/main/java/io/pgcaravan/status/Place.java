package io.pgcaravan.status;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

/**
 * A database to look at.
 *
 * @param name as the configuration has it
 * @param known what the jobs' settings hold for it; compared by identity
 * @param connections where to get connections of our own, never those that the jobs need
 */
public record Place(String name, DataSource known, DataSource connections) {

    /** A database with a name for people. */
    public static Place of(String name, DataSource database) {
        return new Place(name, database, database);
    }

    Connection connect() throws SQLException {
        return connections.getConnection();
    }
}
