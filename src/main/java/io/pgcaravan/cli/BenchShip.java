package io.pgcaravan.cli;

import io.pgcaravan.changeset.Compression;
import io.pgcaravan.changeset.Connect;
import io.pgcaravan.changeset.DropDirectory;
import io.pgcaravan.changeset.Exporter;
import io.pgcaravan.changeset.Exporter.Exported;
import io.pgcaravan.changeset.Importer;
import io.pgcaravan.changeset.Importer.Outcome;
import io.pgcaravan.changeset.Importer.Result;
import io.pgcaravan.changeset.Manifest;
import io.pgcaravan.changeset.SetName.Part;
import io.pgcaravan.changeset.Target;
import io.pgcaravan.changeset.Tracking;
import io.pgcaravan.partition.TableName;
import io.pgcaravan.queue.Sql;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code caravan bench ship}: an export, an import and the tracking triggers, each beside what {@code psql} or a plain trigger
 * needs for the same rows, in turns, on one server. Every import goes to a fresh copy of the same target database.
 */
@Command(
        name = "ship",
        mixinStandardHelpOptions = true,
        description = "Measures export, import and tracking triggers on a table of which a quarter is updated and a"
                + " fortieth deleted, beside what psql, or a trigger for each row, needs for the same rows.")
final class BenchShip implements Callable<Integer> {

    private static final TableName ORDERS = new TableName("public", "orders");
    private static final Target TARGET = new Target("bench", "bench_target");
    private static final String COLUMNS = "(id bigint primary key, customer text, amount numeric(10,2), status text,"
            + " note text, created_at timestamp)";
    private static final String UPDATE = "update orders set status = 'paid', amount = amount + 1 where id % 4 = 0";
    private static final String DELETE = "delete from orders where id % 40 = 1";
    private static final Tracking TRACKING = new Tracking(Tracking.LEDGER, null, null, false);

    @Option(
            names = "--rows",
            paramLabel = "N",
            defaultValue = "2000000",
            description = "Rows of the table; default is ${DEFAULT-VALUE}.")
    private long rows;

    @Option(
            names = "--repeat",
            paramLabel = "N",
            defaultValue = "3",
            description = "How often each is measured; default is ${DEFAULT-VALUE}.")
    private int repeat;

    @Option(names = "--quick", description = "20,000 rows, measured once: shows that all works, not how fast.")
    private boolean quick;

    /** What can be measured. */
    enum Measured {
        tracking,
        files
    }

    @Option(
            names = "--only",
            paramLabel = "PART",
            split = ",",
            description = "What to measure, of: ${COMPLETION-CANDIDATES}; default is all.")
    private Set<Measured> only = EnumSet.allOf(Measured.class);

    @Spec
    private CommandSpec spec;

    private PrintWriter out;
    private Path directory;
    private Path drop;
    private Psql psql;
    private ThrowAwayServer server;
    private String sourceUrl;
    private Connection source;
    private String targetName;
    private String copy;

    @Override
    public Integer call() throws Exception {
        if (rows < 40 || repeat < 1) {
            throw new ParameterException(spec.commandLine(), "--rows is at least 40, and --repeat at least 1");
        }
        if (quick) {
            rows = 20_000;
            repeat = 1;
        }
        spec.commandLine().setErr(new PrintWriter(System.err, true));
        QuietLog.divert();
        out = spec.commandLine().getOut();
        directory = Files.createTempDirectory("pgcaravan-bench-");
        Runtime.getRuntime().addShutdownHook(new Thread(this::deleteDirectory, "bench-end"));
        drop = Files.createDirectory(directory.resolve("drop"));
        psql = new Psql(directory);
        try (ThrowAwayServer started =
                ThrowAwayServer.start("bench", Map.of("max_wal_size", "8GB", "autovacuum", "off"))) {
            server = started;
            sourceUrl = server.createDatabase("bench_source");
            try (Connection toSource = DriverManager.getConnection(sourceUrl)) {
                source = toSource;
                say(
                        "%s, %d processors, %s; source and target on one server",
                        value(source, "select 'PostgreSQL ' || current_setting('server_version')"),
                        Runtime.getRuntime().availableProcessors(),
                        System.getProperty("java.vm.name") + " "
                                + Runtime.version().feature());
                say(
                        "a table of six columns and %,d rows with a bigint key; %,d updates, %,d deletes",
                        rows, updates(), deletes());
                say("measured %d times, in turns: median (fastest .. slowest) seconds", repeat);
                say("");
                makeOrders();
                if (only.contains(Measured.tracking)) {
                    tracking();
                }
                if (only.contains(Measured.files)) {
                    ship();
                }
            }
        }
        return 0;
    }

    private long updates() {
        return rows / 4;
    }

    private long deletes() {
        return (rows + 39) / 40;
    }

    private void makeOrders() throws SQLException {
        execute(source, "create table orders " + COLUMNS);
        try (PreparedStatement fill = source.prepareStatement(Sql.file("bench/orders"))) {
            fill.setLong(1, rows);
            fill.executeUpdate();
        }
        execute(source, "vacuum analyze orders");
    }

    // ---- the triggers

    private void tracking() throws SQLException {
        double[] bare = new double[repeat];
        double[] ours = new double[repeat];
        double[] byRow = new double[repeat];
        double[] ratios = new double[repeat];
        // the first one finds no room in the table's pages, which the others do
        update();
        for (int i = 0; i < repeat; i++) {
            bare[i] = update();
            execute(source, TRACKING.exporter(ORDERS));
            ours[i] = update();
            execute(source, TRACKING.reset(ORDERS));
            execute(source, Sql.file("bench/row-trigger"));
            byRow[i] = update();
            execute(
                    source,
                    "drop trigger orders_by_row on orders; drop function orders_by_row; drop table orders_by_row");
            ratios[i] = (ours[i] - bare[i]) / (byRow[i] - bare[i]);
        }
        line("UPDATE without triggers", bare, updates(), "");
        line("UPDATE, a trigger for each row", byRow, updates(), "");
        line(
                "UPDATE, tracked",
                ours,
                updates(),
                goal(
                        String.format(Locale.ROOT, "added time, ours/by row %.2f", median(ratios)),
                        median(ratios) <= 0.6,
                        "0.6"));
        say("");
    }

    private double update() throws SQLException {
        execute(source, "checkpoint");
        long start = System.nanoTime();
        execute(source, UPDATE);
        double seconds = seconds(start);
        execute(source, "vacuum orders");
        return seconds;
    }

    // ---- the files

    private void ship() throws Exception {
        String targetUrl = server.createDatabase("bench_target");
        execute(source, TRACKING.exporter(ORDERS));
        double exported = export(Manifest.Kind.FULL);
        try (Connection target = DriverManager.getConnection(targetUrl)) {
            targetName = target.getCatalog();
            execute(target, "create table orders " + COLUMNS);
            execute(target, TRACKING.importer(ORDERS));
            double imported = importSet(targetUrl);
            execute(target, "vacuum analyze orders");
            say(
                    "  the first, full set, in a JVM just started: export %.2f s, import into the empty table %.2f s",
                    exported, imported);
        }
        // a target that stays behind: without it, the export would also delete the tracking rows that the next turn
        // needs
        execute(
                source,
                "insert into caravan.export_set select (jsonb_populate_record(s, jsonb_build_object("
                        + "'target_host', 'behind', 'set_id', gen_random_uuid()))).* from caravan.export_set s");
        execute(source, UPDATE);
        execute(source, DELETE);
        execute(source, "vacuum analyze orders");
        execute(source, "vacuum analyze orders_dml");
        double[] psqlOut = new double[repeat];
        double[] oursOut = new double[repeat];
        double[] psqlIn = new double[repeat];
        double[] oursIn = new double[repeat];
        for (int i = 0; i < repeat; i++) {
            psqlOut[i] = copyOut();
            oursOut[i] = export(Manifest.Kind.CHANGES);
            psqlIn[i] = copyIn();
            String imported = copyOfTarget();
            oursIn[i] = importSet(imported);
            mustBeEqual(imported);
            clearDrop();
        }
        dropCopy();
        long changes = updates() + deletes();
        line("psql: ids and records into files", psqlOut, changes, "");
        line("export, hashes included", oursOut, changes, ratio(psqlOut, oursOut, 0.8));
        line("psql: delete, and COPY in", psqlIn, changes, "");
        line("import, hashes checked", oursIn, changes, ratio(psqlIn, oursIn, 0.9));
    }

    private Connect connect(String url) {
        return () -> DriverManager.getConnection(url);
    }

    private double export(Manifest.Kind kind) throws SQLException {
        execute(source, "delete from caravan.export_set where kind = 'changes'");
        execute(source, "checkpoint");
        System.gc();
        long start = System.nanoTime();
        List<Exported> sets = new Exporter(connect(sourceUrl))
                .export(new Exporter.Request(
                        TARGET, List.of(ORDERS), new DropDirectory(drop), Compression.NONE, false));
        double seconds = seconds(start);
        Manifest set = sets.get(0).manifest();
        long ids = set.kind() == Manifest.Kind.FULL ? 0 : updates() + deletes();
        if (set.kind() != kind || set.file(Part.IDS).rows() != ids) {
            throw new IllegalStateException("the export wrote " + sets + ", not " + ids + " ids");
        }
        return seconds;
    }

    private double copyOut() throws Exception {
        execute(source, "checkpoint");
        String ids = "select distinct id from orders_dml where id is not null";
        return psql.run(
                sourceUrl,
                // the join that the export asks for too, so that not the planner's choice is measured
                "set transaction isolation level repeatable read read only;\nset local enable_mergejoin = off;\n"
                        + "set local enable_nestloop = off;\n\\copy (" + ids + ") to '" + directory.resolve("ids")
                        + "'\n\\copy (select t.* from (" + ids + ") k join orders t using (id)) to '"
                        + directory.resolve("records") + "'\n");
    }

    private double importSet(String url) throws SQLException {
        System.gc();
        long start = System.nanoTime();
        List<Outcome> outcomes =
                new Importer(connect(url), new DropDirectory(drop), TARGET, Importer.Progress.NONE).importAll();
        double seconds = seconds(start);
        if (outcomes.size() != 1 || outcomes.get(0).result() != Result.APPLIED) {
            throw new IllegalStateException("the import came to " + outcomes);
        }
        return seconds;
    }

    private double copyIn() throws Exception {
        String copied = copyOfTarget();
        double seconds = psql.run(
                copied,
                "create temp table ids (id bigint) on commit drop;\n\\copy ids from '" + directory.resolve("ids")
                        + "'\nanalyze ids;\ndelete from orders t using ids k where t.id = k.id;\n\\copy orders from '"
                        + directory.resolve("records") + "'\n");
        mustBeEqual(copied);
        return seconds;
    }

    /** The target as it was before the changes, in a database of its own. */
    private String copyOfTarget() throws SQLException {
        dropCopy();
        copy = targetName + "_copy";
        execute(source, "create database " + TableName.quote(copy) + " template " + TableName.quote(targetName));
        execute(source, "checkpoint");
        return server.jdbcUrl(copy);
    }

    private void dropCopy() throws SQLException {
        if (copy != null) {
            execute(source, "drop database " + TableName.quote(copy));
            copy = null;
        }
    }

    private void mustBeEqual(String url) throws SQLException {
        String all = "select count(*) || ' rows with the hash ' || sum(hashtextextended(t::text, 0)) from orders t";
        try (Connection target = DriverManager.getConnection(url)) {
            String here = value(source, all);
            String there = value(target, all);
            if (!here.equals(there)) {
                throw new IllegalStateException("the source has " + here + ", the target " + there);
            }
        }
    }

    private void clearDrop() throws IOException {
        try (Stream<Path> files = Files.walk(drop)) {
            files.filter(Files::isRegularFile).forEach(file -> file.toFile().delete());
        }
    }

    private void deleteDirectory() {
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            // what the system's clean-up of temporary files is for
        }
    }

    // ---- what is printed

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    private void line(String title, double[] seconds, long count, String remark) {
        say(
                "  %-34s %6.2f (%.2f .. %.2f)  %,9.0f rows a second  %s",
                title,
                median(seconds),
                Arrays.stream(seconds).min().orElse(0),
                Arrays.stream(seconds).max().orElse(0),
                count / median(seconds),
                remark);
    }

    private String ratio(double[] limit, double[] ours, double least) {
        double[] ratios = new double[repeat];
        for (int i = 0; i < repeat; i++) {
            ratios[i] = limit[i] / ours[i];
        }
        return goal(
                String.format(Locale.ROOT, "psql/ours %.2f", median(ratios)),
                median(ratios) >= least,
                String.format(Locale.ROOT, "%.1f", least));
    }

    /** Nothing is said about goals where too little was measured. */
    private String goal(String text, boolean met, String goal) {
        return quick ? text : text + " (goal " + goal + ": " + (met ? "met" : "missed") + ")";
    }

    private void say(String format, Object... values) {
        out.println(String.format(Locale.ROOT, format, values).stripTrailing());
        out.flush();
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
