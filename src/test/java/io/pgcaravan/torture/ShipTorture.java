package io.pgcaravan.torture;

import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.Shipping;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.exporter.Exporter.Request;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
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
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Tables shipped in one group while sessions write, by a carrier that loses, repeats, reorders, cuts and flips files, between exports and
 * imports that are killed or cut off. After each import the target has what the source had at the export of its last set.
 */
final class ShipTorture implements AutoCloseable {

    private final Random random;
    private final List<String> plan;
    private final Path out;
    private final Path in;
    private final Shipping ship;
    private final List<Schema> schemas = new ArrayList<>();
    private final Map<Schema, List<String>> columns = new HashMap<>();
    private final String[] names;
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
    private boolean needsFull;
    private boolean ending;

    ShipTorture(Random random, List<String> plan, Path directory) throws Exception {
        this.random = random;
        this.plan = plan;
        out = Files.createDirectory(directory.resolve("out"));
        in = Files.createDirectory(directory.resolve("in"));
        ship = new Shipping(out);
        compression = Compression.values()[random.nextInt(3)];
        List<String> source = new ArrayList<>();
        List<String> target = new ArrayList<>();
        int tables = 1 + random.nextInt(3);
        for (int i = 0; i < tables; i++) {
            Placing placing = random.nextInt(3) == 0 ? Placing.LIST : Placing.NONE;
            Schema schema = new Schema(random, placing, random.nextInt(3) > 0, false, i == 0 ? "" : "_" + i);
            if (i == 0) {
                source.addAll(schema.before());
                target.addAll(schema.before());
            }
            schemas.add(schema);
            source.addAll(schema.source());
            target.addAll(schema.target(true, random.nextInt(4) == 0));
            if (placing == Placing.LIST) {
                target.add("create table public.rest" + i + " partition of " + schema.table.quoted() + " default");
            }
            columns.put(
                    schema,
                    new ArrayList<>(schema.columns().stream().map(Column::name).toList()));
            plan.add("ship " + schema);
        }
        plan.add("compression " + compression);
        source.add("create sequence public.revs");
        source.add(
                "create function public.produce(statement text) returns void language plpgsql as 'begin execute statement; end'");
        DispatchTorture.sql(ship.sourceUrl, source);
        DispatchTorture.sql(ship.targetUrl, target);
        names = schemas.stream()
                .map(s -> s.table.schema() + "." + s.table.name())
                .toArray(String[]::new);
        for (String name : names) {
            ship.track(name);
            ship.accept(name);
        }
        workload = new Workload(random, schemas, ship.sourceUrl, true, this::addColumn);
    }

    private void addColumn(Schema schema) throws SQLException {
        String name = "added " + columns.get(schema).size();
        String ddl = "alter table " + schema.table.quoted() + " add column " + Schema.quote(name) + " text";
        DispatchTorture.sql(ship.targetUrl, List.of(ddl));
        DispatchTorture.sql(ship.sourceUrl, List.of(ddl));
        columns.get(schema).add(name);
        workload.counts.merge("add column", 1, Integer::sum);
    }

    void run() throws Exception {
        int rounds = 6 + random.nextInt(4);
        for (int i = 0; i < rounds; i++) {
            steps();
            export();
            deliver(false);
            if (random.nextInt(5) == 0) {
                obstacle();
            }
            imports();
            if (random.nextBoolean()) {
                recover();
            }
        }
        workload.calm();
        ending = true;
        exportWell();
        for (int i = 0; i < 3; i++) {
            deliver(true);
            importWell();
        }
        recover();
        for (int i = 0; i < 2; i++) {
            deliver(true);
            importWell();
        }
        exportWell();
        deliver(true);
        List<Outcome> outcomes = importWell();
        for (Schema schema : schemas) {
            List<String> all = columns.get(schema);
            DispatchTorture.difference(
                    "rows of " + schema.table + " in the end, after " + outcomes,
                    rows(ship.sourceUrl, schema, all),
                    rows(ship.targetUrl, schema, all));
        }
        plan.add(workload.counts + ", sets "
                + DispatchTorture.column(ship.sourceUrl, "select max(set_number)::text from caravan.export_set"));
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
        return DispatchTorture.column(url, "select row(" + texts + ")::text from " + schema.table.quoted()).stream()
                .sorted()
                .toList();
    }

    // ---- the source's side

    private void export() throws Exception {
        switch (random.nextInt(4)) {
            case 0 -> {
                remember();
                plan.add("export cut at commit");
                int n = 1 + random.nextInt(6);
                try {
                    new Exporter(cutting(ship.sourceUrl, n, random.nextBoolean())).export(request(false));
                } catch (ChangeSetException e) {
                    plan.add(n + ": " + e.getMessage());
                }
            }
            case 1 -> {
                remember();
                plan.add("export killed");
                kill("export", ship.sourceUrl, out);
            }
            default -> exportWell();
        }
        collect(null);
    }

    private Request request(boolean full) {
        return new Request(ship.to, Arrays.stream(names).map(Shipping::table).toList(), ship.drop, compression, full);
    }

    /** What an export that does not end may have written. */
    private void remember() throws SQLException {
        for (Schema schema : schemas) {
            unknown.computeIfAbsent(schema, s -> new ArrayList<>()).add(rows(ship.sourceUrl, schema));
        }
    }

    private void exportWell() throws Exception {
        boolean full = random.nextInt(8) == 0 || needsFull;
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
        collect(!ending && random.nextInt(6) == 0 && !exported.isEmpty() ? exported : null);
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
            exactFrom.put(schema, 1 + Long.parseLong(number(schema)));
        }
        collect(null);
    }

    /** Of the table's newest set. */
    private String number(Schema schema) throws SQLException {
        return DispatchTorture.column(
                        ship.sourceUrl,
                        "select max(set_number)::text from caravan.export_set where (table_schema, table_name) = ("
                                + Schema.literal(schema.table.schema()) + ", " + Schema.literal(schema.table.name())
                                + ")")
                .get(0);
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
        switch (random.nextInt(5)) {
            case 0 -> {
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
            case 1 -> {
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
        if (outcomes.stream()
                .filter(o -> !o.message().contains("of its group is damaged"))
                .anyMatch(o ->
                        List.of(Result.DIVERGED, Result.REFUSED, Result.FAILED).contains(o.result()))) {
            throw new AssertionError("a set that is right was not taken: " + outcomes);
        }
        for (Schema schema : schemas) {
            long number = outcomes.stream()
                    .filter(o -> o.result() == Result.APPLIED && schema(o.manifest()) == schema)
                    .mapToLong(o -> o.manifest().number())
                    .max()
                    .orElse(0);
            List<String> after = rows(ship.targetUrl, schema);
            if (number == 0) {
                DispatchTorture.difference(
                        "rows of " + schema.table + " though nothing was applied", before.get(schema), after);
            } else if (number >= exactFrom.getOrDefault(schema, 0L)) {
                List<List<String>> states = new ArrayList<>(
                        contents.getOrDefault(schema.table + "#" + number, unknown.getOrDefault(schema, List.of())));
                if (!states.contains(after)) {
                    DispatchTorture.difference(
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
        DispatchTorture.sql(
                ship.targetUrl,
                List.of("alter table " + table
                        + (rename
                                ? " rename " + Schema.quote(column) + " to gone"
                                : " add constraint narrow check (rev < 0) not valid")));
        List<Outcome> outcomes = new Importer(ship.targetConnect(), new DropDirectory(in)).importAll();
        List<Outcome> bad = outcomes.stream()
                .filter(o -> !o.result().good() && o.manifest() != null && schema(o.manifest()) == schema)
                .toList();
        boolean waits = bad.stream().allMatch(o -> o.result() == Result.GAP || o.result() == Result.INCOMPLETE);
        if (!waits && bad.stream().noneMatch(o -> o.message().contains(rename ? column : "narrow"))) {
            throw new AssertionError("no outcome names the obstacle: " + outcomes);
        }
        long newest = Long.parseLong(number(schema));
        if (outcomes.stream()
                .anyMatch(o -> o.result() == Result.APPLIED
                        && schema(o.manifest()) == schema
                        && o.manifest().number() == newest)) {
            throw new AssertionError("applied in spite of the obstacle: " + outcomes);
        }
        DispatchTorture.sql(
                ship.targetUrl,
                List.of("alter table " + table
                        + (rename ? " rename gone to " + Schema.quote(column) : " drop constraint narrow")));
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
        command.addAll(List.of(names));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        if (status != 0 && status != 9) {
            throw new AssertionError(what + " ended with " + status + ": " + output);
        }
        // the server notices that its client is gone, and rolls back
        while (!DispatchTorture.column(
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
        ship.close();
        DispatchTorture.drop(ship.sourceUrl, ship.targetUrl);
    }
}
