package io.pgcaravan.bench;

import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
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

    private BenchReport report;
    private Workbench bench;
    private Path drop;
    private Connection source;
    private String targetName;
    private String copy;

    @Override
    public Integer call() throws Exception {
        if (rows < 40 || repeat < 1) {
            throw new ParameterException(spec.commandLine(), "--rows must be >= 40, and --repeat >= 1");
        }
        if (quick) {
            rows = 20_000;
            repeat = 1;
        }
        report = new BenchReport(spec.commandLine().getOut(), quick, 34, "rows ");
        try (Workbench opened = new Workbench(spec, Map.of("autovacuum", "off"))) {
            bench = opened;
            source = bench.source;
            drop = Files.createDirectory(bench.directory.resolve("drop"));
            report.machine(source);
            report.say(
                    "a table of six columns and %,d rows with a bigint key; %,d updates, %,d deletes",
                    rows, updates(), deletes());
            report.say("measured %d times, in turns: median (fastest .. slowest) seconds", repeat);
            report.say("");
            makeOrders();
            if (only.contains(Measured.tracking)) {
                tracking();
            }
            if (only.contains(Measured.files)) {
                ship();
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
        Query.execute(source, "create table orders " + COLUMNS);
        try (PreparedStatement fill = source.prepareStatement(Sql.file("bench/orders"))) {
            fill.setLong(1, rows);
            fill.executeUpdate();
        }
        Query.execute(source, "vacuum analyze orders");
    }

    // ---- the triggers

    private void tracking() throws Exception {
        Timings bare = new Timings();
        Timings ours = new Timings();
        Timings byRow = new Timings();
        Timings added = new Timings();
        // the first one finds no room in the table's pages, which the others do
        update();
        for (int i = 0; i < repeat; i++) {
            bare.add(update());
            Query.execute(source, TRACKING.exporter(ORDERS));
            ours.add(update());
            Query.execute(source, TRACKING.reset(ORDERS, false));
            Query.execute(source, Sql.file("bench/row-trigger"));
            byRow.add(update());
            Query.execute(
                    source,
                    "drop trigger orders_by_row on orders; drop function orders_by_row; drop table orders_by_row");
            added.add((ours.of(i) - bare.of(i)) / (byRow.of(i) - bare.of(i)));
        }
        report.line("UPDATE without triggers", bare, updates(), "");
        report.line("UPDATE, a trigger for each row", byRow, updates(), "");
        report.line(
                "UPDATE, tracked",
                ours,
                updates(),
                report.goal(
                        String.format(Locale.ROOT, "added time, ours/by row %.2f", added.median()),
                        added.median() <= 0.6,
                        "0.6"));
        report.say("");
    }

    private double update() throws Exception {
        Query.execute(source, "checkpoint");
        double seconds = Timings.seconds(() -> Query.execute(source, UPDATE));
        Query.execute(source, "vacuum orders");
        return seconds;
    }

    // ---- the files

    private void ship() throws Exception {
        String targetUrl = bench.server.createDatabase("bench_target");
        Query.execute(source, TRACKING.exporter(ORDERS));
        double exported = export(SetKind.FULL);
        try (Connection target = DriverManager.getConnection(targetUrl)) {
            targetName = target.getCatalog();
            Query.execute(target, "create table orders " + COLUMNS);
            Query.execute(target, TRACKING.importer(ORDERS));
            double imported = importSet(targetUrl);
            Query.execute(target, "vacuum analyze orders");
            report.say(
                    "  the first, full set, in a JVM just started: export %.2f s, import into the empty table %.2f s",
                    exported, imported);
        }
        // a target that stays behind: without it, the export would also delete the tracking rows that the next turn
        // needs
        Query.execute(
                source,
                "insert into caravan.export_set select (jsonb_populate_record(s, jsonb_build_object("
                        + "'target_host', 'behind', 'set_id', gen_random_uuid()))).* from caravan.export_set s");
        Query.execute(source, UPDATE);
        Query.execute(source, DELETE);
        Query.execute(source, "vacuum analyze orders");
        Query.execute(source, "vacuum analyze orders_dml");
        Timings psqlOut = new Timings();
        Timings oursOut = new Timings();
        Timings psqlIn = new Timings();
        Timings oursIn = new Timings();
        for (int i = 0; i < repeat; i++) {
            psqlOut.add(copyOut());
            oursOut.add(export(SetKind.CHANGES));
            psqlIn.add(copyIn());
            String imported = copyOfTarget();
            oursIn.add(importSet(imported));
            mustBeEqual(imported);
            clearDrop();
        }
        dropCopy();
        long changes = updates() + deletes();
        report.line("psql: ids and records into files", psqlOut, changes, "");
        report.line("export, hashes included", oursOut, changes, report.ratio(psqlOut, oursOut, 0.8));
        report.line("psql: delete, and COPY in", psqlIn, changes, "");
        report.line("import, hashes checked", oursIn, changes, report.ratio(psqlIn, oursIn, 0.9));
    }

    private Connect connect(String url) {
        return () -> DriverManager.getConnection(url);
    }

    private double export(SetKind kind) throws Exception {
        Query.execute(source, "delete from caravan.export_set where kind = 'changes'");
        Query.execute(source, "checkpoint");
        System.gc();
        List<Exported> sets = new ArrayList<>();
        Exporter exporter = new Exporter(connect(bench.sourceUrl));
        double seconds = Timings.seconds(() -> sets.addAll(exporter.export(
                new Exporter.Request(TARGET, List.of(ORDERS), new DropDirectory(drop), Compression.NONE, false))));
        Manifest set = sets.get(0).manifest();
        long ids = set.kind() == SetKind.FULL ? 0 : updates() + deletes();
        if (set.kind() != kind || set.file(SetPart.IDS).rows() != ids) {
            throw new IllegalStateException("the export wrote " + sets + ", not " + ids + " ids");
        }
        return seconds;
    }

    private double copyOut() throws Exception {
        Query.execute(source, "checkpoint");
        String ids = "select distinct id from orders_dml where id is not null";
        return bench.psql.run(
                bench.sourceUrl,
                // the join that the export asks for too, so that not the planner's choice is measured
                "set transaction isolation level repeatable read read only;\nset local enable_mergejoin = off;\n"
                        + "set local enable_nestloop = off;\n\\copy (" + ids + ") to '" + bench.directory.resolve("ids")
                        + "'\n\\copy (select t.* from (" + ids + ") k join orders t using (id)) to '"
                        + bench.directory.resolve("records") + "'\n");
    }

    private double importSet(String url) throws Exception {
        System.gc();
        List<Outcome> outcomes = new ArrayList<>();
        Importer importer = new Importer(connect(url), new DropDirectory(drop), TARGET, Importer.Progress.NONE);
        double seconds = Timings.seconds(() -> outcomes.addAll(importer.importAll()));
        if (outcomes.size() != 1 || outcomes.get(0).result() != Result.APPLIED) {
            throw new IllegalStateException("the import came to " + outcomes);
        }
        return seconds;
    }

    private double copyIn() throws Exception {
        String copied = copyOfTarget();
        double seconds = bench.psql.run(
                copied,
                "create temp table ids (id bigint) on commit drop;\n\\copy ids from '" + bench.directory.resolve("ids")
                        + "'\nanalyze ids;\ndelete from orders t using ids k where t.id = k.id;\n\\copy orders from '"
                        + bench.directory.resolve("records") + "'\n");
        mustBeEqual(copied);
        return seconds;
    }

    /** The target as it was before the changes, in a database of its own. */
    private String copyOfTarget() throws SQLException {
        dropCopy();
        copy = targetName + "_copy";
        Query.execute(source, "create database " + TableName.quote(copy) + " template " + TableName.quote(targetName));
        Query.execute(source, "checkpoint");
        return bench.server.jdbcUrl(copy);
    }

    private void dropCopy() throws SQLException {
        if (copy != null) {
            Query.execute(source, "drop database " + TableName.quote(copy));
            copy = null;
        }
    }

    private void mustBeEqual(String url) throws SQLException {
        String all = "select count(*) || ' rows with the hash ' || sum(hashtextextended(t::text, 0)) from orders t";
        try (Connection target = DriverManager.getConnection(url)) {
            String here = Query.text(source, all);
            String there = Query.text(target, all);
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
}
