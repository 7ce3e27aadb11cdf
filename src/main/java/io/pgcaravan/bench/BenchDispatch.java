package io.pgcaravan.bench;

import io.pgcaravan.app.Application;
import io.pgcaravan.batch.Consumers;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.sql.Query;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code caravan bench dispatch}: the shipped routes, beside what {@code psql} needs for the same bytes, in turns, on one
 * server that holds source and target. A run is timed from a tick's notification to the finished batch.
 */
@Command(
        name = "dispatch",
        mixinStandardHelpOptions = true,
        description = "Measures how fast the shipped dispatch routes carry events into partitions, beside what psql"
                + " needs to copy the same batch out, or the same rows in.")
final class BenchDispatch implements Callable<Integer> {

    private static final int DAYS = 30;
    private static final int SMALL_BATCH = 500;
    private static final String COLUMNS = "(id bigint, customer text, amount numeric(10,2), status text, note text,"
            + " created_at timestamp, primary key (id, created_at))";
    /** Minutes. */
    private static final long LONGEST_RUN = 10;

    @Option(
            names = "--events",
            paramLabel = "N",
            defaultValue = "1000000",
            description = "Events in the large batch; default is ${DEFAULT-VALUE}.")
    private int events;

    @Option(
            names = "--repeat",
            paramLabel = "N",
            defaultValue = "5",
            description = "How often each is measured; default is ${DEFAULT-VALUE}.")
    private int repeat;

    @Option(names = "--quick", description = "20,000 events, measured once: shows that all works, not how fast.")
    private boolean quick;

    @Option(names = "--full", description = "Also measures the memory that a batch of five times as many events takes.")
    private boolean full;

    /** What can be measured. */
    enum Part {
        append,
        keyed,
        rows,
        small,
        memory
    }

    @Option(
            names = "--only",
            paramLabel = "PART",
            split = ",",
            description = "What to measure, of: ${COMPLETION-CANDIDATES}; default is all.")
    private Set<Part> only = EnumSet.allOf(Part.class);

    @Spec
    private CommandSpec spec;

    private BenchReport report;
    private Workbench bench;
    private String targetUrl;
    private Connection target;

    /** Route and settings of a run. */
    private record Job(String route, String rowMode) {}

    @Override
    public Integer call() throws Exception {
        if (quick) {
            events = 20_000;
            repeat = 1;
        }
        report = new BenchReport(spec.commandLine().getOut(), quick, 42, "");
        try (Workbench opened = new Workbench(spec, Map.of())) {
            bench = opened;
            targetUrl = bench.server.createDatabase("bench_target");
            try (Connection toTarget = DriverManager.getConnection(targetUrl)) {
                target = toTarget;
                report.machine(bench.source);
                report.say("");
                if (only.contains(Part.append) || only.contains(Part.keyed) || only.contains(Part.rows)) {
                    largeBatch();
                }
                if (only.contains(Part.small)) {
                    smallBatches();
                }
                if (only.contains(Part.memory)) {
                    memory();
                }
            }
        }
        return 0;
    }

    // ---- one large batch

    private void largeBatch() throws Exception {
        BenchQueue inserts = new BenchQueue(bench.source, "inserts", DAYS);
        inserts.inserts(events);
        report.say(
                "%,d events of six columns in one batch, into %d daily partitions with primary keys, not there before",
                events, DAYS);
        report.say("measured %d times, in turns: median (fastest .. slowest) seconds", repeat);
        double limit = append(inserts);
        if (only.contains(Part.keyed)) {
            BenchQueue changes = new BenchQueue(bench.source, "changes", DAYS);
            changes.changes(events * 3L / 4, events / 5, events / 20);
            keyed("dispatch, keep_latest, inserts", new Job("dispatch", "keep_latest"), inserts, limit);
            keyed("dispatch, keep_latest, 20 % U, 5 % D", new Job("dispatch", "keep_latest"), changes, limit);
            keyed("dispatch, plain, 20 % U, 5 % D", new Job("dispatch", "plain"), changes, limit);
        }
        if (only.contains(Part.rows)) {
            rows(inserts);
        }
        report.say("");
    }

    /** Seconds that psql needs at least. */
    private double append(BenchQueue inserts) throws Exception {
        Job append = new Job("dispatch", "append");
        double cold = run(append, inserts);
        List<String> partitions = copyReadyRows();
        Timings read = new Timings();
        Timings write = new Timings();
        Timings slower = new Timings();
        Timings ours = new Timings();
        for (int i = 0; i < repeat; i++) {
            read.add(copyOut(inserts));
            write.add(copyIn(partitions));
            slower.add(Math.max(read.of(i), write.of(i)));
            ours.add(run(append, inserts));
        }
        report.line("psql: the batch's ev_type, ev_data out", read, events, "");
        report.line("psql: the ready rows into the partitions", write, events, "");
        report.line("dispatch, append", ours, events, report.ratio(slower, ours, 0.8));
        report.say("  the same in a JVM just started: %.2f s", cold);
        return Math.max(read.median(), write.median());
    }

    private void keyed(String title, Job job, BenchQueue queue, double limit) throws Exception {
        Timings runs = Timings.of(repeat, () -> run(job, queue));
        report.line(title, runs, queue.events(), String.format(Locale.ROOT, "psql/ours %.2f", limit / runs.median()));
    }

    private void rows(BenchQueue queue) throws Exception {
        Job job = new Job("dispatch-rows", "");
        run(job, queue);
        Timings runs = Timings.of(repeat, () -> run(job, queue));
        boolean met = queue.events() / runs.median() >= 100_000;
        report.line("dispatch-rows, event by event", runs, queue.events(), report.goal("", met, "100,000 a second"));
    }

    private double copyOut(BenchQueue queue) throws Exception {
        String sql = queue.batchSql().replace('\n', ' ');
        return bench.psql.run(
                bench.sourceUrl, "\\copy (select ev_type, ev_data from (" + sql + ") e) to '/dev/null'\n");
    }

    /** Writes each partition of the last run to a file that is called as it is. */
    private List<String> copyReadyRows() throws Exception {
        List<String> partitions = List.of(Query.text(
                        target,
                        "select string_agg(inhrelid::regclass::text, ',' order by inhrelid::regclass::text)"
                                + " from pg_inherits where inhparent = 'orders'::regclass")
                .split(","));
        bench.psql.run(targetUrl, copies(partitions, "to"));
        return partitions;
    }

    private String copies(List<String> tables, String direction) {
        return tables.stream()
                .map(table -> "\\copy %s %s '%s'\n".formatted(table, direction, bench.directory.resolve(table)))
                .collect(Collectors.joining());
    }

    private double copyIn(List<String> tables) throws Exception {
        emptyTarget();
        for (String table : tables) {
            Query.execute(target, "create table " + table + " " + COLUMNS);
        }
        double seconds = bench.psql.run(targetUrl, copies(tables, "from"));
        Query.execute(target, "drop table " + String.join(", ", tables));
        return seconds;
    }

    // ---- many small batches

    private void smallBatches() throws Exception {
        int batches = quick ? 20 : 1000;
        BenchQueue queue = new BenchQueue(bench.source, "small", 1);
        for (int i = 0; i < batches; i++) {
            queue.inserts(SMALL_BATCH);
        }
        report.say("%,d batches of %d events, into one partition", batches, SMALL_BATCH);
        for (String rowMode : List.of("append", "keep_latest")) {
            long sourceTrips = RoundTrips.of("source");
            long targetTrips = RoundTrips.of("target");
            double seconds = run(new Job("dispatch", rowMode), queue);
            double onSource = (double) (RoundTrips.of("source") - sourceTrips) / batches;
            double onTarget = (double) (RoundTrips.of("target") - targetTrips) / batches;
            report.say(
                    "  %-12s %,6.0f batches a second, %.1f ms each; round trips a batch: source %.1f, target %.1f %s",
                    rowMode,
                    batches / seconds,
                    1000 * seconds / batches,
                    onSource,
                    onTarget,
                    report.goal("", onSource <= 5.05 && onTarget <= 5.05, "5 each"));
        }
        report.say("");
    }

    // ---- memory

    private void memory() throws Exception {
        report.say("peak memory of caravan run, with -Xmx64m");
        List<Integer> sizes = new ArrayList<>(List.of(events / 10, events));
        if (full) {
            sizes.add(5 * events);
        }
        for (int size : sizes) {
            BenchQueue queue = new BenchQueue(bench.source, "memory_" + size, DAYS);
            queue.inserts(size);
            long peak = peakMemory(queue);
            report.say(
                    "  %,10d events in one batch: %s",
                    size, peak < 0 ? "unknown on this system" : peak / 1024 + " MB resident");
            Query.execute(bench.source, "select pgq.drop_queue('" + queue.name() + "', true)");
        }
    }

    /** Kilobytes; negative where the system does not tell. */
    private long peakMemory(BenchQueue queue) throws Exception {
        resetTarget(queue);
        Path config = Files.createDirectories(bench.directory.resolve("config"));
        writeConfiguration(config, queue);
        Path output = bench.directory.resolve("run.log");
        Process run = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-Xmx64m",
                        "-Dcaravan.home=" + bench.home,
                        "-cp",
                        System.getProperty("java.class.path"),
                        "io.pgcaravan.cli.Caravan",
                        "run",
                        "--config",
                        config.toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            Timings.await(50, LONGEST_RUN, "caravan run is not done; see " + output, () -> {
                if (!run.isAlive()) {
                    throw new IllegalStateException("caravan run has ended:\n" + Files.readString(output));
                }
                return queue.finished();
            });
            Path status = Path.of("/proc", Long.toString(run.pid()), "status");
            if (!Files.isReadable(status)) {
                return -1;
            }
            return Files.readAllLines(status).stream()
                    .filter(line -> line.startsWith("VmHWM"))
                    .map(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .findFirst()
                    .orElse(-1L);
        } finally {
            run.destroy();
            run.waitFor();
        }
    }

    private void writeConfiguration(Path config, BenchQueue queue) throws IOException {
        Properties properties = new Properties();
        try (var shipped = Files.newBufferedReader(bench.home.resolve("config").resolve("application.properties"))) {
            properties.load(shipped);
        }
        properties.putAll(properties(new Job("dispatch", "append"), queue));
        properties.setProperty("camel.management.enabled", "false");
        properties.setProperty("database.sourceDb.url", bench.sourceUrl);
        properties.setProperty("database.targetDb.url", targetUrl);
        try (var file =
                Files.newBufferedWriter(config.resolve("application.properties"), StandardCharsets.ISO_8859_1)) {
            properties.store(file, null);
        }
    }

    // ---- one run

    /** Seconds from waking the route, which is up and idle, until the queue's last batch is finished. */
    private double run(Job job, BenchQueue queue) throws Exception {
        resetTarget(queue);
        queue.skip();
        try (Application application = Application.shipped(
                bench.home,
                Map.of(
                        "sourceDb", RoundTrips.counted(bench.sourceUrl, "source"),
                        "targetDb", RoundTrips.counted(targetUrl, "target")),
                properties(job, queue),
                job.route + ".camel.yaml")) {
            application.start();
            awaitIdle();
            System.gc();
            return Timings.seconds(() -> {
                queue.rewind();
                queue.wake();
                await(10, LONGEST_RUN, "the batch is not done after ten minutes", queue::finished);
            });
        }
    }

    private void await(int millis, long minutes, String otherwise, Callable<Boolean> condition) throws Exception {
        try {
            Timings.await(millis, minutes, otherwise, condition);
        } catch (IllegalStateException e) {
            throw new IllegalStateException(e.getMessage() + "; what was logged ends with\n" + bench.log.tail(20));
        }
    }

    /** The consumer's lock is the last that it needs before it waits for a batch. */
    private void awaitIdle() throws Exception {
        String lock = "select min(pid) from pg_locks where locktype = 'advisory' and database ="
                + " (select oid from pg_database where datname = current_database())";
        await(20, 1, "the route does not start", () -> Query.text(target, lock) != null);
        Thread.sleep(300);
    }

    private static Map<String, String> properties(Job job, BenchQueue queue) {
        Map<String, String> properties = new HashMap<>();
        properties.put(job.route + ".enabled", "true");
        properties.put(job.route + ".queue", queue.name());
        properties.put(job.route + ".consumer", BenchQueue.CONSUMER);
        properties.put(job.route + ".destTable", "public.orders");
        properties.put(job.route + ".fields", "*");
        properties.put(job.route + ".partField", "created_at");
        properties.put(job.route + ".period", "day");
        properties.put(job.route + ".onError", "stop");
        properties.put(
                job.route.equals("dispatch") ? "dispatch.rowMode" : "dispatch-rows.eventTypes",
                job.route.equals("dispatch") ? job.rowMode : "I");
        if (job.rowMode.equals("append")) {
            // what config/application.properties advises for it
            properties.put("dispatch.ordered", "false");
        }
        return properties;
    }

    /** An empty parent, and a consumer that starts before the first batch. */
    private void resetTarget(BenchQueue queue) throws SQLException {
        emptyTarget();
        queue.rewind();
        new Consumers(new Pgq("pgq"), queue.name(), BenchQueue.CONSUMER).reset(bench.source, target);
    }

    private void emptyTarget() throws SQLException {
        Query.execute(target, "drop schema if exists caravan, pgq_ext cascade");
        Query.execute(target, "drop table if exists orders");
        Query.execute(target, "create table orders " + COLUMNS + " partition by range (created_at)");
    }
}
