package io.pgcaravan.demo;

import io.pgcaravan.app.Application;
import io.pgcaravan.demo.Demo.State;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;

/** {@code caravan demo}: orders are written while the shipped routes carry them into daily partitions. */
final class DispatchDemo implements AutoCloseable {

    private final Demo demo;
    private final OrdersDemo orders;
    private final Application routes;

    DispatchDemo(Demo demo, OrdersDemo orders) {
        this.demo = demo;
        this.orders = orders;
        routes = Application.shipped(
                Path.of(System.getProperty("caravan.home", ".")),
                Map.of("sourceDb", orders.sourceUrl(), "targetDb", orders.targetUrl()),
                Map.of(
                        "dispatch.enabled", "true",
                        "dispatch.queue", OrdersDemo.QUEUE,
                        "dispatch.consumer", OrdersDemo.CONSUMER,
                        "dispatch.destTable", "public.orders",
                        "dispatch.fields", "*",
                        "dispatch.partField", "created_at",
                        "dispatch.period", "day",
                        "dispatch.rowMode", "plain",
                        "dispatch.onError", "stop",
                        "ticker.enabled", "true"),
                "dispatch.camel.yaml",
                "ticker.camel.yaml");
    }

    /** Writes this many orders, and returns when the target has all of them. */
    void carry(long rows) throws Exception {
        routes.start();
        try (Connection source = orders.source();
                Connection target = orders.target()) {
            // Events from before its registration would not be the consumer's. It makes its tables in the target first.
            String consumer = "select exists (select from pgq.get_consumer_info('" + OrdersDemo.QUEUE + "', '"
                    + OrdersDemo.CONSUMER + "'))";
            demo.await(
                    CompletableFuture.completedFuture(0L),
                    () -> new State(
                            "starting the routes ...",
                            "",
                            Query.text(source, consumer).equals("t")));
            long start = System.nanoTime();
            FutureTask<Long> writing = orders.startWriting(rows);
            demo.await(writing, () -> state(source, target));
            double written = (writing.get() - start) / 1e9;
            double all = (System.nanoTime() - start) / 1e9;
            demo.print(
                    "%,d orders, %,d changes: written in %.1f s, all in the target %.1f s later, %,d events a second.%n",
                    orders.orders(), orders.changes(), written, all - written, Math.round(orders.changes() / all));
        }
    }

    private State state(Connection source, Connection target) throws SQLException {
        long last = Long.parseLong(Query.text(source, Sql.file("demo/written")));
        long applied = 0;
        double age = 0;
        int partitions = 0;
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery(Sql.file("demo/applied"))) {
            // there is none before the first batch
            if (row.next()) {
                applied = row.getLong(1);
                age = row.getDouble(2);
                partitions = row.getInt(3);
            }
        }
        String line = String.format(
                Locale.ROOT,
                "changes written %,9d   in the target %,9d   lag %4.1f s   partitions %2d",
                orders.changes(),
                applied,
                last > applied ? age : 0,
                partitions);
        return new State(line, applied, last <= applied);
    }

    void printPartitions() throws SQLException {
        List<String> partitions = new ArrayList<>();
        try (Connection target = orders.target();
                Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery(Sql.file("demo/partitions"))) {
            while (row.next()) {
                partitions.add(String.format(Locale.ROOT, "%s %,7d rows", row.getString(1), row.getLong(2)));
            }
        }
        demo.print("%d partitions in the target:", partitions.size());
        demo.printSome(partitions);
    }

    @Override
    public void close() {
        routes.close();
    }
}
