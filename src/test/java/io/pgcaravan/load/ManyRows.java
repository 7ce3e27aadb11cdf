package io.pgcaravan.load;

import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;

/**
 * Loads one large batch into fresh tables {@code many_0}, {@code many_1}, … and says how long it took. Run by tests in a
 * process of its own, with little memory.
 */
final class ManyRows {

    private static final ColumnSet COLUMNS =
            new ColumnSet(List.of("id", "customer", "order_date", "amount", "status", "note"));
    private static final List<String> KEY = List.of("id");
    private static final String[] STATUS = {"new", "paid", "sent", "returned"};
    private static final int CHUNK = 4000;

    private ManyRows() {}

    /**
     * @param arguments JDBC URL, row mode, number of events, number of tables, {@code inserts} or {@code mixed} (a quarter
     *     of the events are updates and deletes of earlier rows), {@code binary} or {@code text}
     */
    public static void main(String[] arguments) throws SQLException {
        RowMode mode = RowMode.valueOf(arguments[1]);
        int events = Integer.parseInt(arguments[2]);
        int tables = Integer.parseInt(arguments[3]);
        boolean mixed = arguments[4].equals("mixed");
        LoadSettings settings = new LoadSettings(
                TableName.parse("many"),
                mode,
                List.of(),
                OnUnknownColumn.FAIL,
                OnTruncate.STOP,
                arguments[5].equals("binary"),
                false);
        try (Connection connection = DriverManager.getConnection(arguments[0])) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("drop table if exists many cascade");
                statement.execute("create table many (id bigint, customer int, order_date date, amount numeric(10,2),"
                        + " status text, note text)");
                connection.setAutoCommit(false);
                for (int i = 0; i < tables; i++) {
                    statement.addBatch("create table many_" + i + " (primary key (id)) inherits (many)");
                    if (i % 500 == 499) {
                        // the lock table of a server with default settings does not hold them all at once
                        statement.executeBatch();
                        connection.commit();
                    }
                }
                statement.executeBatch();
                connection.commit();
            }
            Partition[] partitions = new Partition[tables];
            for (int i = 0; i < tables; i++) {
                partitions[i] = new Partition(TableName.parse("many_" + i), null, null);
            }
            for (int round = 0; round < Integer.getInteger("rounds", 1); round++) {
                try (Statement statement = connection.createStatement()) {
                    for (int i = 0; i < tables && round > 0; i++) {
                        statement.addBatch("truncate many_" + i);
                    }
                    statement.executeBatch();
                    connection.commit();
                }
                long start = System.nanoTime();
                OpenBatch batch =
                        new OpenBatch(LoadTarget.batch(), connection, StandardCharsets.UTF_8, (open, badRow) -> {
                            throw badRow;
                        });
                Loader loader = batch.participant(batch, () -> new Loader(batch, settings, new TargetColumns(), false));
                List<RowChange> chunk = new ArrayList<>(CHUNK);
                for (int i = 0; i < events; i++) {
                    chunk.add(change(i, mixed, partitions));
                    if (chunk.size() == CHUNK) {
                        loader.load(chunk);
                        chunk = new ArrayList<>(CHUNK);
                    }
                }
                loader.load(chunk);
                long loaded = System.nanoTime();
                batch.beforeCommit();
                long flushed = System.nanoTime();
                connection.commit();
                long end = System.nanoTime();
                System.out.printf(
                        "%s %s: %d events into %d tables, %d rows in %.2f s (load %.2f, flush %.2f), %.0f events/s%n",
                        mode,
                        String.join(" ", List.of(arguments).subList(4, 6)),
                        events,
                        tables,
                        batch.rows(),
                        (end - start) / 1e9,
                        (loaded - start) / 1e9,
                        (flushed - loaded) / 1e9,
                        events * 1e9 / (end - start));
            }
        }
    }

    private static RowChange change(int i, boolean mixed, Partition[] partitions) {
        Op op = Op.INSERT;
        int id = i;
        if (mixed && i % 4 == 3) {
            // an earlier row of the same partition
            op = i % 12 == 11 ? Op.DELETE : Op.UPDATE;
            id = Math.floorMod(i * 7919, i / 4 + 1) * 4;
        }
        String values = id + "," + id % 5003 + "," + LocalDate.of(2026, 10, 1).plusDays(id % partitions.length) + ","
                + id % 10_000 + ".25," + STATUS[i % 4] + ",order number " + id + " of a customer";
        int[] bounds = new int[2 * COLUMNS.size()];
        int at = 0;
        for (int column = 0; column < COLUMNS.size(); column++) {
            int comma = values.indexOf(',', at);
            bounds[2 * column] = at;
            bounds[2 * column + 1] = comma < 0 ? values.length() : comma;
            at = comma + 1;
        }
        RowChange change = new RowChange(
                Event.of(i + 1L, Instant.EPOCH, op.name().charAt(0) + ":id", null),
                op,
                KEY,
                COLUMNS,
                values.getBytes(StandardCharsets.UTF_8),
                bounds,
                null);
        change.place(partitions[id % partitions.length]);
        return change;
    }
}
