package io.pgcaravan.demo;

import io.pgcaravan.app.Application;
import io.pgcaravan.app.ProgressLine;
import io.pgcaravan.app.QuietLog;
import io.pgcaravan.demo.OrdersDemo.Applied;
import io.pgcaravan.demo.OrdersDemo.Comparison;
import io.pgcaravan.server.ThrowAwayServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan demo}. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description =
                "Shows dispatch at work on a private, throw-away server: orders are written, changed and deleted in a"
                        + " source while the shipped routes carry them into a target's daily partitions; then both are compared"
                        + " row by row. Or ship: sets of what has changed travel through a drop directory, and are imported."
                        + " Leaves nothing behind.",
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:both sides are the same",
            "1:they are not, or it could not be tried",
            "2:bad usage, or there is no server to have"
        })
public final class Demo implements Callable<Integer> {

    private static final long STALLED_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final int LISTED_DIFFERENCES = 20;

    @Parameters(
            arity = "0..1",
            defaultValue = "dispatch",
            paramLabel = "dispatch|ship",
            description = "What to show; default is ${DEFAULT-VALUE}.")
    private String job;

    @Option(
            names = "--rows",
            paramLabel = "N",
            defaultValue = "300000",
            description = "Orders to write; default is ${DEFAULT-VALUE}.")
    private long rows;

    @Option(
            names = "--keep",
            description = "Leave databases and routes running afterwards, for a look with psql, until Enter or Ctrl-C.")
    private boolean keep;

    @Spec
    private CommandSpec spec;

    private PrintWriter out;
    private ProgressLine progress;
    private QuietLog log;

    @Override
    public Integer call() throws Exception {
        if (!job.equals("dispatch") && !job.equals("ship")) {
            throw new ParameterException(spec.commandLine(), "there is no demo \"" + job + "\": dispatch and ship are");
        }
        if (rows < 1) {
            throw new ParameterException(spec.commandLine(), "--rows " + rows + ": must be >= 1");
        }
        spec.commandLine().setErr(new PrintWriter(System.err, true));
        log = QuietLog.divert();
        out = spec.commandLine().getOut();
        progress = new ProgressLine(out);
        Thread newLine = new Thread(progress::end, "demo-end");
        Runtime.getRuntime().addShutdownHook(newLine);
        progress.show("starting a PostgreSQL server with PgQ ...");
        boolean equal;
        try (ThrowAwayServer server = ThrowAwayServer.start("demo")) {
            equal = job.equals("ship") ? ship(server) : dispatch(server);
        }
        sayWhatIsNext();
        return equal ? 0 : 1;
    }

    private boolean dispatch(ThrowAwayServer server) throws Exception {
        String source = server.createDatabaseWithPgq("demo_source");
        String target = server.createDatabase("demo_target");
        OrdersDemo orders = new OrdersDemo(source, target);
        orders.createForDispatch();
        progress.clear();
        out.println("server   " + server.description());
        out.println("source   table orders; a trigger puts each change into the queue \"orders\"");
        out.println("target   table orders, partitioned by day, still without partitions");
        out.println("between  routes/dispatch.camel.yaml and routes/ticker.camel.yaml, as caravan run starts them");
        out.println();
        return dispatch(orders, source, target);
    }

    private boolean ship(ThrowAwayServer server) throws Exception {
        String source = server.createDatabase("demo_source");
        String target = server.createDatabase("demo_target");
        OrdersDemo orders = new OrdersDemo(source, target);
        orders.createForShip();
        try (ShipDemo ship = new ShipDemo(orders, out, progress)) {
            progress.clear();
            out.println("server   " + server.description());
            out.println("source   table orders; triggers note the keys of changed rows in orders_dml");
            out.println("target   table orders, still empty; a database that the source never connects to");
            out.println("between  the drop directory " + ship.directory());
            out.println();
            ship.carry(rows);
            ship.showSets();
            progress.show("comparing ...");
            Comparison comparison = orders.compare();
            progress.clear();
            show(comparison);
            if (keep) {
                stayUp(
                        "Exports and imports go on",
                        source,
                        target,
                        "insert into orders values (0, 'me', 9.99, 'new', null, now());",
                        "select * from orders where id = 0;");
            }
            return comparison.equal();
        }
    }

    private boolean dispatch(OrdersDemo orders, String source, String target) throws Exception {
        Map<String, String> properties = Map.of(
                "dispatch.enabled", "true",
                "dispatch.queue", OrdersDemo.QUEUE,
                "dispatch.consumer", OrdersDemo.CONSUMER,
                "dispatch.destTable", "public.orders",
                "dispatch.fields", "*",
                "dispatch.partField", "created_at",
                "dispatch.period", "day",
                "dispatch.rowMode", "plain",
                "dispatch.onError", "stop",
                "ticker.enabled", "true");
        Path home = Path.of(System.getProperty("caravan.home", "."));
        progress.show("starting the routes ...");
        try (Application application = Application.shipped(
                home,
                Map.of("sourceDb", source, "targetDb", target),
                properties,
                "dispatch.camel.yaml",
                "ticker.camel.yaml")) {
            application.start();
            boolean equal = run(orders);
            if (keep) {
                stayUp(
                        "Databases and routes go on running",
                        source,
                        target,
                        "insert into orders values (0, 'me', 9.99, 'new', null, now() + interval '1 day');",
                        "select tableoid::regclass, * from orders where id = 0;");
            }
            return equal;
        }
    }

    /** Writes and watches; then shows what arrived. Whether source and target are equal. */
    private boolean run(OrdersDemo orders) throws Exception {
        Carried carried;
        try (Connection source = orders.source();
                Connection target = orders.target()) {
            carried = carry(orders, source, target);
        }
        progress.clear();
        out.printf(
                Locale.ROOT,
                "%,d orders, %,d changes: written in %.1f s, all in the target %.1f s later, %,d events a second.%n%n",
                orders.orders(),
                orders.changes(),
                carried.writing,
                carried.all - carried.writing,
                Math.round(orders.changes() / carried.all));
        progress.show("comparing ...");
        Map<String, Long> partitions = orders.partitions();
        Comparison comparison = orders.compare();
        progress.clear();
        show(partitions);
        show(comparison);
        return comparison.equal();
    }

    /** Seconds from the start until all was written, and until all was applied. */
    private record Carried(double writing, double all) {}

    private Carried carry(OrdersDemo orders, Connection source, Connection target) throws Exception {
        awaitConsumer(source);
        long start = System.nanoTime();
        FutureTask<Long> writing = new FutureTask<>(() -> {
            orders.write(rows);
            return System.nanoTime();
        });
        Thread writer = new Thread(writing, "demo-writer");
        writer.setDaemon(true);
        writer.start();
        long seen = -1;
        long seenAt = start;
        while (true) {
            // First whether all is written, then how far the target is, so that the end is not declared too early.
            boolean written = writing.isDone();
            long last = OrdersDemo.lastEvent(source);
            Applied applied = OrdersDemo.applied(target);
            long behind = last - applied.lastEvent();
            long now = System.nanoTime();
            progress.show(line(orders.changes(), behind, applied));
            if (written) {
                long ended = endOf(writing);
                if (behind <= 0) {
                    return new Carried((ended - start) / 1e9, (now - start) / 1e9);
                }
            }
            if (applied.lastEvent() != seen) {
                seen = applied.lastEvent();
                seenAt = now;
            } else if (now - seenAt > STALLED_NANOS) {
                throw stalled();
            }
            Thread.sleep(100);
        }
    }

    private static long endOf(FutureTask<Long> writing) throws Exception {
        try {
            return writing.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(
                    "the orders could not be written: " + e.getCause().getMessage(), e.getCause());
        }
    }

    private static String line(long changes, long behind, Applied state) {
        return String.format(
                Locale.ROOT,
                "changes written %,9d   in the target %,9d   lag %4.1f s   partitions %2d",
                changes,
                state.lastEvent(),
                behind > 0 ? state.age() : 0,
                state.partitions());
    }

    /** Events from before its registration would not be the consumer's. */
    private void awaitConsumer(Connection source) throws SQLException, InterruptedException {
        long deadline = System.nanoTime() + STALLED_NANOS;
        while (!OrdersDemo.hasConsumer(source)) {
            if (System.nanoTime() > deadline) {
                throw stalled();
            }
            Thread.sleep(50);
        }
    }

    private IllegalStateException stalled() {
        progress.end();
        return new IllegalStateException(
                "nothing has arrived in the target for a minute; what was logged ends with\n" + log.tail(20));
    }

    private void show(Map<String, Long> partitions) {
        out.printf(Locale.ROOT, "%d partitions in the target:%n", partitions.size());
        List<String> lines = new ArrayList<>();
        partitions.forEach((name, count) -> lines.add(String.format(Locale.ROOT, "%s %,7d rows", name, count)));
        int rest = lines.size() > 8 ? 4 : lines.size();
        lines.stream().limit(rest).forEach(line -> out.println("  " + line));
        if (rest < lines.size()) {
            out.println("  ...");
            lines.stream().skip(lines.size() - 2L).forEach(line -> out.println("  " + line));
        }
        out.println();
    }

    private void show(Comparison comparison) {
        out.printf(
                Locale.ROOT,
                "Compared row by row: source %,d rows, target %,d rows, %s%n",
                comparison.sourceRows(),
                comparison.targetRows(),
                comparison.equal()
                        ? "all equal."
                        : String.format(
                                Locale.ROOT,
                                "%,d DIFFERENT:",
                                comparison.differing().size()));
        if (!comparison.equal()) {
            out.println("  ids "
                    + comparison.differing().stream()
                            .limit(LISTED_DIFFERENCES)
                            .map(String::valueOf)
                            .collect(Collectors.joining(", "))
                    + (comparison.differing().size() > LISTED_DIFFERENCES ? ", ..." : ""));
            out.println(log.tail(20));
        }
        out.println();
        out.flush();
    }

    private void sayWhatIsNext() {
        out.println("Nothing is left running. Next:");
        if (job.equals("ship")) {
            next("caravan demo ship --keep", "the same, and the databases stay up for a look with psql");
            next("caravan ddl --help", "the SQL that prepares your own tables");
            next("caravan export --help", "sets of your own tables; caravan import applies them");
        } else {
            next("caravan demo --keep", "the same, and the databases stay up for a look with psql");
            next("caravan demo ship", "tables that travel by files");
            next("caravan run", "your own databases, as config/application.properties names them");
        }
        next("README.md", "how a job is written, and what is guaranteed");
        out.flush();
    }

    private void next(String command, String what) {
        out.printf("  %-26s%s%n", command, what);
    }

    private void stayUp(String what, String source, String target, String insert, String select)
            throws InterruptedException {
        out.println(what + ". Change something in the source, and look for it in the target:");
        out.println("  source   " + psql(source));
        out.println("  target   " + psql(target));
        out.println("For instance, in the source:");
        out.println("  " + insert);
        out.println("and in the target:");
        out.println("  " + select);
        out.println();
        out.println("Press Enter (or Ctrl-C) to stop everything and leave nothing behind.");
        out.flush();
        awaitEnter();
    }

    private static String psql(String url) {
        java.util.Properties parsed = org.postgresql.Driver.parseURL(url, null);
        return "psql 'host=" + parsed.getProperty("PGHOST") + " port=" + parsed.getProperty("PGPORT") + " user="
                + parsed.getProperty("user") + " password=" + parsed.getProperty("password") + " dbname="
                + parsed.getProperty("PGDBNAME") + "'";
    }

    /** Where there is no input to read a key from, only a signal ends the wait. */
    private static void awaitEnter() throws InterruptedException {
        try {
            int read;
            do {
                read = System.in.read();
            } while (read >= 0 && read != '\n');
            if (read >= 0) {
                return;
            }
        } catch (IOException noInput) {
            // as at its end
        }
        new CountDownLatch(1).await();
    }
}
