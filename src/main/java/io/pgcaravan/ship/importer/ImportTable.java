package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.exporter.SourceTable;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A table that is imported into.
 *
 * @param key raw names of the columns by which rows are found
 * @param operators that tell the key's values apart, with their schemas
 * @param updated raw names of the columns that rows which stay are given: not those of the key whose values are written in one way
 * @param keeps why rows that stay must not be deleted, not even for a moment; null where they may be
 * @param cascades whether rows of other tables would change with rows that are deleted here
 * @param mayBeAbsent whether rows that {@code keeps} is about may be gone all the same until the end of a statement
 */
record ImportTable(
        TableName name,
        List<String> columns,
        List<String> key,
        List<String> operators,
        List<String> updated,
        String keeps,
        boolean cascades,
        boolean mayBeAbsent) {

    private static final String TABLE = Sql.file("ship/import-target");
    private static final String KEY = Sql.file("ship/import-key");

    /**
     * Looks at the table and sees whether a set can go there.
     *
     * @param keyColumns by which the set's rows are found
     * @param columns of the set's records
     * @throws ChangeSetException where it cannot
     */
    static ImportTable read(Connection target, TableName name, List<String> keyColumns, List<String> columns)
            throws SQLException {
        ImportTable table = Query.first(target, TABLE, row -> read(target, name, keyColumns, columns, row), name);
        if (table == null) {
            throw new ChangeSetException(
                    "there is no table " + name.quoted() + " in database \"" + target.getCatalog() + "\"");
        }
        return table;
    }

    private static ImportTable read(
            Connection target, TableName name, List<String> keyColumns, List<String> columns, ResultSet row)
            throws SQLException {
        String full = name.quoted();
        if (!"rp".contains(row.getString("kind")) || row.getBoolean("inherits")) {
            throw new ChangeSetException(full + " is not a plain or partitioned table");
        }
        List<String> has = texts(row.getArray("columns"));
        List<String> generated = texts(row.getArray("generated"));
        refuse(columns, column -> !has.contains(column), " are missing in the table: add them there");
        refuse(columns, generated::contains, " are generated in the table, and the source sends values for them");
        refuse(
                keyColumns,
                column -> !has.contains(column),
                ", which the set has for its key, are missing in the table");
        String referredBy = row.getString("referred_by");
        String trigger = row.getString("row_trigger");
        String keeps = referredBy != null
                ? "foreign key " + referredBy + " refers to it"
                : trigger != null ? "it has a row trigger, " + trigger : null;
        List<String> always = texts(row.getArray("always"));
        List<KeyColumn> key = Query.all(
                target,
                KEY,
                KeyColumn::read,
                target.createArrayOf("text", keyColumns.toArray()),
                row.getLong("oid"),
                row.getLong("oid"));
        if (keeps != null) {
            String rest = ", and as " + keeps + ", rows that stay have to be updated in place";
            if (!key.get(0).unique) {
                throw new ChangeSetException(
                        full + " has no unique index on its key (" + String.join(", ", keyColumns) + ")" + rest);
            }
            refuse(
                    columns,
                    column -> always.contains(column) && !keyColumns.contains(column),
                    " are GENERATED ALWAYS AS IDENTITY" + rest + ", which PostgreSQL forbids for them");
            refuse(keyColumns, column -> !columns.contains(column), " of the key are not in the records" + rest);
        }
        List<String> image =
                key.stream().filter(KeyColumn::image).map(KeyColumn::name).toList();
        return new ImportTable(
                name,
                columns,
                keyColumns,
                key.stream().map(KeyColumn::operator).toList(),
                columns.stream().filter(column -> !image.contains(column)).toList(),
                keeps,
                row.getBoolean("cascades"),
                trigger == null && row.getBoolean("waits"));
    }

    private static void refuse(List<String> columns, java.util.function.Predicate<String> bad, String why) {
        String named = columns.stream().filter(bad).map(TableName::quote).collect(Collectors.joining(", "));
        if (!named.isEmpty()) {
            throw new ChangeSetException("column(s) " + named + why);
        }
    }

    private static List<String> texts(Array array) throws SQLException {
        return array == null ? List.of() : List.of((String[]) array.getArray());
    }

    /**
     * A column of the key.
     *
     * @param unique whether the key has a unique index
     * @param image whether its values are written in the same way where they are equal
     */
    private record KeyColumn(String name, boolean unique, String operator, boolean image) {

        static KeyColumn read(ResultSet row) throws SQLException {
            String operator = row.getString("operator");
            return new KeyColumn(
                    row.getString("column"),
                    row.getBoolean("unique"),
                    operator == null ? "pg_catalog.=" : operator,
                    row.getBoolean("image"));
        }
    }

    String sameKey() {
        return SourceTable.sameKey(key, operators);
    }
}
