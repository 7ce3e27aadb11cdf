package io.pgcaravan.ship.exporter;

import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.CopyOutput;
import io.pgcaravan.ship.ReadSession;
import io.pgcaravan.ship.Snapshot;
import io.pgcaravan.ship.exporter.ExportSet.Window;
import io.pgcaravan.ship.exporter.SourceTable.Leaf;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The connection whose one snapshot everything in a set comes from. */
final class SourceSnapshot implements AutoCloseable {

    /** Below this part of a table, its changed rows are looked up one by one; above it, the table is read through. */
    private static final int FEW = 20;

    private final Connection connection;
    private String snapshot;

    /** Opens a connection of its own. */
    SourceSnapshot(Connect source) throws SQLException {
        connection = source.open();
    }

    /** Locks the tables against TRUNCATE and DDL, and only then takes the snapshot: an older one would see an empty table. */
    Map<TableName, SourceTable> begin(List<TableName> names) throws SQLException {
        ReadSession.begin(connection);
        for (TableName name : names) {
            Query.execute(
                    connection,
                    "lock table " + name.quoted() + ", "
                            + Tracking.tracking(name).quoted() + " in access share mode");
        }
        snapshot = Query.text(connection, "select pg_current_snapshot()::text");
        Map<TableName, SourceTable> tables = new LinkedHashMap<>();
        for (TableName name : names) {
            tables.put(name, SourceTable.read(connection, name));
        }
        return tables;
    }

    /** As {@code pg_snapshot} prints it; null before {@link #begin}. */
    String snapshot() {
        return snapshot;
    }

    /**
     * What the transactions noted that {@code to} has seen and {@code from} had not. With an index on xid, both halves are
     * quick: transactions that are younger than {@code from}, and those that were at work then.
     */
    private static String window(
            SourceTable table, String from, String to, String what, String condition, String union) {
        String notes = Tracking.tracking(table.name()).quoted();
        String xid = TableName.quote(table.xidColumn());
        String select = "select " + what + " from " + notes + " where " + condition + " and pg_visible_in_snapshot("
                + xid + ", " + Snapshot.literal(to) + ") and " + xid;
        return select + " >= pg_snapshot_xmax(" + Snapshot.literal(from) + ") and " + xid + " < pg_snapshot_xmax("
                + Snapshot.literal(to) + ") " + union + " " + select + " = any (array(select pg_snapshot_xip("
                + Snapshot.literal(from) + ")))";
    }

    boolean truncated(SourceTable table, String from, String to) throws SQLException {
        String key = TableName.quote(table.key().get(0));
        return exists(window(table, from, to, "", key + Tracking.NULL, "union all"));
    }

    boolean anyChange(SourceTable table, String from, List<Leaf> newPartitions) throws SQLException {
        return exists(keys(table, from, snapshot, newPartitions, "union all"));
    }

    private boolean exists(String query) throws SQLException {
        return Query.flag(connection, "select exists (" + query + ")");
    }

    private static String keys(SourceTable table, String from, String to, List<Leaf> newPartitions, String union) {
        String keys = TableName.quote(table.key());
        StringBuilder query = new StringBuilder(
                window(table, from, to, keys, TableName.quote(table.key().get(0)) + Tracking.NOT_NULL, union));
        for (Leaf leaf : newPartitions) {
            query.append(' ')
                    .append(union)
                    .append(" select ")
                    .append(keys)
                    .append(" from ")
                    .append(leaf.name());
        }
        return query.toString();
    }

    /**
     * The keys that a set holds, each once as it is written: those that are equal here may be two at the target. Null for a full set,
     * which has no need of them.
     */
    String ids(PlannedSet one) {
        if (one.full() || one.table().image()) {
            return one.full() ? null : keys(one, "union");
        }
        String written = one.table().key().stream()
                .map(column -> "format('%s', k." + TableName.quote(column) + ") collate \"C\"")
                .collect(Collectors.joining(", "));
        return "select distinct on (" + written + ") k.* from (" + keys(one, "union all") + ") k";
    }

    private static String keys(PlannedSet one, String union) {
        Window window = one.set().window();
        return keys(one.table(), window.from(), window.to(), one.newPartitions(), union);
    }

    String records(PlannedSet one, long ids) throws SQLException {
        String columns = TableName.quote(one.table().columns(), "t.");
        String from =
                (one.table().partitioned() ? "" : "only ") + one.table().name().quoted() + " t";
        if (one.full()) {
            return "select " + columns + " from " + from;
        }
        if (ids == 0) {
            return null;
        }
        // the planner knows nothing of a tracking table that has just grown
        boolean few = ids * FEW < one.table().rows();
        for (String method : new String[] {"hashjoin", "mergejoin", "nestloop"}) {
            Query.execute(
                    connection,
                    "set local enable_" + method + " = " + (few == method.equals("nestloop") ? "on" : "off"));
        }
        return "select " + columns + " from (" + keys(one, "union") + ") k join " + from + " on "
                + one.table().sameKey();
    }

    void copy(String query, CopyOutput.LineReader reader) throws SQLException, IOException {
        CopyOutput.read(connection, query, reader);
    }

    @Override
    public void close() throws SQLException {
        Connect.close(connection);
    }
}
