package io.pgcaravan.load;

import io.pgcaravan.load.TargetTable.Column;
import io.pgcaravan.load.TargetTable.Layout;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * The columns of target tables, kept across batches: a step has one for as long as it runs. What it remembers may be
 * out of date; the text format's COPY then fails and the step {@linkplain #forget forgets}. Where a wrong type or a
 * dropped index would go unnoticed, tables are {@linkplain #locked looked up under a lock} instead.
 */
public final class TargetColumns {

    private static final String TABLES = Sql.file("target/tables");
    private static final String TYPES = Sql.file("target/types");

    /** Far above the partitions a job touches in its life; only a safeguard. */
    private static final int MOST_TABLES = 20_000;

    private static final AtomicInteger STEPS = new AtomicInteger();

    private final int step = STEPS.incrementAndGet();
    private final Map<TableName, TargetTable> known = new HashMap<>();
    private final Map<Layout, Layout> layouts = new HashMap<>();

    /** How texts of each type must look; null values for types that any text suits. */
    private final Map<Integer, TextStyle> styles = new HashMap<>();

    /** Tables that could be locked the last time. */
    private final Set<TableName> lockable = new HashSet<>();

    /** One of the temporary tables that were used last, and whether the session had it when tables were locked. */
    private String stage;

    private boolean stageThere;

    /** Tells the temporary tables of one step from those of another on the same connection. */
    int step() {
        return step;
    }

    /** What is remembered of a table, null for nothing. */
    synchronized TargetTable remembered(TableName table) {
        return known.get(table);
    }

    /** Forgets everything: something about the target turned out to be different. */
    public synchronized void forget() {
        known.clear();
        layouts.clear();
        styles.clear();
        lockable.clear();
        stageThere = false;
    }

    /** Notes which temporary tables a batch uses: the next one will want them too. */
    synchronized void uses(String temporaryTable) {
        stage = temporaryTable;
    }

    /**
     * Whether {@link #locked} saw these temporary tables in this transaction. It is said once: a savepoint may take them
     * back later.
     */
    synchronized boolean sawStage(String temporaryTable) {
        boolean saw = stageThere && temporaryTable.equals(stage);
        stageThere = false;
        return saw;
    }

    /**
     * Asks the catalog, in one round trip.
     *
     * @return tables that exist, by name
     */
    synchronized Map<TableName, TargetTable> look(Connection target, Collection<TableName> tables) throws SQLException {
        Map<TableName, TargetTable> found = new LinkedHashMap<>();
        read(target, tables).forEach((table, looked) -> found.put(table, looked.table()));
        remember(found);
        return found;
    }

    /**
     * Locks the tables against changes of their definition until the transaction ends, and asks the catalog then.
     *
     * @return tables that exist and could be locked, by name; foreign tables and views cannot
     */
    synchronized Map<TableName, TargetTable> locked(Connection target, Collection<TableName> tables)
            throws SQLException {
        stageThere = false;
        if (lockable.containsAll(tables)) {
            return lockAndLook(target, List.copyOf(tables));
        }
        Map<TableName, Looked> there = read(target, tables);
        there.values().removeIf(looked -> !looked.lockable());
        if (there.isEmpty()) {
            return Map.of();
        }
        List<TableName> now = List.copyOf(there.keySet());
        Query.execute(target, lock(now));
        Map<TableName, TargetTable> found = look(target, now);
        lockable.addAll(found.keySet());
        return found;
    }

    /**
     * For tables that were there the last time: one round trip. One that is gone since fails the batch, as it would at
     * its rows, and {@link #forget} follows.
     */
    private Map<TableName, TargetTable> lockAndLook(Connection target, List<TableName> tables) throws SQLException {
        Map<TableName, TargetTable> found = new LinkedHashMap<>();
        try (PreparedStatement statement = target.prepareStatement(
                lock(tables) + ";\nselect pg_catalog.to_regclass(?::text) is not null;\n" + TABLES)) {
            statement.setString(1, stage);
            statement.setArray(2, names(target, tables));
            statement.execute();
            statement.getMoreResults();
            try (ResultSet row = statement.getResultSet()) {
                row.next();
                stageThere = row.getBoolean(1);
            }
            statement.getMoreResults();
            try (ResultSet row = statement.getResultSet()) {
                read(target, tables, row).forEach((table, looked) -> found.put(table, looked.table()));
            }
        }
        remember(found);
        return found;
    }

    private static String lock(List<TableName> tables) {
        return "lock table "
                + tables.stream().map(table -> "only " + table.quoted()).collect(Collectors.joining(", "))
                + " in row exclusive mode";
    }

    private void remember(Map<TableName, TargetTable> found) {
        if (known.size() + found.size() > MOST_TABLES) {
            forget();
        }
        known.putAll(found);
    }

    private record Looked(TargetTable table, boolean lockable) {}

    private Map<TableName, Looked> read(Connection target, Collection<TableName> tables) throws SQLException {
        try (PreparedStatement statement = target.prepareStatement(TABLES)) {
            statement.setArray(1, names(target, tables));
            try (ResultSet row = statement.executeQuery()) {
                return read(target, tables, row);
            }
        }
    }

    private static Array names(Connection target, Collection<TableName> tables) throws SQLException {
        return target.createArrayOf(
                "text", tables.stream().map(TableName::quoted).toArray());
    }

    private Map<TableName, Looked> read(Connection target, Collection<TableName> tables, ResultSet row)
            throws SQLException {
        Map<TableName, Looked> found = new LinkedHashMap<>();
        for (TableName table : tables) {
            row.next();
            row.getLong(1);
            if (!row.wasNull()) {
                found.put(table, read(target, table, row));
            }
        }
        return found;
    }

    private Looked read(Connection target, TableName table, ResultSet row) throws SQLException {
        String[] names = array(row, 3, String[].class);
        Long[] oids = array(row, 4, Long[].class);
        String[] types = array(row, 5, String[].class);
        String[] plainTypes = array(row, 6, String[].class);
        Boolean[] generated = array(row, 7, Boolean[].class);
        Boolean[] identityAlways = array(row, 8, Boolean[].class);
        if (oids != null) {
            findStyles(target, oids);
        }
        String[] equality = array(row, 10, String[].class);
        List<Column> columns = new ArrayList<>();
        for (int i = 0; names != null && i < names.length; i++) {
            columns.add(new Column(
                    names[i],
                    oids[i].intValue(),
                    types[i],
                    plainTypes[i],
                    generated[i],
                    identityAlways[i],
                    styles.get(oids[i].intValue()),
                    equality[i]));
        }
        List<List<String>> uniqueKeys = new ArrayList<>();
        String keys = row.getString(9);
        if (keys != null) {
            for (String index : keys.split(";")) {
                uniqueKeys.add(Arrays.stream(index.split(" "))
                        .map(position -> names[Integer.parseInt(position) - 1])
                        .toList());
            }
        }
        // partitions mostly share their parent's columns: one list for all of them
        Layout layout = layouts.computeIfAbsent(new Layout(List.copyOf(columns)), same -> same);
        boolean lockable = row.getString(2).equals("r") || row.getString(2).equals("p");
        return new Looked(new TargetTable(table.quoted(), layout, List.copyOf(uniqueKeys)), lockable);
    }

    /** The catalog is asked for types that are neither single values with a style nor known to have none. */
    private void findStyles(Connection target, Long[] oids) throws SQLException {
        List<Long> unknown = new ArrayList<>();
        for (Long oid : oids) {
            TextStyle single = TextStyle.Single.ofType(oid.intValue());
            if (single != null || BinaryValue.ofType(oid.intValue()) != null) {
                styles.put(oid.intValue(), single);
            } else if (!styles.containsKey(oid.intValue())) {
                unknown.add(oid);
            }
        }
        if (unknown.isEmpty()) {
            return;
        }
        Map<Integer, TypeParts> made = new HashMap<>();
        Query.all(
                target,
                TYPES,
                row -> made.put((int) row.getLong(1), new TypeParts(row.getString(2), array(row, 3, Long[].class))),
                (Object) unknown.toArray(Long[]::new));
        unknown.forEach(oid -> style(oid.intValue(), made));
    }

    /** What a type is made of; {@code kind} as in {@code pg_type.typtype}. */
    private record TypeParts(String kind, Long[] types) {
        static final TypeParts NONE = new TypeParts("b", new Long[0]);
    }

    private TextStyle style(int oid, Map<Integer, TypeParts> made) {
        if (!styles.containsKey(oid)) {
            TextStyle style = TextStyle.Single.ofType(oid);
            if (style == null) {
                TypeParts parts = made.getOrDefault(oid, TypeParts.NONE);
                List<TextStyle> of = new ArrayList<>();
                for (Long type : parts.types) {
                    of.add(style(type.intValue(), made));
                }
                style = TextStyle.of(parts.kind, of);
            }
            styles.put(oid, style);
        }
        return styles.get(oid);
    }

    private static <T> T array(ResultSet row, int column, Class<T> type) throws SQLException {
        Array array = row.getArray(column);
        return array == null ? null : type.cast(array.getArray());
    }
}
