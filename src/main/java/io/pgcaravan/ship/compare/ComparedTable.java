package io.pgcaravan.ship.compare;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A table that is compared, on one side.
 *
 * @param database for messages
 * @param columns all of them, by raw name, in the table's order
 * @param primaryKey raw names, in the key's order; empty where there is none
 * @param rows an estimate
 */
record ComparedTable(TableName name, String database, Map<String, Column> columns, List<String> primaryKey, long rows) {

    private static final String TABLE = Sql.file("ship/compared-table");

    /**
     * @param type as PostgreSQL prints it
     * @param whole whether it is a smallint, integer or bigint, or a domain over one
     */
    record Column(String name, String type, boolean generated, boolean whole) {}

    /** @throws ChangeSetException where there is no such table */
    static ComparedTable read(Connection connection, TableName name) throws SQLException {
        Map<String, Column> columns = new LinkedHashMap<>();
        Map<Integer, String> key = new TreeMap<>();
        String database = connection.getCatalog();
        List<Long> rows = Query.all(
                connection,
                TABLE,
                row -> {
                    if (!"rpfm".contains(row.getString("kind"))) {
                        throw new ChangeSetException(name.quoted() + " in database \"" + database
                                + "\" cannot be compared: it is not a table");
                    }
                    Column column = new Column(
                            row.getString("name"),
                            row.getString("type"),
                            row.getBoolean("generated"),
                            row.getBoolean("whole"));
                    columns.put(column.name, column);
                    if (row.getObject("key_position") != null) {
                        key.put(row.getInt("key_position"), column.name);
                    }
                    return row.getLong("rows");
                },
                name);
        if (columns.isEmpty()) {
            throw new ChangeSetException("there is no table " + name.quoted() + " in database \"" + database + "\"");
        }
        return new ComparedTable(name, database, columns, List.copyOf(key.values()), rows.get(0));
    }

    /** @throws ChangeSetException that names the columns which are missing here */
    void mustHave(List<String> names) {
        List<String> missing =
                names.stream().filter(column -> !columns.containsKey(column)).toList();
        if (!missing.isEmpty()) {
            throw new ChangeSetException("column(s) " + TableName.quote(missing) + " are missing in " + name.quoted()
                    + " of database \"" + database + "\"; --columns says which to compare");
        }
    }
}
