package io.pgcaravan.changeset;

import io.pgcaravan.queue.Sql;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** How rows are read that have to come out as the same text wherever that is done: for a set, and for a comparison. */
public final class ReadSession {

    private static final String SESSION = Sql.file("changeset/session");

    private ReadSession() {}

    /** Begins a transaction that sees one snapshot, which its first question takes. */
    public static void begin(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute("set transaction isolation level repeatable read read only");
            statement.execute(SESSION);
            // names in values of reg types come with their schemas then
            statement.execute("set local search_path = pg_catalog, pg_temp");
            statement.execute("set local work_mem = '64MB'");
        }
    }
}
