package io.pgcaravan.load;

import io.pgcaravan.load.TargetTable.Column;
import io.pgcaravan.load.TargetTable.Layout;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Changes of one key list on their way into the {@link Stage}: they get numbers, for their order, their partition and
 * their set of columns, and stream into the stage by COPY.
 */
final class StagedChanges {

    /** Each set of columns may need statements of its own. */
    private static final int MOST_SHAPES = 64;

    private static final Pattern NAME = Pattern.compile("\\{(\\w+)}");

    /** What changes have in common: where they go, which set of columns they have, and what they are. */
    record ChangeKind(int destination, int set, String op) {}

    private final Connection target;
    private final CopySpool spool;
    private final Stage stage;
    private final List<String> key;
    private final boolean careful;
    private final List<Shape> shapes = new ArrayList<>();
    private final Map<List<String>, Integer> sets = new LinkedHashMap<>();
    private final Set<ChangeKind> kinds = new HashSet<>();
    private ChangeKind lastKind;
    private long count;

    StagedChanges(Connection target, CopySpool spool, Stage stage, List<String> key, boolean careful) {
        this.target = target;
        this.spool = spool;
        this.stage = stage;
        this.key = key;
        this.careful = careful;
    }

    Connection target() {
        return target;
    }

    Stage stage() {
        return stage;
    }

    List<String> key() {
        return key;
    }

    /** Changes added so far. */
    long count() {
        return count;
    }

    /** Column names of each set that inserts and updates came with, sorted; by the numbers in {@code caravan_set}. */
    List<List<String>> sets() {
        return List.copyOf(sets.keySet());
    }

    /** Whether there are so many shapes that the changes had better be applied. */
    boolean full() {
        return shapes.size() >= MOST_SHAPES;
    }

    /**
     * Adds a change.
     *
     * @param before where the row was before, null where the event does not tell or it is the same table
     */
    void add(RowChange change, Shape shape, Destination destination, Destination before) throws SQLException {
        if (shape.set < 0 && change.op() != Op.DELETE) {
            shape.set = set(shape.copy);
        }
        HeldRows rows = change.op() == Op.DELETE ? shape.keyOnly : shape.whole;
        int capacity = rows.capacity();
        CopyBuffer out = rows.buffer();
        number(++count, out);
        out.put((byte) '\t');
        String op = change.op().letter();
        out.put((byte) op.charAt(0));
        out.put((byte) '\t');
        number(destination.number, out);
        out.put((byte) '\t');
        number(Math.max(0, shape.set), out);
        out.put((byte) '\t');
        if (before == null) {
            out.put((byte) '\\');
            out.put((byte) 'N');
        } else {
            number(before.number, out);
        }
        out.put((byte) '\t');
        CopyText.INSTANCE.append(change, change.op() == Op.DELETE ? shape.keyPositions : shape.copy.positions(), out);
        rows.added(change, careful);
        spool.grown(rows, capacity);
        destination.staged = true;
        int columns = Math.max(0, shape.set);
        if (lastKind == null
                || lastKind.destination != destination.number
                || lastKind.set != columns
                || !lastKind.op.equals(op)) {
            lastKind = new ChangeKind(destination.number, columns, op);
            kinds.add(lastKind);
        }
    }

    /** The kinds of changes added so far. */
    Set<ChangeKind> kinds() {
        return kinds;
    }

    /** The shape of rows with these columns for tables of that layout, null where it was not met yet. */
    Shape shape(ColumnSet columns, Layout layout) {
        for (int i = 0; i < shapes.size(); i++) {
            Shape shape = shapes.get(i);
            if (shape.copy.columns() == columns && shape.layout == layout) {
                return shape;
            }
        }
        return null;
    }

    /**
     * @param copy takes all of the key
     * @param table for messages
     */
    Shape newShape(CopyShape copy, Layout layout, String table) {
        Shape shape = new Shape(copy, layout, table);
        shapes.add(shape);
        return shape;
    }

    private int set(CopyShape copy) {
        List<String> names = List.copyOf(
                new TreeSet<>(copy.taken().stream().map(Column::name).toList()));
        return sets.computeIfAbsent(names, any -> sets.size());
    }

    /** That a row of {@code alias} has the key of net row {@code n}. */
    String sameKey(String alias) {
        return key.stream()
                .map(column -> alias + "." + TableName.quote(column) + " " + stage.equality(column) + " n."
                        + TableName.quote(column))
                .collect(Collectors.joining(" and "));
    }

    /**
     * A statement with the names between braces replaced: the stage's tables, {@code key} (its columns), {@code same_key}
     * (that {@code p} has the key of net row {@code n}), and what is given.
     *
     * @param given names and values by turns
     */
    String sql(String template, Object... given) {
        return NAME.matcher(template).replaceAll(found -> {
            String name = found.group(1);
            for (int i = 0; i < given.length; i += 2) {
                if (given[i].equals(name)) {
                    return Matcher.quoteReplacement(given[i + 1].toString());
                }
            }
            return Matcher.quoteReplacement(
                    switch (name) {
                        case "key" -> TableName.quote(key);
                        case "same_key" -> sameKey("p");
                        default -> stage.table(name);
                    });
        });
    }

    private static void number(long value, CopyBuffer out) {
        if (value >= 10) {
            number(value / 10, out);
        }
        out.put((byte) ('0' + value % 10));
    }

    /** How rows of one column set are staged. */
    final class Shape {
        private final CopyShape copy;
        private final Layout layout;
        private int set = -1;
        private final int[] keyPositions;
        private final HeldRows whole;
        private final HeldRows keyOnly;

        private Shape(CopyShape copy, Layout layout, String table) {
            this.copy = copy;
            this.layout = layout;
            this.keyPositions = key.stream().mapToInt(copy.columns()::position).toArray();
            String own = "caravan_seq, caravan_op, caravan_part, caravan_set, caravan_before, ";
            this.whole = new HeldRows(table, stage.table("change"), own + copy.list(), CopyText.INSTANCE, true);
            String keys = TableName.quote(key);
            this.keyOnly = new HeldRows(table, stage.table("change"), own + keys, CopyText.INSTANCE, true);
        }

        CopyShape copy() {
            return copy;
        }

        /** The first key column without a value, or null. */
        String nullKey(RowChange change) {
            for (int i = 0; i < keyPositions.length; i++) {
                if (change.isNull(keyPositions[i])) {
                    return key.get(i);
                }
            }
            return null;
        }
    }
}
