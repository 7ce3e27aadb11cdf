package io.pgcaravan.camel;

import io.pgcaravan.PgServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * A source with a table of orders, whose changes a trigger writes into the queue "orders", and a target with the parent of its
 * partitions; fresh databases on the tests' server.
 */
class Orders implements AutoCloseable {

    static final String TABLE =
            "(id bigint, customer text, amount numeric(10,2), note text, created_at timestamp not null, status text";

    final String sourceUrl;
    final String targetUrl;
    final Connection source;
    final Connection target;

    Orders() throws SQLException {
        this(", primary key (id, created_at)) partition by range (created_at)");
    }

    /** @param parent what follows the columns of the target's parent */
    Orders(String parent) throws SQLException {
        this(parent, "UTF8", "UTF8");
    }

    /** Databases in these encodings. */
    static Orders encoded(String source, String target) throws SQLException {
        return new Orders(", primary key (id, created_at)) partition by range (created_at)", source, target);
    }

    Orders(String parent, String sourceEncoding, String targetEncoding) throws SQLException {
        PgServer server = PgServer.get();
        sourceUrl = server.createDatabaseWithPgq("orders_source", sourceEncoding);
        targetUrl = server.createDatabase("orders_target", targetEncoding);
        source = DriverManager.getConnection(sourceUrl);
        target = DriverManager.getConnection(targetUrl);
        source(
                "select pgq.create_queue('orders')",
                // ticks only when a test asks for one
                "select pgq.set_queue_config('orders', 'ticker_max_lag', '0')",
                "create table orders " + TABLE + ", primary key (id))",
                "create trigger orders_queue after insert or update or delete on orders for each row execute function"
                        + " pgq.logutriga('orders', 'backup')");
        beforeTarget();
        target("create table orders " + TABLE + parent);
    }

    private Orders(Orders other) throws SQLException {
        sourceUrl = other.sourceUrl;
        targetUrl = other.targetUrl;
        source = DriverManager.getConnection(sourceUrl);
        target = DriverManager.getConnection(targetUrl);
    }

    /** The same databases over new connections, after the server was away. */
    Orders reconnected() throws SQLException {
        return new Orders(this);
    }

    /** What the target needs before its table is made. */
    void beforeTarget() throws SQLException {}

    void source(String... statements) throws SQLException {
        run(source, statements);
    }

    void target(String... statements) throws SQLException {
        run(target, statements);
    }

    /** Orders {@code from} to {@code to}, inclusive, over ten days of October 2026. */
    void insert(int from, int to) throws SQLException {
        source("""
                insert into orders
                select i, 'customer ' || i %% 97, i * 1.25, case when i %% 3 = 0 then null else E'no\\te & "' || i end,
                       timestamp '2026-10-01' + i %% 10 * interval '1 day' + i * interval '1 second', 'new'
                from generate_series(%d, %d) i""".formatted(from, to));
    }

    /** Closes a batch: all that was committed up to now. */
    void tick() throws SQLException {
        source("select pgq.force_tick('orders')", "select pgq.ticker('orders')");
    }

    long count(Connection connection, String query) throws SQLException {
        return ((Number) value(connection, query)).longValue();
    }

    Object value(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getObject(1);
        }
    }

    /** All rows, in order, as one text each. */
    List<String> rows(Connection connection) throws SQLException {
        return column(
                connection,
                "select row(id, customer, amount, note, created_at, status)::text from orders order by id, created_at");
    }

    /** Fails with the first few rows that are on one side only, or there more often. */
    void assertTargetEqualsSource() throws SQLException {
        List<String> missing = rows(source);
        List<String> there = rows(target);
        if (missing.equals(there)) {
            return;
        }
        List<String> extra = new ArrayList<>(there);
        java.util.Map<String, Integer> counts = new java.util.HashMap<>();
        missing.forEach(row -> counts.merge(row, 1, Integer::sum));
        extra.removeIf(row -> counts.merge(row, -1, Integer::sum) >= 0);
        java.util.Map<String, Integer> others = new java.util.HashMap<>();
        there.forEach(row -> others.merge(row, 1, Integer::sum));
        missing.removeIf(row -> others.merge(row, -1, Integer::sum) >= 0);
        throw new AssertionError("the target has " + there.size() + " rows; missing " + missing.size() + ": "
                + missing.stream().limit(5).toList() + ", too many " + extra.size() + ": "
                + extra.stream().limit(5).toList());
    }

    List<String> column(Connection connection, String query) throws SQLException {
        List<String> values = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            while (row.next()) {
                values.add(row.getString(1));
            }
        }
        return values;
    }

    /** Names of the target's tables that begin like this, in order. */
    List<String> partitions(String prefix) throws SQLException {
        return column(
                target,
                "select relname from pg_class where relkind in ('r', 'p') and relname like '" + prefix
                        + "%' and relname <> '" + prefix + "' and relnamespace = 'public'::regnamespace order by 1");
    }

    private static void run(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    @Override
    public void close() throws SQLException {
        source.close();
        target.close();
    }
}
