package io.pgcaravan.load;

import io.pgcaravan.load.TargetTable.Column;
import io.pgcaravan.load.TargetTable.Layout;
import io.pgcaravan.row.Digests;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Temporary tables of the target session that hold a batch's changes until their net effect is known. They have the
 * destination's columns and types but none of its constraints, live as long as the session and are empty between
 * transactions; their names depend on the columns, so a changed destination gets new ones.
 *
 * <ul>
 *   <li>{@code change}: every change, in the order of {@code caravan_seq};
 *   <li>{@code net}: what remains to be done, one row a key (in keep_latest a key and partition);
 *   <li>{@code hint}: tables other than its new one where a key's row may have been before;
 *   <li>{@code found}: deletions that found their row, {@code missed}: updates that did not find it in their partition;
 *   <li>{@code wanted}: keys whose row has to be looked for in all partitions;
 *   <li>{@code moved}: rows taken out of their old partition.
 * </ul>
 */
final class Stage {

    /** Their columns; {@code *} stands for the destination's own. */
    private static final Map<String, String> TABLES = Map.of(
            "change",
                    "caravan_seq int8, caravan_op \"char\", caravan_part int4, caravan_set int4, caravan_before int4, *",
            "net",
                    "caravan_id int8, caravan_part int4, caravan_op \"char\", caravan_sig text, caravan_search bool,"
                            + " caravan_spread bool, *",
            "hint", "caravan_id int8, caravan_part int4",
            "found", "caravan_id int8",
            "missed", "caravan_id int8",
            "wanted", "caravan_id int8",
            "moved", "caravan_id int8, caravan_home int4, *");

    private final Map<String, Column> columns;
    private final String suffix;

    private Stage(Map<String, Column> columns, String suffix) {
        this.columns = columns;
        this.suffix = suffix;
    }

    /**
     * A stage for tables of these layouts.
     *
     * @throws SQLException where tables have a column of one name in different types
     */
    static Stage of(int step, Collection<Destination> destinations) throws SQLException {
        Map<String, Column> columns = new LinkedHashMap<>();
        Layout previous = null;
        for (Destination destination : destinations) {
            if (destination.table == null || destination.layout() == previous) {
                continue;
            }
            previous = destination.layout();
            for (Column column : previous.columns()) {
                if (!column.generated()) {
                    Column known = columns.putIfAbsent(column.name(), column);
                    if (known != null && !known.type().equals(column.type())) {
                        if (!known.plainType().equals(column.plainType())) {
                            throw new SQLException(
                                    "column " + TableName.quote(column.name()) + " is " + column.type() + " in table "
                                            + destination.quoted() + " and " + known.type()
                                            + " in other partitions; these row modes need one type in all of them",
                                    "42804");
                        }
                        // the tables' own modifiers apply when the rows get there
                        columns.put(column.name(), known.withoutModifiers());
                    }
                }
            }
        }
        String definition = columns.values().stream()
                .map(column -> TableName.quote(column.name()) + " " + column.type())
                .collect(Collectors.joining(", "));
        return new Stage(columns, Digests.sha256(step + ": " + definition).substring(0, 16));
    }

    /** Whether rows of that layout fit. */
    boolean covers(Layout layout) {
        for (Column column : layout.columns()) {
            if (!column.generated()) {
                Column known = columns.get(column.name());
                boolean same = known != null && known.type().equals(column.type());
                boolean wider = known != null
                        && known.type().equals(known.plainType())
                        && known.plainType().equals(column.plainType());
                if (!same && !wider) {
                    return false;
                }
            }
        }
        return true;
    }

    /** A column's operator for equal values. */
    String equality(String column) {
        return columns.get(column).equality();
    }

    boolean has(String column) {
        return columns.containsKey(column);
    }

    /** One of the tables, quoted. */
    String table(String which) {
        return "pg_temp." + TableName.quote("caravan_" + which + "_" + suffix);
    }

    /** Name of the index on {@code net}, with its schema. */
    String netIndex() {
        return "pg_temp." + indexName();
    }

    String indexName() {
        return TableName.quote("caravan_net_part_" + suffix);
    }

    /**
     * Makes the tables where this session has none.
     *
     * @param empty whether this transaction may have left rows in them
     */
    void prepare(Connection target, boolean empty) throws SQLException {
        String own = columns.values().stream()
                .map(column -> ", " + TableName.quote(column.name()) + " " + column.type())
                .collect(Collectors.joining());
        StringBuilder sql = new StringBuilder();
        TABLES.forEach((which, definition) -> sql.append("create temporary table if not exists ")
                .append(TableName.quote("caravan_" + which + "_" + suffix))
                .append(" (" + definition.replace(", *", own) + ") on commit delete rows;\n"));
        if (empty) {
            sql.append("truncate ")
                    .append(TABLES.keySet().stream().map(this::table).collect(Collectors.joining(", ")));
        }
        try {
            Query.execute(target, sql.toString());
        } catch (SQLException e) {
            String hint =
                    switch (String.valueOf(e.getSQLState())) {
                        case "42501" -> " (the target's user needs the TEMPORARY privilege on the database)";
                        case "54011" ->
                            " (this row mode takes tables of at most " + Loader.MOST_KEYED_COLUMNS
                                    + " columns: choose rowMode=append or keep_all)";
                        default -> "";
                    };
            throw LoadErrors.failed(
                    "cannot make the temporary tables in which changes wait for their net effect" + hint, e);
        }
    }
}
