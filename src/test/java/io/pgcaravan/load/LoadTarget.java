package io.pgcaravan.load;

import io.pgcaravan.PgServer;
import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.queue.Batch;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** A database to load into, with batches that are applied as the consumer applies them. */
final class LoadTarget implements AutoCloseable {

    final Connection connection;
    final String url;
    final List<BadRowException> rejected = new ArrayList<>();

    LoadTarget(String prefix) throws SQLException {
        url = PgServer.get().createDatabase(prefix);
        // the user may have the name of the schema caravan, which would come first then
        connection = DriverManager.getConnection(url + (url.contains("?") ? "&" : "?") + "currentSchema=public");
    }

    static Batch batch() {
        return new Batch("orders_queue", "loader", 7, 12, Instant.EPOCH, 100, 11, Instant.EPOCH, 50);
    }

    /** A batch whose bad rows are collected in {@link #rejected}. */
    OpenBatch open() throws SQLException {
        connection.setAutoCommit(false);
        return new OpenBatch(batch(), connection, StandardCharsets.UTF_8, (batch, badRow) -> rejected.add(badRow));
    }

    void commit(OpenBatch batch) throws SQLException {
        batch.beforeCommit();
        connection.commit();
        connection.setAutoCommit(true);
    }

    void rollback(OpenBatch batch) throws SQLException {
        batch.rolledBack();
        connection.rollback();
        connection.setAutoCommit(true);
    }

    void execute(String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    /** The rows of a query, each as its values joined by {@code |}. */
    List<String> rows(String sql) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                StringBuilder text = new StringBuilder();
                for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                    text.append(i > 1 ? "|" : "").append(row.getString(i));
                }
                rows.add(text.toString());
            }
        }
        return rows;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
