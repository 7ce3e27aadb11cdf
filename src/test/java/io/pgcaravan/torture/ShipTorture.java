package io.pgcaravan.torture;

import io.pgcaravan.PgServer;
import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.Shipping;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.exporter.Exporter.Request;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.TableName;
import io.pgcaravan.torture.Schema.Column;
import io.pgcaravan.torture.Schema.Placing;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Tables shipped in one group while sessions write, by a carrier that loses, repeats, reorders, cuts and flips files, between exports and
 * imports that are killed or cut off. After each import the target has what the source had at the export of its last set.
 */
final class ShipTorture extends Torture {

    private static final Tracking TRACKING = new Tracking(Tracking.LEDGER, null, null, false);
    private static final Pattern AFTER = Pattern.compile("--after (\\d+)");

    private final Path out;
    private final Path in;
    private final Shipping ship;
    private final List<Schema> schemas = new ArrayList<>();
    private final Map<Schema, List<String>> columns = new HashMap<>();
    private final List<String> names = new ArrayList<>();
    private final Workload workload;
    private final Compression compression;

    /** The right bytes of each file. */
    private final Map<String, byte[]> kept = new TreeMap<>();

    /** What a set may hold, by its table and number; and what sets of exports may hold whose end is not known. */
    private final Map<String, List<List<String>>> contents = new HashMap<>();

    private final Map<Schema, List<List<String>>> unknown = new HashMap<>();

    /** From which set on a table equals a moment of the source again, after a set was written again with newer rows. */
    private final Map<Schema, Long> exactFrom = new HashMap<>();

    private final List<Manifest> lost = new ArrayList<>();

    /** The columns of each table when the source was copied; null before that. */
    private Map<Schema, List<String>> backup;

    private boolean restored;
    private long after;
    private boolean needsFull;
    private boolean ending;

    ShipTorture(Random random, List<String> plan, Path directory) throws Exception {
        super(random, plan, directory);
        out = Files.createDirectory(directory.resolve("out"));
        in = Files.createDirectory(directory.resolve("in"));
        ship = new Shipping(out);
        ship.close();
        compression = pick(Compression.values());
        plan.add("compression " + compression);
        settings(ship.sourceUrl);
        settings(ship.targetUrl);
        int tables = 1 + random.nextInt(3);
        boolean refers = tables > 1 && random.nextBoolean();
        for (int i = 0; i < tables; i++) {
            Placing placing = (i > 0 || !refers) && oneIn(3) ? Placing.LIST : Placing.NONE;
            schemas.add(new Schema(random, placing, !oneIn(3), false, i == 0 ? "" : "_" + i));
        }
        if (refers) {
            schemas.get(0).referredToBy(schemas.get(1));
        }
        schemas.forEach(schema -> schema.parted = schema.child == null && oneIn(4));
        sql(ship.sourceUrl, Schema.BEFORE, "create sequence public.revs", """
                create function public.produce(statement text) returns void language plpgsql as 'begin execute statement; end'""");
        sql(ship.targetUrl, Schema.BEFORE);
        for (Schema schema : schemas) {
            String name = schema.table.schema() + "." + schema.table.name();
            names.add(name);
            sql(ship.sourceUrl, schema.source(), TRACKING.exporter(schema.table));
            sql(ship.targetUrl, schema.target(true, oneIn(4)), TRACKING.importer(schema.table));
            if (schema.placing == Placing.LIST) {
                sql(
                        ship.targetUrl,
                        "create table public.rest" + names.size() + " partition of " + schema.table.quoted()
                                + " default");
            }
            columns.put(
                    schema,
                    new ArrayList<>(schema.columns().stream().map(Column::name).toList()));
            plan.add("ship " + schema + (schema.parted ? ", parted" : ""));
        }
        if (refers) {
            for (String url : List.of(ship.sourceUrl, ship.targetUrl)) {
                if (url.equals(ship.sourceUrl) || !oneIn(4)) {
                    String action = pick("on delete cascade", "on delete set null")
                            + pick("", " deferrable initially deferred");
                    sql(url, schemas.get(0).foreignKey(action));
                    plan.add(name(url) + " has a foreign key " + action);
                }
            }
        }
        Collections.shuffle(names, random);
        workload = new Workload(random, schemas, ship.sourceUrl, true, this::changeColumns);
    }

    /** A new column; or one that is there goes and comes back, or gets other values. */
    private void changeColumns(Schema schema) throws SQLException {
        List<String> all = columns.get(schema);
        String last = all.get(all.size() - 1);
        String table = "alter table " + schema.table.quoted();
        if (!last.startsWith("added") || oneIn(2)) {
            String name = "added " + all.size();
            String ddl = table + " add column if not exists " + Schema.quote(name) + " text default 'new'";
            sql(ship.targetUrl, ddl);
            sql(ship.sourceUrl, ddl);
            all.add(name);
        } else if (oneIn(2)) {
            sql(ship.sourceUrl, table + " drop column " + Schema.quote(last));
            sql(ship.sourceUrl, table + " add column " + Schema.quote(last) + " text default 'again'");
        } else {
            sql(ship.sourceUrl, table + " alter " + Schema.quote(last) + " type text using 'other ' || mark");
        }
        workload.counts.merge("columns", 1, Integer::sum);
    }

    @Override
    void run() throws Exception {
        int rounds = 5 + random.nextInt(4);
        int copy = oneIn(4) ? random.nextInt(rounds - 1) : rounds;
        for (int i = 0; i < rounds; i++) {
            steps();
            switch (random.nextInt(12)) {
                case 0 -> {
                    plan.add("restart");
                    PgServer.get().restart(random.nextBoolean());
                    workload.reconnect();
                }
                case 1 -> disableTriggers();
                default -> {}
            }
            if (i == copy) {
                copy();
            } else if (i > copy && !restored && (oneIn(3) || i == rounds - 1)) {
                restore();
            }
            export();
            deliver(false);
            if (oneIn(5)) {
                obstacle();
            }
            imports();
            if (random.nextBoolean()) {
                recover();
            }
        }
        workload.calm();
        ending = true;
        List<Outcome> outcomes = List.of();
        for (int i = 0; i < 4; i++) {
            recover();
            exportWell();
            for (int j = 0; j < 2; j++) {
                deliver(true);
                outcomes = importWell();
            }
        }
        for (Schema schema : schemas) {
            List<String> all = columns.get(schema);
            difference(
                    "rows of " + schema.table + " in the end, after " + outcomes,
                    rows(ship.sourceUrl, schema, all),
                    rows(ship.targetUrl, schema, all));
        }
        plan.add(
                workload.counts + ", sets " + number(ship.sourceUrl, "select max(set_number) from caravan.export_set"));
    }

    private void steps() throws SQLException {
        for (int i = 5 + random.nextInt(15); i > 0; i--) {
            workload.step();
        }
    }

    /** By the columns that the table always had. */
    private List<String> rows(String url, Schema schema) throws SQLException {
        return rows(url, schema, schema.columns().stream().map(Column::name).toList());
    }

    private static List<String> rows(String url, Schema schema, List<String> columns) throws SQLException {
        String texts =
                columns.stream().map(name -> Schema.quote(name) + "::text").collect(Collectors.joining(", "));
        return sorted(url, "select row(" + texts + ")::text from " + schema.table.quoted());
    }

    // ---- what happens to the source

    /** Rows change while nothing notes them; the next set must be a full one. */
    private void disableTriggers() throws Exception {
        Schema schema = schemas.get(random.nextInt(schemas.size()));
        plan.add("triggers of " + schema.table + " are disabled for a while");
        workload.calm();
        sql(ship.sourceUrl, "alter table " + schema.table.quoted() + " disable trigger user");
        steps();
        workload.calm();
        sql(ship.sourceUrl, "alter table " + schema.table.quoted() + " enable trigger user");
        boolean trusting = random.nextBoolean()
                && exportWell().stream()
                        .map(Exported::manifest)
                        .noneMatch(set -> set.table().equals(schema.table) && set.kind() == SetKind.FULL);
        if (trusting) {
            throw new AssertionError("no full set after changes of " + schema.table + " without triggers");
        }
        sql(ship.sourceUrl, TRACKING.exporter(schema.table));
    }

    private void copy() throws SQLException {
        plan.add("the source is copied");
        backup = new HashMap<>();
        columns.forEach((schema, list) -> backup.put(schema, new ArrayList<>(list)));
        String name = name(ship.sourceUrl);
        aside("create database " + Schema.quote(name + "_copy") + " template " + Schema.quote(name));
    }

    private void restore() throws SQLException {
        plan.add("the source is restored");
        restored = true;
        columns.putAll(backup);
        String name = Schema.quote(name(ship.sourceUrl));
        aside(
                "drop database " + name,
                "alter database " + Schema.quote(name(ship.sourceUrl) + "_copy") + " rename to " + name);
    }

    /** While nobody is connected with the source. */
    private void aside(String... statements) throws SQLException {
        workload.calm();
        workload.disconnect();
        forget(ship.sourceUrl);
        String postgres = PgServer.get().jdbcUrl("postgres");
        while (number(
                        postgres,
                        "select count(*) from pg_stat_activity where datname = " + Schema.literal(name(ship.sourceUrl)))
                > 0) {
            Thread.onSpinWait();
        }
        sql(postgres, statements);
        workload.reconnect();
    }

    // ---- the source's side

    private void export() throws Exception {
        switch (random.nextInt(8)) {
            case 0, 1 -> {
                remember();
                plan.add("export cut at commit");
                int n = 1 + random.nextInt(6);
                try {
                    new Exporter(cutting(ship.sourceUrl, n, random.nextBoolean())).export(request(false));
                } catch (ChangeSetException e) {
                    plan.add(n + ": " + e.getMessage());
                }
            }
            case 2 -> {
                remember();
                plan.add("export killed");
                kill("export", ship.sourceUrl, out);
            }
            default -> exportWell();
        }
        collect(null);
    }

    private Request request(boolean full) {
        List<TableName> tables = names.stream().map(Shipping::table).toList();
        Request request = new Request(ship.to, tables, ship.drop, compression, full, full ? after : 0);
        after = full ? 0 : after;
        return request;
    }

    /** What an export that does not end may have written. */
    private void remember() throws SQLException {
        for (Schema schema : schemas) {
            unknown.computeIfAbsent(schema, s -> new ArrayList<>()).add(rows(ship.sourceUrl, schema));
        }
    }

    private List<Exported> exportWell() throws Exception {
        boolean full = oneIn(8) || needsFull;
        needsFull = false;
        List<Exported> exported = new Exporter(ship.sourceConnect()).export(request(full));
        for (Exported set : exported) {
            Manifest manifest = set.manifest();
            Schema schema = schema(manifest);
            List<List<String>> states =
                    contents.computeIfAbsent(manifest.table() + "#" + manifest.number(), k -> new ArrayList<>());
            states.add(rows(ship.sourceUrl, schema));
            if (set.finished()) {
                states.addAll(unknown.getOrDefault(schema, List.of()));
            }
        }
        collect(!ending && oneIn(6) && !exported.isEmpty() ? exported : null);
        return exported;
    }

    /** Sets whose files were lost are written again. */
    private void recover() throws Exception {
        for (Manifest set : lost) {
            try {
                again(set);
            } catch (ChangeSetException e) {
                // its keys are pruned; the error asks for a full set
                needsFull = true;
                plan.add(e.getMessage());
            }
        }
        lost.clear();
    }

    private void again(Manifest set) throws Exception {
        Request request = new Request(ship.to, List.of(set.table()), ship.drop, compression, false);
        for (Exported exported : new Exporter(ship.sourceConnect()).again(request, set.number())) {
            Schema schema = schema(exported.manifest());
            exactFrom.put(schema, 1 + newest(schema));
        }
        collect(null);
    }

    /** Of the table's newest set. */
    private long newest(Schema schema) throws SQLException {
        return number(
                ship.sourceUrl,
                "select coalesce(max(set_number), 0) from caravan.export_set where (table_schema, table_name) = ("
                        + Schema.literal(schema.table.schema()) + ", " + Schema.literal(schema.table.name()) + ")");
    }

    private Schema schema(Manifest manifest) {
        return schemas.stream()
                .filter(schema -> schema.table.equals(manifest.table()))
                .findFirst()
                .orElseThrow();
    }

    /** @param lose sets whose files are lost on the way; null for none */
    private void collect(List<Exported> lose) throws IOException {
        List<Path> files = files(out);
        for (Path file : files) {
            String name = file.getFileName().toString();
            if (name.endsWith(".tmp") || name.endsWith(".ack")) {
                continue;
            }
            if (lose == null) {
                kept.put(name, Files.readAllBytes(file));
            }
            // an export that did not end may want to finish what is here
            if (files.contains(out.resolve(name.replaceAll("(?<=[0-9]{12})\\..*", ".done")))) {
                Files.delete(file);
            }
        }
        if (lose != null) {
            lose.forEach(set -> lost.add(set.manifest()));
            plan.add("lost "
                    + lose.stream()
                            .map(set -> set.manifest().table() + " "
                                    + set.manifest().number())
                            .toList());
        }
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    // ---- the carrier

    /** @param well whether all is carried as it is, in whatever order */
    private void deliver(boolean well) throws IOException {
        List<String> order = new ArrayList<>(kept.keySet());
        Collections.shuffle(order, random);
        for (String name : order) {
            byte[] bytes = kept.get(name).clone();
            int fault = well ? 9 : random.nextInt(10);
            if (fault < 3) {
                continue;
            }
            if (fault == 3 && bytes.length > 0) {
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            } else if (fault == 4) {
                bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
            }
            Files.write(in.resolve(name), bytes);
        }
        for (Path file : files(in)) {
            if (file.toString().endsWith(".ack") && random.nextBoolean()) {
                Files.copy(file, out.resolve(file.getFileName()), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    // ---- the target's side

    private void imports() throws Exception {
        switch (random.nextInt(8)) {
            case 0, 1 -> {
                plan.add("import cut at commit");
                try {
                    new Importer(
                                    cutting(ship.targetUrl, 1 + random.nextInt(4), random.nextBoolean()),
                                    new DropDirectory(in))
                            .importAll();
                } catch (ChangeSetException e) {
                    plan.add(e.getMessage());
                }
            }
            case 2 -> {
                plan.add("import killed");
                kill("import", ship.targetUrl, in);
            }
            default -> importWell();
        }
    }

    private List<Outcome> importWell() throws Exception {
        Map<Schema, List<String>> before = new HashMap<>();
        for (Schema schema : schemas) {
            before.put(schema, rows(ship.targetUrl, schema));
        }
        List<Outcome> outcomes = new Importer(ship.targetConnect(), new DropDirectory(in)).importAll();
        for (Outcome outcome : outcomes) {
            Matcher above = AFTER.matcher(outcome.message());
            if (outcome.result() == Result.DIVERGED && restored) {
                needsFull = true;
                after = above.find() ? Math.max(after, Long.parseLong(above.group(1))) : after;
            } else if (List.of(Result.DIVERGED, Result.REFUSED, Result.FAILED).contains(outcome.result())
                    && !outcome.message().contains("of its group is damaged")) {
                throw new AssertionError("a set that is right was not taken: " + outcomes);
            }
        }
        for (Schema schema : schemas) {
            long number = outcomes.stream()
                    .filter(o -> o.result() == Result.APPLIED && schema(o.manifest()) == schema)
                    .mapToLong(o -> o.manifest().number())
                    .max()
                    .orElse(0);
            List<String> after = rows(ship.targetUrl, schema);
            if (number == 0) {
                difference("rows of " + schema.table + " though nothing was applied", before.get(schema), after);
            } else if (number >= exactFrom.getOrDefault(schema, 0L)) {
                List<List<String>> states = new ArrayList<>(
                        contents.getOrDefault(schema.table + "#" + number, unknown.getOrDefault(schema, List.of())));
                if (!states.contains(after)) {
                    difference(
                            "rows of " + schema.table + " after set " + number + " of " + outcomes,
                            states.isEmpty() ? List.of() : states.get(0),
                            after);
                }
            }
        }
        return outcomes;
    }

    /** A target that cannot take the rows says so and keeps what it has. */
    private void obstacle() throws Exception {
        importWell();
        Schema schema = schemas.get(0);
        String table = schema.table.quoted();
        String column = schema.payload.get(0).name();
        boolean rename = random.nextBoolean();
        plan.add("obstacle: " + (rename ? "a column is missing" : "a check refuses rows"));
        workload.bulk(10);
        exportWell();
        deliver(true);
        sql(
                ship.targetUrl,
                "alter table " + table
                        + (rename
                                ? " rename " + Schema.quote(column) + " to gone"
                                : " add constraint narrow check (rev < 0) not valid"));
        List<Outcome> outcomes = new Importer(ship.targetConnect(), new DropDirectory(in)).importAll();
        List<Outcome> bad = outcomes.stream()
                .filter(o -> !o.result().good() && o.manifest() != null && schema(o.manifest()) == schema)
                .toList();
        boolean waits = bad.stream()
                .allMatch(o -> o.result() == Result.GAP
                        || o.result() == Result.INCOMPLETE
                        || restored && o.result() == Result.DIVERGED);
        if (!waits && bad.stream().noneMatch(o -> names(o.message(), rename ? column : "narrow"))) {
            throw new AssertionError("no outcome names the obstacle: " + outcomes);
        }
        long newest = newest(schema);
        if (outcomes.stream()
                .anyMatch(o -> o.result() == Result.APPLIED
                        && schema(o.manifest()) == schema
                        && o.manifest().number() == newest)) {
            throw new AssertionError("applied in spite of the obstacle: " + outcomes);
        }
        sql(
                ship.targetUrl,
                "alter table " + table
                        + (rename ? " rename gone to " + Schema.quote(column) : " drop constraint narrow"));
    }

    // ---- faults

    private static Connect cutting(String url, int n, boolean before) {
        AtomicInteger commits = new AtomicInteger();
        return () -> {
            Connection real = DriverManager.getConnection(url);
            return (Connection) Proxy.newProxyInstance(
                    ShipTorture.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, args) -> {
                        boolean cut = method.getName().equals("commit") && commits.incrementAndGet() == n;
                        if (cut && before) {
                            real.close();
                        }
                        try {
                            Object result = method.invoke(real, args);
                            if (cut) {
                                real.close();
                                throw new SQLException("An I/O error occurred", "08006");
                            }
                            return result;
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        };
    }

    private void kill(String what, String url, Path directory) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                "io.pgcaravan.ship.KilledShip",
                what,
                url,
                directory.toString(),
                ship.to.toString(),
                String.valueOf(random.nextInt(6)),
                random.nextBoolean() ? "before" : "after"));
        command.addAll(names);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        if (status != 0 && status != 9) {
            throw new AssertionError(what + " ended with " + status + ": " + output);
        }
        // the server notices that its client is gone, and rolls back
        while (!column(
                        url,
                        "select pid::text from pg_stat_activity where datname = current_database() and"
                                + " application_name = 'killed ship'")
                .isEmpty()) {
            Thread.sleep(50);
        }
    }

    @Override
    public void close() throws Exception {
        workload.close();
        drop(ship.sourceUrl, ship.targetUrl, ship.sourceUrl.replace("?", "_copy?"));
    }
}
