package io.pgcaravan.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whatever happens to a few keys in whatever batches, the target ends as if every change had been applied by itself.
 * {@code -Dpgcaravan.model.sequences=N} tries more sequences, {@code -Dpgcaravan.model.seed=N} starts at that one.
 */
class LoaderModelTest {

    private static final int SEQUENCES = Integer.getInteger("pgcaravan.model.sequences", 12);
    private static final long SEED = Long.getLong("pgcaravan.model.seed", System.nanoTime() % 1_000_000_000L);
    private static final String[] OPTIONAL = {"a", "b", "list"};
    private static final Map<String, String> DEFAULTS = new HashMap<>();

    static {
        DEFAULTS.put("a", "none");
        DEFAULTS.put("b", null);
        DEFAULTS.put("list", null);
        DEFAULTS.put("own", "kept");
    }

    private final TargetColumns catalog = new TargetColumns();
    private LoadTarget target;

    @BeforeEach
    void connect() throws SQLException {
        target = new LoadTarget("model");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    @ParameterizedTest(name = "{0}, partitions {1}, unique {2}, careful {3}")
    @CsvSource({
        "PLAIN, native, true, false",
        "PLAIN, native, false, false",
        "PLAIN, native, true, true",
        "PLAIN, inheriting, true, false",
        "PLAIN, inheriting, true, true",
        "PLAIN, recorded, true, false",
        "PLAIN, recorded, false, true",
        "KEEP_LATEST, native, true, false",
        "KEEP_LATEST, native, false, false",
        "KEEP_LATEST, native, true, true",
        "KEEP_LATEST, recorded, true, false",
        "KEEP_ALL, native, false, false",
        "KEEP_ALL, inheriting, false, true",
    })
    void the_target_ends_as_if_changes_were_applied_one_by_one(
            RowMode mode, String parent, boolean unique, boolean careful) throws SQLException {
        for (int i = 0; i < SEQUENCES; i++) {
            long seed = SEED + i;
            try {
                new Sequence(seed, mode, parent, unique, careful).run();
            } catch (AssertionError | SQLException | RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + e, e);
            }
        }
    }

    private final class Sequence {

        private final Random random;
        private final RowMode mode;
        private final String parent;
        private final boolean unique;
        private final boolean careful;
        private final Changes changes = new Changes("id", "sub");
        private final LoadSettings settings;

        private final List<String> existing = new ArrayList<>();
        private final List<String> history = new ArrayList<>();

        /** The source's table: partition and values of each key. */
        private final Map<String, Row> source = new TreeMap<>();

        /** What the target should be: rows by place and key. */
        private final Map<String, Row> model = new TreeMap<>();

        private int number;

        Sequence(long seed, RowMode mode, String parent, boolean unique, boolean careful) {
            this.random = new Random(seed);
            this.mode = mode;
            this.parent = parent;
            this.unique = unique;
            this.careful = careful;
            this.settings = LoadSettings.of("orders", mode);
        }

        void run() throws SQLException {
            target.execute(
                    "drop schema public cascade",
                    "create schema public",
                    "create schema if not exists caravan",
                    "drop table if exists caravan.partition",
                    "create table caravan.partition (parent_schema text, parent_name text, partition_schema text,"
                            + " partition_name text)");
            String columns = "(id int not null, sub text not null, place int, a text default 'none', b int, list"
                    + " numeric[], own text default 'kept', twice int generated always as (b * 2) stored)";
            target.execute(
                    switch (parent) {
                        case "native" -> "create table orders " + columns + " partition by list (place)";
                        case "inheriting" -> "create table orders " + columns;
                        default -> "create table likeness " + columns;
                    });
            int batches = 1 + random.nextInt(5);
            for (int i = 0; i < batches; i++) {
                batch();
            }
        }

        private void batch() throws SQLException {
            List<RowChange> rows = new ArrayList<>();
            int length = random.nextInt(25);
            boolean calm = random.nextInt(4) == 0;
            for (int i = 0; i < length; i++) {
                rows.add(next(calm));
            }
            history.add("batch of " + length);
            try {
                attempt(rows, careful);
            } catch (SQLException e) {
                if (!"23505".equals(e.getSQLState()) || careful) {
                    throw e;
                }
                history.add("again, carefully");
                attempt(rows, true);
            }
            assertThat(actual()).as("%s", String.join("\n", history)).isEqualTo(expected());
        }

        private void attempt(List<RowChange> rows, boolean carefully) throws SQLException {
            OpenBatch batch = target.open();
            List<String> made = new ArrayList<>();
            try {
                Loader loader = batch.participant(this, () -> new Loader(batch, settings, catalog, carefully));
                int at = 0;
                while (at < rows.size()) {
                    int end = Math.min(rows.size(), at + 1 + random.nextInt(10));
                    for (RowChange row : rows.subList(at, end)) {
                        make(row.partition().table().name(), made);
                    }
                    if (carefully && random.nextInt(4) == 0) {
                        java.sql.Savepoint savepoint = target.connection.setSavepoint();
                        loader.load(rows.subList(at, end));
                        if (random.nextBoolean()) {
                            loader.flush();
                        }
                        loader.rolledBack();
                        target.connection.rollback(savepoint);
                        batch.account()
                                .reopen(rows.subList(at, end).stream()
                                        .map(RowChange::event)
                                        .toList());
                    }
                    loader.load(rows.subList(at, end));
                    if (carefully || random.nextInt(5) == 0) {
                        loader.flush();
                    }
                    at = end;
                }
                batch.beforeCommit();
                for (String partition : made) {
                    attach(partition);
                }
                target.commit(batch);
            } catch (SQLException | RuntimeException e) {
                existing.removeAll(made);
                target.rollback(batch);
                throw e;
            }
        }

        /** As the partition step does: attached or on record only at the end of the batch. */
        private void make(String partition, List<String> made) throws SQLException {
            if (existing.contains(partition)) {
                return;
            }
            existing.add(partition);
            made.add(partition);
            target.execute(
                    switch (parent) {
                        case "inheriting" -> "create table " + partition + " () inherits (orders)";
                        case "native" -> "create table " + partition + " (like orders including all)";
                        default -> "create table " + partition + " (like likeness including all)";
                    });
            if (unique) {
                target.execute("alter table " + partition + " add primary key (id, sub)");
            } else {
                target.execute("create index on " + partition + " (id)");
            }
        }

        private void attach(String partition) throws SQLException {
            if (parent.equals("native")) {
                String place = partition.substring(partition.indexOf('_') + 1);
                target.execute("alter table orders attach partition " + partition + " for values in (" + place + ")");
            } else if (parent.equals("recorded")) {
                target.execute(
                        "insert into caravan.partition values ('public', 'orders', 'public', '" + partition + "')");
            }
        }

        /** The next change, as a source with this table could make it; the model is brought up to it. */
        private RowChange next(boolean insertsOnly) {
            String id = String.valueOf(1 + random.nextInt(insertsOnly ? 1000 : 6));
            String sub = random.nextBoolean() ? "x" : "y,\t";
            String key = id + "/" + sub;
            Row old = source.get(key);
            int place = random.nextInt(4);
            int dice = random.nextInt(100);
            Op op;
            if (insertsOnly) {
                op = Op.INSERT;
            } else if (old == null) {
                // an update or delete of a row that is missing, now and then
                op = dice < 80 ? Op.INSERT : dice < 92 ? Op.UPDATE : Op.DELETE;
            } else {
                op = dice < 60 ? Op.UPDATE : dice < 95 ? Op.DELETE : Op.INSERT;
            }
            if (old != null && (op == Op.INSERT || op == Op.UPDATE && random.nextInt(3) > 0)) {
                // an insert of a key that exists replaces it in its own partition; where else it is, is undefined
                place = old.place;
            }
            if (old != null && op == Op.DELETE && random.nextInt(4) > 0) {
                place = old.place;
            }
            List<Object> values = new ArrayList<>(List.of("id", id, "sub", sub));
            Map<String, String> given = new TreeMap<>();
            boolean partial = random.nextBoolean();
            for (String column : OPTIONAL) {
                if (!partial || random.nextBoolean()) {
                    given.put(column, value(column));
                }
            }
            if (op != Op.DELETE || random.nextBoolean()) {
                given.put("place", String.valueOf(place));
            }
            if (op != Op.DELETE) {
                given.put("place", String.valueOf(place));
            }
            given.forEach((column, value) -> {
                values.add(column);
                values.add(value);
            });
            RowChange before = null;
            if (op == Op.UPDATE && old != null && random.nextInt(3) == 0) {
                before = changes.change(Op.UPDATE, "orders_" + old.place, null, "id", id, "sub", sub);
            }
            String partition = "orders_" + place;
            RowChange change = changes.change(op, partition, before, values.toArray());
            history.add(op + " " + partition + " "
                    + new TreeMap<>(change).toString().replace("\n", " ")
                    + (before == null ? "" : " before in " + before.partition()));
            apply(op, key, place, given);
            if (op == Op.DELETE) {
                source.remove(key);
            } else {
                source.put(key, new Row(place, Map.of()));
            }
            return change;
        }

        private String value(String column) {
            if (random.nextInt(6) == 0) {
                return null;
            }
            return switch (column) {
                case "a" -> List.of("", "one", "two\\N", "\u00fc\n").get(random.nextInt(4));
                case "b" -> String.valueOf(random.nextInt(10));
                default -> List.of("{}", "{1.5}", "{2,3}").get(random.nextInt(3));
            };
        }

        private void apply(Op op, String key, int place, Map<String, String> given) {
            switch (mode) {
                case KEEP_ALL -> {
                    if (op != Op.DELETE) {
                        model.put(key + "#" + ++number, new Row(place, withDefaults(given)));
                    }
                }
                case KEEP_LATEST -> {
                    model.remove(key + "@" + place);
                    if (op != Op.DELETE) {
                        model.put(key + "@" + place, new Row(place, withDefaults(given)));
                    }
                }
                default -> {
                    Row row = model.remove(key);
                    if (op == Op.UPDATE && row != null) {
                        Map<String, String> values = new HashMap<>(row.values);
                        values.putAll(given);
                        model.put(key, new Row(place, values));
                    } else if (op != Op.DELETE) {
                        model.put(key, new Row(place, withDefaults(given)));
                    }
                }
            }
        }

        private Map<String, String> withDefaults(Map<String, String> given) {
            Map<String, String> values = new HashMap<>(DEFAULTS);
            values.putAll(given);
            return values;
        }

        private List<String> expected() {
            List<String> rows = new ArrayList<>();
            model.forEach((key, row) -> {
                String b = row.values.get("b");
                rows.add("orders_" + row.place + "|" + key.replaceAll("[@#].*", "") + "|" + row.values.get("place")
                        + "|" + row.values.get("a") + "|" + b + "|" + row.values.get("list") + "|"
                        + row.values.get("own") + "|" + (b == null ? null : 2 * Integer.parseInt(b)));
            });
            rows.sort(null);
            return rows;
        }

        private List<String> actual() throws SQLException {
            List<String> rows = new ArrayList<>();
            for (String partition : existing) {
                rows.addAll(target.rows("select '" + partition
                        + "', id || '/' || sub, place, a, b, list, own, twice from " + partition));
            }
            rows.sort(null);
            return rows;
        }
    }

    private record Row(int place, Map<String, String> values) {}
}
