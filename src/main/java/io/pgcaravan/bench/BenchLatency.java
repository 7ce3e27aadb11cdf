package io.pgcaravan.bench;

import io.pgcaravan.app.Application;
import io.pgcaravan.server.ThrowAwayServer;
import io.pgcaravan.server.ThrowAwayServerException;
import io.pgcaravan.sql.Query;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.DoubleStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code caravan bench latency}: from a row's commit in the source to its commit in the target. Both databases are on one
 * server, which notes the time of each commit by one clock ({@code track_commit_timestamp}), so that nothing here has
 * to watch for rows and nothing is measured but the rows' own way.
 */
@Command(
        name = "latency",
        mixinStandardHelpOptions = true,
        description =
                "Measures the time from a row's commit in the source to its commit in the target, with the shipped"
                        + " dispatch and ticker routes, one row a transaction.")
final class BenchLatency implements Callable<Integer> {

    private static final int GOAL_MEDIAN = 150;
    private static final int GOAL_P99 = 500;

    /** Rows of the first seconds are not counted: the JVM compiles, pools connect, the partition is made. */
    private static final int WARM_UP_SECONDS = 3;

    @Option(
            names = "--rate",
            paramLabel = "ROWS",
            description = "Rows a second, at most 5000; default ${DEFAULT-VALUE}.")
    private int rate = 500;

    @Option(names = "--seconds", paramLabel = "N", description = "How long to measure; default ${DEFAULT-VALUE}.")
    private int seconds = 20;

    @Option(
            names = "--period",
            paramLabel = "MS",
            description = "The ticker's period (ticker.period); default ${DEFAULT-VALUE}.")
    private int period = 50;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (rate < 1 || rate > 5000 || seconds < 1 || period < 1) {
            throw new ParameterException(
                    spec.commandLine(), "--rate must be from 1 to 5000, --seconds and --period >= 1");
        }
        PrintWriter out = spec.commandLine().getOut();
        try (ThrowAwayServer server = ThrowAwayServer.start("bench", Map.of("track_commit_timestamp", "on"))) {
            String sourceUrl = server.createDatabaseWithPgq("latency_source");
            String targetUrl = server.createDatabase("latency_target");
            try (Connection source = DriverManager.getConnection(sourceUrl);
                    Connection target = DriverManager.getConnection(targetUrl)) {
                prepare(source, target);
                try (Application application = Application.shipped(
                        Path.of(System.getProperty("caravan.home", ".")),
                        Map.of("sourceDb", sourceUrl, "targetDb", targetUrl),
                        Map.of(
                                "dispatch.enabled", "true",
                                "dispatch.queue", "orders",
                                "dispatch.consumer", "latency",
                                "dispatch.destTable", "public.orders",
                                "dispatch.partField", "created_at",
                                "dispatch.rowMode", "keep_latest",
                                "ticker.enabled", "true",
                                "ticker.period", Integer.toString(period)),
                        "dispatch.camel.yaml",
                        "ticker.camel.yaml")) {
                    application.start();
                    awaitAtLeast(source, "select count(*) from pgq.subscription", 1, "the dispatch route to register");
                    insert(source, rate * WARM_UP_SECONDS);
                    long before = number(source, "select max(id) from orders");
                    double took = Timings.seconds(() -> insert(source, rate * seconds));
                    long rows = number(source, "select count(*) from orders where id > " + before);
                    awaitAtLeast(
                            target,
                            "select count(*) from orders where id > " + before,
                            rows,
                            "all rows to arrive in the target");
                    out.printf(
                            "%s; %d rows in %.1f s, one a transaction (%.0f a second), ticker.period=%d%n",
                            server.description(), rows, took, rows / took, period);
                    report(out, latencies(source, target, before));
                }
            }
        }
        return 0;
    }

    private static void prepare(Connection source, Connection target) throws SQLException {
        String columns = "(id bigint generated by default as identity, customer text not null,"
                + " amount numeric(10,2) not null, created_at timestamp not null";
        if (!"on".equals(Query.text(source, "show track_commit_timestamp"))) {
            throw new ThrowAwayServerException("the latency is taken from commit timestamps, which "
                    + ThrowAwayServer.URL_VARIABLE
                    + "'s server does not keep: set track_commit_timestamp = on there and restart it");
        }
        Query.execute(
                source,
                "select pgq.create_queue('orders')",
                // a tick at every look of the ticker that finds new events
                "select pgq.set_queue_config('orders', 'ticker_max_lag', '0')",
                "create table orders " + columns + ", primary key (id))",
                "create trigger orders_queue after insert or update or delete on orders for each row"
                        + " execute function pgq.logutriga('orders')");
        Query.execute(
                target,
                "create table orders " + columns.replace(" generated by default as identity", "")
                        + ", primary key (id, created_at)) partition by range (created_at)");
    }

    private static void awaitAtLeast(Connection connection, String query, long least, String what) throws Exception {
        Timings.await(50, 1, "waited a minute in vain for " + what, () -> number(connection, query) >= least);
    }

    /** One row a transaction, evenly; a server that cannot keep up gets them as fast as it takes them. */
    private void insert(Connection source, int rows) throws SQLException {
        String today = LocalDate.now() + " 12:00:00";
        long started = System.nanoTime();
        try (PreparedStatement insert = source.prepareStatement(
                "insert into orders (customer, amount, created_at) values (?, ?::numeric, ?::timestamp)")) {
            for (int i = 0; i < rows; i++) {
                long due = started + i * 1_000_000_000L / rate;
                for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                    LockSupport.parkNanos(left);
                }
                insert.setString(1, "customer " + i % 1000);
                insert.setString(2, i % 10_000 + ".25");
                insert.setString(3, today);
                insert.executeUpdate();
            }
        }
    }

    /** Milliseconds of each row, ascending. */
    private static double[] latencies(Connection source, Connection target, long after) throws SQLException {
        String query = "select id, extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000 from orders where id > "
                + after + " order by id";
        double[] sent = column(source, query);
        double[] arrived = column(target, query);
        double[] latencies = new double[sent.length];
        for (int i = 0; i < sent.length; i++) {
            latencies[i] = arrived[i] - sent[i];
        }
        Arrays.sort(latencies);
        return latencies;
    }

    private static void report(PrintWriter out, double[] ascending) {
        double median = percentile(ascending, 50);
        double p99 = percentile(ascending, 99);
        out.printf(
                "source commit to target commit, milliseconds: median %.0f, p95 %.0f, p99 %.0f, max %.0f%n",
                median, percentile(ascending, 95), p99, ascending[ascending.length - 1]);
        out.printf(
                "goal: median at most %d (%s), p99 at most %d (%s)%n",
                GOAL_MEDIAN, met(median, GOAL_MEDIAN), GOAL_P99, met(p99, GOAL_P99));
        out.flush();
    }

    private static String met(double value, int goal) {
        return value <= goal ? "met" : "missed";
    }

    private static double percentile(double[] ascending, int percent) {
        return ascending[Math.min(ascending.length - 1, (int) (ascending.length * (long) percent / 100))];
    }

    private static double[] column(Connection connection, String query) throws SQLException {
        DoubleStream.Builder values = DoubleStream.builder();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            while (rows.next()) {
                values.add(rows.getDouble(2));
            }
        }
        return values.build().toArray();
    }

    private static long number(Connection connection, String query) throws SQLException {
        return Long.parseLong(Query.text(connection, query));
    }
}
