package io.pgcaravan.demo;

import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;

/** The demos' two databases: orders in the source, whose changes triggers note, and the table of the target they go to. */
final class OrdersDemo {

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
                Statement statement = source.createStatement()) {
            statement.execute(Sql.file("demo/orders"));
            statement.execute("alter table orders add primary key (id)");
            statement.execute("select pgq.create_queue('" + QUEUE + "')");
            statement.execute("select pgq.set_queue_config('" + QUEUE + "', 'ticker_max_lag', '1 second')");
            statement.execute("select pgq.set_queue_config('" + QUEUE + "', 'ticker_max_count', '20000')");
            statement.execute("create trigger orders_queue after insert or update or delete on orders"
                    + " for each row execute function pgq.logutriga('" + QUEUE + "', 'backup')");
        }
        try (Connection target = target();
                Statement statement = target.createStatement()) {
            statement.execute(Sql.file("demo/orders") + "partition by range (created_at)");
            statement.execute("alter table orders add primary key (id, created_at)");
        }
    }

    /** For ship: the changes are tracked, and the target accepts the table. */
    void createForShip() throws SQLException {
        Tracking tracking = new Tracking(Tracking.LEDGER, null, null, false);
        TableName orders = new TableName("public", "orders");
        try (Connection source = source();
                Statement statement = source.createStatement()) {
            statement.execute(Sql.file("demo/orders"));
            statement.execute("alter table orders add primary key (id)");
            statement.execute(tracking.exporter(orders));
        }
        try (Connection target = target();
                Statement statement = target.createStatement()) {
            statement.execute(Sql.file("demo/orders"));
            statement.execute("alter table orders add primary key (id)");
            statement.execute(tracking.importer(orders));
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

    /** The number of the last event in the queue. */
    static long lastEvent(Connection source) throws SQLException {
        try (Statement statement = source.createStatement();
                ResultSet row = statement.executeQuery(Sql.file("demo/written"))) {
            row.next();
            return row.getLong(1);
        }
    }

    /**
     * How far the target is.
     *
     * @param lastEvent the number of the last event that is in
     * @param age seconds since that state was the source's
     */
    record Applied(long lastEvent, double age, int partitions) {}

    /** How far the target is; all zero before the first batch. */
    static Applied applied(Connection target) throws SQLException {
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery(Sql.file("demo/applied"))) {
            return row.next() ? new Applied(row.getLong(1), row.getDouble(2), row.getInt(3)) : new Applied(0, 0, 0);
        }
    }

    /** Whether the demo's consumer is registered by now, which it does after it made its tables in the target. */
    static boolean hasConsumer(Connection source) throws SQLException {
        try (Statement statement = source.createStatement();
                ResultSet row = statement.executeQuery(
                        "select exists (select from pgq.get_consumer_info('" + QUEUE + "', '" + CONSUMER + "'))")) {
            row.next();
            return row.getBoolean(1);
        }
    }

    /** The target's partitions and their rows, in order. */
    Map<String, Long> partitions() throws SQLException {
        Map<String, Long> partitions = new LinkedHashMap<>();
        try (Connection target = target();
                Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery(Sql.file("demo/partitions"))) {
            while (row.next()) {
                partitions.put(row.getString(1), row.getLong(2));
            }
        }
        return partitions;
    }

    /**
     * The two tables, row by row.
     *
     * @param differing ids of rows that are not the same on both sides, or on one side only
     */
    record Comparison(long sourceRows, long targetRows, List<Long> differing) {

        boolean equal() {
            return sourceRows == targetRows && differing.isEmpty();
        }
    }

    private record Block(long rows, String hash) {}

    /** Compares hashes over blocks of rows, and the rows of the blocks that differ. */
    Comparison compare() throws SQLException {
        try (Connection source = source();
                Connection target = target()) {
            Map<Long, Block> ours = blocks(source);
            Map<Long, Block> theirs = blocks(target);
            TreeSet<Long> all = new TreeSet<>(ours.keySet());
            all.addAll(theirs.keySet());
            List<Long> differing = new ArrayList<>();
            for (Long block : all) {
                if (!Objects.equals(ours.get(block), theirs.get(block))) {
                    differing.addAll(differing(rows(source, block), rows(target, block)));
                }
            }
            return new Comparison(count(ours), count(theirs), differing);
        }
    }

    private static Map<Long, Block> blocks(Connection connection) throws SQLException {
        Map<Long, Block> blocks = new HashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(Sql.file("demo/hashes"))) {
            while (row.next()) {
                blocks.put(row.getLong("block"), new Block(row.getLong("rows"), row.getString("hash")));
            }
        }
        return blocks;
    }

    private static Map<Long, List<String>> rows(Connection connection, long block) throws SQLException {
        Map<Long, List<String>> rows = new TreeMap<>();
        try (PreparedStatement statement = connection.prepareStatement(Sql.file("demo/hashes-of-rows"))) {
            statement.setLong(1, block);
            statement.setLong(2, block);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    rows.computeIfAbsent(row.getLong("id"), id -> new ArrayList<>())
                            .add(row.getString("hash"));
                }
            }
        }
        return rows;
    }

    private static List<Long> differing(Map<Long, List<String>> ours, Map<Long, List<String>> theirs) {
        TreeSet<Long> ids = new TreeSet<>(ours.keySet());
        ids.addAll(theirs.keySet());
        ids.removeIf(id -> Objects.equals(ours.get(id), theirs.get(id)));
        return List.copyOf(ids);
    }

    private static long count(Map<Long, Block> blocks) {
        return blocks.values().stream().mapToLong(Block::rows).sum();
    }
}
