package io.pgcaravan.demo;

import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;

/** The demos' two databases: orders in the source, whose changes triggers note, and the table of the target they go to. */
final class OrdersDemo {

    static final TableName ORDERS = new TableName("public", "orders");
    static final String QUEUE = "orders";
    static final String CONSUMER = "demo";

    /** Days that the orders are spread over, the last of them today. */
    static final int DAYS = 60;

    private static final int ORDERS_A_TRANSACTION = 2_000;
    private static final int PAID_OF_THEM = 400;
    private static final int MOVED_OF_THEM = 40;
    private static final int CANCELLED_OF_THEM = 100;

    private final String sourceUrl;
    private final String targetUrl;
    private final AtomicLong orders = new AtomicLong();
    private final AtomicLong changes = new AtomicLong();

    OrdersDemo(String sourceUrl, String targetUrl) {
        this.sourceUrl = sourceUrl;
        this.targetUrl = targetUrl;
    }

    /** For dispatch: a trigger puts the changes into a queue, and the target's table is partitioned. */
    void createForDispatch() throws SQLException {
        try (Connection source = source();
                Connection target = target()) {
            Query.execute(
                    source,
                    Sql.file("demo/orders"),
                    "alter table orders add primary key (id)",
                    "select pgq.create_queue('" + QUEUE + "')",
                    "select pgq.set_queue_config('" + QUEUE + "', 'ticker_max_lag', '1 second')",
                    "select pgq.set_queue_config('" + QUEUE + "', 'ticker_max_count', '20000')",
                    "create trigger orders_queue after insert or update or delete on orders"
                            + " for each row execute function pgq.logutriga('" + QUEUE + "', 'backup')");
            Query.execute(
                    target,
                    Sql.file("demo/orders") + "partition by range (created_at)",
                    "alter table orders add primary key (id, created_at)");
        }
    }

    /** For ship: the changes are tracked, and the target accepts the table. */
    void createForShip() throws SQLException {
        Tracking tracking = new Tracking(Tracking.LEDGER, null, null, false);
        String key = "alter table orders add primary key (id)";
        try (Connection source = source();
                Connection target = target()) {
            Query.execute(source, Sql.file("demo/orders"), key, tracking.exporter(ORDERS));
            Query.execute(target, Sql.file("demo/orders"), key, tracking.importer(ORDERS));
        }
    }

    Connection source() throws SQLException {
        return DriverManager.getConnection(sourceUrl);
    }

    Connection target() throws SQLException {
        return DriverManager.getConnection(targetUrl);
    }

    /** Orders written so far. */
    long orders() {
        return orders.get();
    }

    /** Inserts, updates and deletes committed so far. */
    long changes() {
        return changes.get();
    }

    String sourceUrl() {
        return sourceUrl;
    }

    String targetUrl() {
        return targetUrl;
    }

    /** {@link #write} in a thread of its own; the result is the time of its end. */
    FutureTask<Long> startWriting(long rows) {
        FutureTask<Long> writing = new FutureTask<>(() -> {
            write(rows);
            return System.nanoTime();
        });
        Thread writer = new Thread(writing, "demo-writer");
        writer.setDaemon(true);
        writer.start();
        return writing;
    }

    /** Writes orders until there are this many, and pays, moves and cancels some of them all the while. */
    void write(long rows) throws SQLException {
        Timestamp firstDay = Timestamp.valueOf(
                LocalDate.now(ZoneOffset.UTC).minusDays(DAYS - 1).atStartOfDay());
        try (Connection source = source();
                PreparedStatement insert = source.prepareStatement(Sql.file("demo/insert"));
                PreparedStatement pay = source.prepareStatement(Sql.file("demo/pay"));
                PreparedStatement move = source.prepareStatement(Sql.file("demo/move"));
                PreparedStatement cancel = source.prepareStatement(Sql.file("demo/cancel"))) {
            source.setAutoCommit(false);
            for (long from = orders.get() + 1; from <= rows; from += ORDERS_A_TRANSACTION) {
                long to = Math.min(rows, from + ORDERS_A_TRANSACTION - 1);
                long changed = update(insert, from, to, DAYS, firstDay)
                        + update(pay, PAID_OF_THEM, to)
                        + update(move, MOVED_OF_THEM, to, DAYS, firstDay)
                        + update(cancel, CANCELLED_OF_THEM, to);
                source.commit();
                orders.set(to);
                changes.addAndGet(changed);
            }
        }
    }

    private static int update(PreparedStatement statement, Object... values) throws SQLException {
        for (int i = 0; i < values.length; i++) {
            statement.setObject(i + 1, values[i]);
        }
        return statement.executeUpdate();
    }
}
