package io.pgcaravan.load;

import io.pgcaravan.load.TargetTable.Column;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.table.TableName;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Inserts of many rows at once, as one statement whose parameters are arrays, one for each column. Binding row after row
 * takes the client and the server about twice the time. Values are texts that the types' own input functions read, and a
 * type's modifiers apply when the value meets its column, so a value is taken or refused as {@code VALUES} would.
 *
 * <p>For one batch: the arrays' types are those that the columns have while the batch holds its locks.
 */
public final class ArrayInserts {

    /** A statement and its parameters: array literals, in the order of its columns. */
    public record Insert(String statement, List<String> arrays) {}

    /** Types whose array is written with commas and whose name without modifiers means no length, by pg_type's oid. */
    private static final Map<Integer, String> TYPES = Map.ofEntries(
            Map.entry(16, "bool"),
            Map.entry(17, "bytea"),
            Map.entry(20, "int8"),
            Map.entry(21, "int2"),
            Map.entry(23, "int4"),
            Map.entry(25, "text"),
            Map.entry(26, "oid"),
            Map.entry(114, "json"),
            Map.entry(142, "xml"),
            Map.entry(650, "cidr"),
            Map.entry(700, "float4"),
            Map.entry(701, "float8"),
            Map.entry(829, "macaddr"),
            Map.entry(869, "inet"),
            Map.entry(1042, "bpchar"),
            Map.entry(1043, "varchar"),
            Map.entry(1082, "date"),
            Map.entry(1083, "time"),
            Map.entry(1114, "timestamp"),
            Map.entry(1184, "timestamptz"),
            Map.entry(1186, "interval"),
            Map.entry(1266, "timetz"),
            Map.entry(1700, "numeric"),
            Map.entry(2950, "uuid"),
            Map.entry(3802, "jsonb"));

    private final Connection target;
    private final TargetColumns catalog = new TargetColumns();
    private final Map<TableName, TargetTable> met = new HashMap<>();

    /** @param target the batch's connection */
    public ArrayInserts(Connection target) {
        this.target = target;
    }

    /** Looks at tables that were not looked at yet, and keeps their columns as they are until the batch's end. */
    public void meet(Collection<TableName> tables) throws SQLException {
        List<TableName> strange = tables.stream()
                .filter(table -> !met.containsKey(table))
                .distinct()
                .toList();
        if (!strange.isEmpty()) {
            Map<TableName, TargetTable> found = catalog.locked(target, strange);
            strange.forEach(table -> met.put(table, found.get(table)));
        }
    }

    /** The target went back, and the locks with it. */
    public void forget() {
        met.clear();
    }

    /**
     * One insert of all rows; null where the table is not one that was met, or where a column is missing there or is of a
     * type without such arrays.
     */
    public Insert of(TableName table, ColumnSet columns, List<RowChange> rows) {
        List<String> types = types(met.get(table), columns);
        if (types == null) {
            return null;
        }
        String statement = "insert into " + table.quoted() + " ("
                + TableName.quote(columns.names())
                + ") select * from unnest("
                + types.stream().map(type -> "?::" + type + "[]").collect(Collectors.joining(", ")) + ")";
        List<String> arrays = new ArrayList<>(columns.size());
        CopyBuffer buffer = new CopyBuffer(32 * rows.size());
        for (int column = 0; column < columns.size(); column++) {
            buffer.clear();
            arrays.add(array(rows, column, buffer));
        }
        return new Insert(statement, arrays);
    }

    /** The columns' types, null where there is one that will not do. */
    private static List<String> types(TargetTable table, ColumnSet columns) {
        if (table == null || columns.size() == 0) {
            return null;
        }
        List<String> types = new ArrayList<>(columns.size());
        for (String name : columns.names()) {
            Column column = table.layout().column(name);
            String type = column == null ? null : TYPES.get(column.typeOid());
            if (type == null) {
                return null;
            }
            types.add(type);
        }
        return types;
    }

    private static String array(List<RowChange> rows, int column, CopyBuffer out) {
        out.put((byte) '{');
        for (int i = 0; i < rows.size(); i++) {
            if (i > 0) {
                out.put((byte) ',');
            }
            RowChange row = rows.get(i);
            if (row.isNull(column)) {
                put("NULL", out);
            } else {
                quote(row.bytes(), row.from(column), row.to(column), out);
            }
        }
        out.put((byte) '}');
        return new String(out.array(), 0, out.length(), StandardCharsets.UTF_8);
    }

    private static void quote(byte[] value, int from, int to, CopyBuffer out) {
        byte[] room = out.room(Math.addExact(2, Math.multiplyExact(2, to - from)));
        int at = out.length();
        room[at++] = '"';
        for (int i = from; i < to; i++) {
            byte b = value[i];
            if (b == '"' || b == '\\') {
                room[at++] = '\\';
            }
            room[at++] = b;
        }
        room[at++] = '"';
        out.advance(at);
    }

    private static void put(String ascii, CopyBuffer out) {
        byte[] bytes = ascii.getBytes(StandardCharsets.US_ASCII);
        out.put(bytes, 0, bytes.length);
    }
}
