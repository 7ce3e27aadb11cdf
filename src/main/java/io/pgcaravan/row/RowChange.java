package io.pgcaravan.row;

import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.RowAccount;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * One change of one row. It is a map of column name to value (text, or null for NULL), so that expressions, filters and
 * {@code sql:} parameters in a route can use it; the loader reads the UTF-8 bytes underneath instead. Values are texts as
 * the producer's session rendered them.
 */
public final class RowChange extends AbstractMap<String, Object> {

    private static final byte[] NOTHING = new byte[0];

    private final Event event;
    private final Op op;
    private List<String> key;
    private String missingKey;
    private ColumnSet columns;
    private byte[] bytes;
    private int[] bounds;
    private final RowChange before;
    private Partition partition;
    private TableName placedFor;
    private boolean movesToOtherShard;
    private RowAccount.Entry entry;

    /**
     * @param key names of the key's columns, as in {@code columns}; empty where the event has none
     * @param bytes holds the values, UTF-8; kept, not copied
     * @param bounds from and to of each column's value in {@code bytes}; from is -1 for NULL
     * @param before the row before an update, where the producer sent it, else null
     */
    public RowChange(
            Event event, Op op, List<String> key, ColumnSet columns, byte[] bytes, int[] bounds, RowChange before) {
        this(event, op, key, null, columns, bytes, bounds, before);
    }

    /**
     * @param missingKey the key column, as the producer names it, that the event names and the row lacks; {@code key} is
     *     empty then. Null where nothing is missing
     */
    public RowChange(
            Event event,
            Op op,
            List<String> key,
            String missingKey,
            ColumnSet columns,
            byte[] bytes,
            int[] bounds,
            RowChange before) {
        this.event = event;
        this.entry = event;
        this.op = op;
        this.key = key;
        this.missingKey = missingKey;
        this.columns = columns;
        this.bytes = bytes;
        this.bounds = bounds;
        this.before = before;
    }

    /** The emptying of a whole table. */
    static RowChange truncate(Event event) {
        return new RowChange(event, Op.TRUNCATE, List.of(), ColumnSet.NONE, NOTHING, new int[0], null);
    }

    /**
     * The row that a step of the route made of this one: the same change of the same event, with other values.
     *
     * @param values by column; null for NULL
     */
    public RowChange with(Map<?, ?> values) {
        RowChange made = of(event, op, key, values, movesToOtherShard);
        made.partition = partition;
        made.placedFor = placedFor;
        return made;
    }

    /** The same change, for a step that may alter it without altering this one. */
    public RowChange copy() {
        RowChange copy = new RowChange(event, op, key, missingKey, columns, bytes, bounds, before);
        copy.partition = partition;
        copy.placedFor = placedFor;
        copy.movesToOtherShard = movesToOtherShard;
        copy.entry = entry;
        return copy;
    }

    /**
     * A row that a step of the route made of an event.
     *
     * @param values by column; null for NULL
     */
    public static RowChange of(Event event, Map<?, ?> values) {
        return of(event, Op.OTHER, List.of(), values, false);
    }

    private static RowChange of(Event event, Op op, List<String> key, Map<?, ?> values, boolean movesToOtherShard) {
        List<String> names = new ArrayList<>(values.size());
        byte[][] texts = new byte[values.size()][];
        for (Map.Entry<?, ?> column : values.entrySet()) {
            texts[names.size()] = text(column.getValue());
            names.add(String.valueOf(column.getKey()));
        }
        String missing = key.stream()
                .filter(column -> !names.contains(column))
                .findFirst()
                .orElse(null);
        RowChange made = new RowChange(
                event, op, missing == null ? key : List.of(), missing, new ColumnSet(names), NOTHING, null, null);
        made.replace(texts, null);
        made.movesToOtherShard = movesToOtherShard;
        return made;
    }

    /** A value as COPY takes it: its {@code toString}, but for bytes. */
    private static byte[] text(Object value) {
        if (value instanceof byte[] bytes) {
            return ("\\x" + HexFormat.of().formatHex(bytes)).getBytes(StandardCharsets.UTF_8);
        }
        return value == null ? null : value.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** This row before an update that moved it to another shard. */
    RowChange leaving() {
        RowChange gone = new RowChange(event, Op.DELETE, key, missingKey, columns, bytes, bounds, null);
        gone.movesToOtherShard = true;
        return gone;
    }

    /**
     * Whether this is no change of its own but the old half of an update that moved the row to another shard: a delete where
     * the target holds current rows, nothing where it collects history.
     */
    public boolean movesToOtherShard() {
        return movesToOtherShard;
    }

    public Event event() {
        return event;
    }

    /** What the row's account is kept by: its event, or the part of it that a split of the route made. */
    public RowAccount.Entry entry() {
        return entry;
    }

    /** Keeps the row's account by {@code other}, which is of the same event. */
    public void accountAs(RowAccount.Entry other) {
        entry = other;
    }

    /** The source's table, for {@code ${body.table}} in a route; null where the event names none. */
    public String table() {
        return event.table();
    }

    public Op op() {
        return op;
    }

    /**
     * The key's column names, as the target has them; empty where the event names none, and where the row lacks one of
     * them ({@link #missingKey()} says which).
     */
    public List<String> key() {
        return key;
    }

    /**
     * The first column of the event's key that the row lacks, as the producer names it, because the selected fields leave
     * it out or the data do not have it; null where the key is whole or the event names none. Keyed row modes cannot use
     * such a row.
     */
    public String missingKey() {
        return missingKey;
    }

    public ColumnSet columns() {
        return columns;
    }

    /** The row before the change, or null where the event does not carry it. */
    public RowChange before() {
        return before;
    }

    /** The array that holds the values; not to be changed. */
    public byte[] bytes() {
        return bytes;
    }

    /** Where the value of column {@code i} starts in {@link #bytes()}; -1 where it is NULL. */
    public int from(int i) {
        return bounds[2 * i];
    }

    /** Where the value of column {@code i} ends in {@link #bytes()}, exclusive. */
    public int to(int i) {
        return bounds[2 * i + 1];
    }

    public boolean isNull(int i) {
        return bounds[2 * i] < 0;
    }

    /** The value of column {@code i} as text, null for NULL. */
    public String text(int i) {
        int from = bounds[2 * i];
        return from < 0 ? null : new String(bytes, from, bounds[2 * i + 1] - from, StandardCharsets.UTF_8);
    }

    /** Where the row belongs, null until the partition step placed it. */
    public Partition partition() {
        return partition;
    }

    /** The table of whose partitions the partition step took this row's; null where it did not see the row. */
    public TableName placedFor() {
        return placedFor;
    }

    /** A partition step begins to place this row among the partitions of {@code table}. */
    public void placeFor(TableName table) {
        placedFor = table;
        partition = null;
    }

    public void place(Partition where) {
        partition = where;
    }

    /** Makes the row unfit for being found by its key, of which {@code column} is a part. */
    void loseKey(String column) {
        key = List.of();
        missingKey = column;
    }

    /**
     * Changes values.
     *
     * @param values by column; null for NULL
     * @param changed which of them count; null for all
     */
    void replace(byte[][] values, boolean[] changed) {
        int length = 0;
        for (int i = 0; i < values.length; i++) {
            boolean own = changed != null && !changed[i];
            length += own ? to(i) - from(i) : values[i] == null ? 0 : values[i].length;
        }
        byte[] replaced = new byte[length];
        int[] where = new int[2 * values.length];
        int end = 0;
        for (int i = 0; i < values.length; i++) {
            boolean own = changed != null && !changed[i];
            boolean isNull = own ? isNull(i) : values[i] == null;
            where[2 * i] = isNull ? -1 : end;
            if (!isNull) {
                int size = own ? to(i) - from(i) : values[i].length;
                System.arraycopy(own ? bytes : values[i], own ? from(i) : 0, replaced, end, size);
                end += size;
            }
            where[2 * i + 1] = isNull ? -1 : end;
        }
        bytes = replaced;
        bounds = where;
    }

    @Override
    public Object get(Object name) {
        int i = name instanceof String column ? columns.position(column) : -1;
        return i < 0 ? null : text(i);
    }

    @Override
    public boolean containsKey(Object name) {
        return name instanceof String column && columns.position(column) >= 0;
    }

    @Override
    public int size() {
        return columns.size();
    }

    /**
     * Changes a value, or adds a column at the end; for a route's own steps.
     *
     * @param value its {@code toString} (of bytes, their hex) is the new text; null for NULL
     */
    @Override
    public Object put(String name, Object value) {
        int i = columns.position(name);
        Object previous = i < 0 ? null : text(i);
        if (i < 0) {
            columns = columns.with(name);
            i = columns.size() - 1;
        }
        int[] grown = Arrays.copyOf(bounds, 2 * columns.size());
        byte[] text = text(value);
        if (text == null) {
            grown[2 * i] = -1;
            grown[2 * i + 1] = -1;
        } else {
            byte[] longer = Arrays.copyOf(bytes, bytes.length + text.length);
            System.arraycopy(text, 0, longer, bytes.length, text.length);
            grown[2 * i] = bytes.length;
            grown[2 * i + 1] = longer.length;
            bytes = longer;
        }
        bounds = grown;
        return previous;
    }

    @Override
    public Set<Map.Entry<String, Object>> entrySet() {
        return new AbstractSet<>() {
            @Override
            public Iterator<Map.Entry<String, Object>> iterator() {
                return IntStream.range(0, size())
                        .<Map.Entry<String, Object>>mapToObj(
                                i -> new SimpleImmutableEntry<>(columns.names().get(i), text(i)))
                        .iterator();
            }

            @Override
            public int size() {
                return columns.size();
            }
        };
    }

    /** Changes are compared by identity: two events may carry equal rows. */
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }
}
