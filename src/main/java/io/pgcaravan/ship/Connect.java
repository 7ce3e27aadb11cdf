package io.pgcaravan.ship;

import java.sql.Connection;
import java.sql.SQLException;

/** Opens connections to one database: {@code dataSource::getConnection}, for instance. */
@FunctionalInterface
public interface Connect {

    /** A connection of its own, with autocommit on; the caller closes it. */
    Connection open() throws SQLException;

    /** Closes a connection, which may be a pool's, without what it has not committed. */
    static void close(Connection connection) throws SQLException {
        try (connection) {
            if (!connection.isClosed()) {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }
}
