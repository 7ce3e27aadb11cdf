package io.pgcaravan.check;

import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A table of the target as the catalog has it.
 *
 * @param lacking privileges that the role has not, as SQL names them
 * @param closedPartitions those that the role may not insert into, null for none
 * @param openPartitions those without the table's row security, null for none
 */
record Table(
        String kind,
        Map<String, Column> columns,
        List<String> lacking,
        String closedPartitions,
        String openPartitions,
        List<Index> indexes) {

    private static final String SQL = Sql.file("check/table");
    private static final String INDEXES = Sql.file("check/indexes");

    /** @param required NOT NULL without anything that would give it a value */
    record Column(String type, boolean notNull, boolean required, boolean writable) {}

    record Index(boolean unique, List<String> columns) {

        /** Whether rows with this key are found by it. */
        boolean finds(List<String> key) {
            return columns.size() >= 1 && new HashSet<>(key).contains(columns.get(0));
        }
    }

    /** The table of that name, null for none. */
    static Table of(Connection target, TableName name) throws SQLException {
        try (PreparedStatement statement = target.prepareStatement(SQL)) {
            statement.setString(1, name.quoted());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return null;
                }
                Map<String, Column> columns = new LinkedHashMap<>();
                List<String> names = Feeder.strings(row, "names");
                List<String> types = Feeder.strings(row, "types");
                Boolean[] required = booleans(row, "required");
                Boolean[] notNull = booleans(row, "not_null");
                Boolean[] writable = booleans(row, "writable");
                for (int i = 0; i < names.size(); i++) {
                    columns.put(names.get(i), new Column(types.get(i), notNull[i], required[i], writable[i]));
                }
                return new Table(
                        row.getString("kind"),
                        columns,
                        List.of(row.getString("lacking").split(", ")),
                        row.getString("closed_partitions"),
                        row.getString("open_partitions"),
                        indexes(target, row.getLong("oid")));
            }
        }
    }

    private static Boolean[] booleans(ResultSet row, String column) throws SQLException {
        java.sql.Array array = row.getArray(column);
        return array == null ? new Boolean[0] : (Boolean[]) array.getArray();
    }

    private static List<Index> indexes(Connection target, long oid) throws SQLException {
        List<Index> indexes = new ArrayList<>();
        try (PreparedStatement statement = target.prepareStatement(INDEXES)) {
            statement.setLong(1, oid);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    indexes.add(new Index(row.getBoolean("is_unique"), Feeder.strings(row, "columns")));
                }
            }
        }
        return indexes;
    }
}
