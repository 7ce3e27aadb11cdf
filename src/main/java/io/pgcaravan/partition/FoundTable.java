package io.pgcaravan.partition;

import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * A table that is a partition of the parent, or has the name of one.
 *
 * @param kind as in {@code pg_class.relkind}
 * @param child whether it is a partition of the parent, and not on its way out
 * @param pending whether it is on its way out, by DETACH CONCURRENTLY
 * @param bounds null where it has none that are stretches of time
 */
record FoundTable(long oid, TableName table, String kind, boolean child, boolean pending, Bounds bounds) {

    private static final String FIND = Sql.file("partition/find");

    /** @param low microseconds as in {@link Place#low}, Long.MIN_VALUE where there is no lower end */
    record Bounds(long low, long high, String lowText, String highText) {}

    boolean takesRows() {
        return kind.equals("r") || kind.equals("p") || kind.equals("f");
    }

    /**
     * Those that have the places' names.
     *
     * @param withAllPartitions and all partitions of the parent, whatever their names
     */
    static List<FoundTable> read(
            Connection target, PartitionSettings settings, Parent parent, List<Place> places, boolean withAllPartitions)
            throws SQLException {
        boolean instants = parent.boundType() == BoundType.TIMESTAMPTZ;
        boolean bounds =
                parent.kind() == Parent.Kind.NATIVE && settings.partMode().dated();
        try (PreparedStatement select = target.prepareStatement(FIND)) {
            select.setObject(1, parent.oid(), java.sql.Types.BIGINT);
            select.setBoolean(2, withAllPartitions);
            select.setString(3, Place.schema(places));
            select.setArray(4, Place.names(target, places));
            select.setObject(5, parent.oid(), java.sql.Types.BIGINT);
            select.setBoolean(6, bounds);
            select.setBoolean(7, instants);
            select.setBoolean(8, instants);
            List<FoundTable> tables = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    tables.add(new FoundTable(
                            row.getLong("oid"),
                            new TableName(row.getString("schema"), row.getString("name")),
                            row.getString("kind"),
                            row.getBoolean("child"),
                            row.getBoolean("pending"),
                            row.getBoolean("bounded") ? bounds(row) : null));
                }
            }
            return tables;
        }
    }

    private static Bounds bounds(ResultSet row) throws SQLException {
        Long low = row.getObject("low", Long.class);
        Long high = row.getObject("high", Long.class);
        return new Bounds(
                low == null ? Long.MIN_VALUE : low,
                high == null ? Long.MAX_VALUE : high,
                row.getString("low_text"),
                row.getString("high_text"));
    }
}
