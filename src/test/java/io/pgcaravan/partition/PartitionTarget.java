package io.pgcaravan.partition;

import io.pgcaravan.PgServer;
import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.queue.Batch;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A target database whose tables are partitioned by a {@link Partitioner}, as the consumer and the loader drive it. */
final class PartitionTarget implements AutoCloseable {

    static final Instant EVENT_TIME = Instant.parse("2026-10-02T23:30:00Z");
    static final Instant BATCH_TIME = Instant.parse("2026-10-05T23:30:00Z");

    final String url;
    final Connection connection;
    final List<BadRowException> rejected = new ArrayList<>();

    private static final Map<List<String>, ColumnSet> COLUMN_SETS = new HashMap<>();
    private static long lastEvent;

    PartitionTarget(String prefix) throws SQLException {
        url = PgServer.get().createDatabase(prefix);
        connection = connect();
        execute("create schema caravan", Sql.file("target/caravan.partition"));
    }

    /** A session of its own, in UTC and the schema public. */
    Connection connect() throws SQLException {
        Connection made = DriverManager.getConnection(url);
        try (Statement statement = made.createStatement()) {
            // a schema named like the user would come first
            statement.execute("set timezone to 'UTC'; set search_path to public");
        }
        return made;
    }

    static Batch batch() {
        return new Batch("orders", "loader", 7, 12, BATCH_TIME, 100, 11, BATCH_TIME.minusSeconds(5), 50);
    }

    OpenBatch open() throws SQLException {
        return open(connection);
    }

    /** A batch whose bad rows are collected in {@link #rejected}. */
    OpenBatch open(Connection session) throws SQLException {
        session.setAutoCommit(false);
        return new OpenBatch(batch(), session, StandardCharsets.UTF_8, (batch, badRow) -> rejected.add(badRow));
    }

    static void commit(OpenBatch batch) throws SQLException {
        batch.beforeCommit();
        batch.target().commit();
        batch.target().setAutoCommit(true);
    }

    void rollback() throws SQLException {
        connection.rollback();
        connection.setAutoCommit(true);
    }

    /** Applies rows as one batch: placed, inserted, committed. */
    List<RowChange> apply(Partitioner partitioner, RowChange... rows) throws SQLException {
        OpenBatch batch = open();
        try {
            List<RowChange> placed = partitioner.place(batch, Arrays.asList(rows));
            for (RowChange row : placed) {
                insert(connection, row);
            }
            commit(batch);
            return placed;
        } catch (SQLException | RuntimeException e) {
            rollback();
            throw e;
        }
    }

    static void insert(Connection session, RowChange row) throws SQLException {
        StringBuilder columns = new StringBuilder();
        StringBuilder values = new StringBuilder();
        for (String name : row.columns().names()) {
            columns.append(columns.isEmpty() ? "" : ", ").append(TableName.quote(name));
            values.append(values.isEmpty() ? "?" : ", ?");
        }
        try (PreparedStatement insert = session.prepareStatement(
                "insert into " + row.partition().table().quoted() + " (" + columns + ") values (" + values + ")")) {
            for (int i = 0; i < row.columns().size(); i++) {
                insert.setObject(i + 1, row.text(i), java.sql.Types.OTHER);
            }
            insert.executeUpdate();
        }
    }

    static RowChange row(Object... namesAndValues) {
        return change(Op.INSERT, null, List.of("id"), namesAndValues);
    }

    static RowChange change(Op op, RowChange before, List<String> key, Object... namesAndValues) {
        List<String> names = new ArrayList<>();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int[] bounds = new int[namesAndValues.length];
        for (int i = 0; i < namesAndValues.length; i += 2) {
            names.add((String) namesAndValues[i]);
            Object value = namesAndValues[i + 1];
            bounds[i] = value == null ? -1 : bytes.size();
            if (value != null) {
                bytes.writeBytes(value.toString().getBytes(StandardCharsets.UTF_8));
            }
            bounds[i + 1] = value == null ? -1 : bytes.size();
        }
        return new RowChange(
                Event.of(++lastEvent, EVENT_TIME, op.name().substring(0, 1) + ":id", ""),
                op,
                key,
                COLUMN_SETS.computeIfAbsent(names, ColumnSet::new),
                bytes.toByteArray(),
                bounds,
                before);
    }

    void execute(String... statements) throws SQLException {
        execute(connection, statements);
    }

    static List<String> execute(Connection session, String... statements) throws SQLException {
        List<String> warnings = new ArrayList<>();
        try (Statement statement = session.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
                for (SQLWarning w = statement.getWarnings(); w != null; w = w.getNextWarning()) {
                    warnings.add(w.getMessage());
                }
            }
        }
        return warnings;
    }

    List<String> rows(String sql) throws SQLException {
        return rows(connection, sql);
    }

    /** The rows of a query, each as its values joined by {@code |}. */
    static List<String> rows(Connection session, String sql) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Statement statement = session.createStatement();
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

    /** The names of the tables whose name starts so, in order. */
    List<String> tables(String prefix) throws SQLException {
        return rows("select relname from pg_class where relkind in ('r', 'p') and starts_with(relname, '" + prefix
                + "') order by relname collate \"C\"");
    }

    /** Partitions of a parent with their bounds, in order. */
    List<String> partitions(String parent) throws SQLException {
        return rows("select c.oid::regclass, pg_get_expr(c.relpartbound, c.oid) from pg_inherits i"
                + " join pg_class c on c.oid = i.inhrelid where i.inhparent = '" + parent
                + "'::regclass order by c.relname collate \"C\"");
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
