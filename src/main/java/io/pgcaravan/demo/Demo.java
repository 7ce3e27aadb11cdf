package io.pgcaravan.demo;

import io.pgcaravan.app.Progress;
import io.pgcaravan.app.QuietLog;
import io.pgcaravan.server.ThrowAwayServer;
import io.pgcaravan.ship.compare.Comparison;
import io.pgcaravan.ship.compare.Comparison.Request;
import io.pgcaravan.ship.compare.Comparison.Result;
import io.pgcaravan.ship.exporter.Tracking;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.postgresql.Driver;
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
        exitCodeList = {
            "0:both sides are the same",
            "1:they are not, or it could not be tried",
            "2:bad usage, or no server can be had"
        })
public final class Demo implements Callable<Integer> {

    private static final long STALLED_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final int LISTED_DIFFERENCES = 20;

    /** What can be shown. */
    enum Feature {
        dispatch,
        ship
    }

    @Parameters(
            arity = "0..1",
            defaultValue = "dispatch",
            paramLabel = "dispatch|ship",
            description = "What to show; default is ${DEFAULT-VALUE}.")
    private Feature feature;

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
    private Progress progress;
    private QuietLog log;

    @Override
    public Integer call() throws Exception {
        if (rows < 1) {
            throw new ParameterException(spec.commandLine(), "--rows " + rows + ": must be >= 1");
        }
        spec.commandLine().setErr(new PrintWriter(System.err, true));
        log = QuietLog.divert();
        out = spec.commandLine().getOut();
        progress = new Progress(out);
        Runtime.getRuntime().addShutdownHook(new Thread(progress::end, "demo-end"));
        progress.show("starting a PostgreSQL server with PgQ ...");
        boolean equal;
        try (ThrowAwayServer server = ThrowAwayServer.start("demo")) {
            String source = server.createDatabaseWithPgq("demo_source");
            OrdersDemo orders = new OrdersDemo(source, server.createDatabase("demo_target"));
            equal = feature == Feature.ship ? ship(server, orders) : dispatch(server, orders);
        }
        printNext();
        return equal ? 0 : 1;
    }

    private boolean dispatch(ThrowAwayServer server, OrdersDemo orders) throws Exception {
        orders.createForDispatch();
        try (DispatchDemo dispatch = new DispatchDemo(this, orders)) {
            print("server   " + server.description());
            print("source   table orders; a trigger puts each change into the queue \"orders\"");
            print("target   table orders, partitioned by day, still without partitions");
            print("between  routes/dispatch.camel.yaml and routes/ticker.camel.yaml, as caravan run starts them");
            print("");
            dispatch.carry(rows);
            boolean equal = compare(orders, dispatch::printPartitions);
            if (keep) {
                stayUp(
                        "Databases and routes keep running",
                        orders,
                        "insert into orders values (0, 'me', 9.99, 'new', null, now() + interval '1 day');",
                        "select tableoid::regclass, * from orders where id = 0;");
            }
            return equal;
        }
    }

    private boolean ship(ThrowAwayServer server, OrdersDemo orders) throws Exception {
        orders.createForShip();
        try (ShipDemo ship = new ShipDemo(this, orders)) {
            print("server   " + server.description());
            print("source   table orders; triggers note the keys of changed rows in orders_dml");
            print("target   table orders, still empty; a database that the source never connects to");
            print("between  the drop directory " + ship.directory());
            print("");
            ship.carry(rows);
            boolean equal = compare(orders, ship::printSets);
            if (keep) {
                stayUp(
                        "Exports and imports keep running",
                        orders,
                        "insert into orders values (0, 'me', 9.99, 'new', null, now());",
                        "select * from orders where id = 0;");
            }
            return equal;
        }
    }

    // ---- for both

    /** How far the target is. */
    record State(String line, Object carried, boolean complete) {}

    /** Shows how far the target is, until it has everything; fails where nothing arrives for a minute. */
    void await(Future<Long> writing, Callable<State> look) throws Exception {
        Object seen = null;
        long seenAt = System.nanoTime();
        while (true) {
            // First whether all is written, then how far the target is, so that the end is not declared too early.
            boolean written = writing.isDone();
            State state = look.call();
            if (written) {
                result(writing);
                if (state.complete) {
                    progress.clear();
                    return;
                }
            }
            progress.show(state.line);
            if (!state.carried.equals(seen)) {
                seen = state.carried;
                seenAt = System.nanoTime();
            } else if (System.nanoTime() - seenAt > STALLED_NANOS) {
                progress.end();
                throw new IllegalStateException(
                        "nothing has arrived in the target for a minute; what was logged ends with\n" + log.tail(20));
            }
            Thread.sleep(100);
        }
    }

    static long result(Future<Long> work) throws Exception {
        try {
            return work.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause().getMessage(), e.getCause());
        }
    }

    void print(String format, Object... values) {
        progress.clear();
        out.println(values.length == 0 ? format : String.format(Locale.ROOT, format, values));
        out.flush();
    }

    /** The first four and the last two, where there are many. */
    void printSome(List<String> lines) {
        boolean all = lines.size() <= 8;
        lines.stream().limit(all ? lines.size() : 4).forEach(line -> print("  " + line));
        if (!all) {
            print("  ...");
            lines.stream().skip(lines.size() - 2L).forEach(line -> print("  " + line));
        }
        print("");
    }

    private interface Part {
        void print() throws Exception;
    }

    private boolean compare(OrdersDemo orders, Part before) throws Exception {
        List<String> wrong = new ArrayList<>();
        Result result = new Comparison((doing, number) -> progress.show("comparing ..."))
                .compare(
                        orders::source,
                        orders::target,
                        new Request(OrdersDemo.ORDERS, null, null),
                        Tracking.LEDGER,
                        null,
                        difference -> wrong.add(difference.key().get(0)));
        before.print();
        boolean equal = wrong.isEmpty() && result.sourceRows() == result.targetRows();
        print(
                "Compared row by row: source %,d rows, target %,d rows, %s",
                result.sourceRows(),
                result.targetRows(),
                equal ? "all equal." : String.format(Locale.ROOT, "%,d DIFFERENT:", wrong.size()));
        if (!equal) {
            print("  ids "
                    + String.join(", ", wrong.subList(0, Math.min(LISTED_DIFFERENCES, wrong.size())))
                    + (wrong.size() > LISTED_DIFFERENCES ? ", ..." : ""));
            print(log.tail(20));
        }
        print("");
        return equal;
    }

    private void printNext() {
        print("Nothing is left running. Next:");
        if (feature == Feature.ship) {
            next("caravan demo ship --keep", "the same, and the databases stay up for a look with psql");
            next("caravan ddl --help", "the SQL that prepares your own tables");
            next("caravan export --help", "sets of your own tables; caravan import applies them");
        } else {
            next("caravan demo --keep", "the same, and the databases stay up for a look with psql");
            next("caravan demo ship", "tables that travel by files");
            next("caravan run", "your own databases, as config/application.properties names them");
        }
        next("README.md", "how a job is written, and what is guaranteed");
    }

    private void next(String command, String what) {
        print("  %-26s%s", command, what);
    }

    private void stayUp(String what, OrdersDemo orders, String insert, String select) throws InterruptedException {
        print(what + ". Change something in the source, and look for it in the target:");
        print("  source   " + psql(orders.sourceUrl()));
        print("  target   " + psql(orders.targetUrl()));
        print("For instance, in the source:");
        print("  " + insert);
        print("and in the target:");
        print("  " + select);
        print("");
        print("Press Enter (or Ctrl-C) to stop everything and leave nothing behind.");
        awaitEnter();
    }

    private static String psql(String url) {
        Properties parsed = Driver.parseURL(url, null);
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
