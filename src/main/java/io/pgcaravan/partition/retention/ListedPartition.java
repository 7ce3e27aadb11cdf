package io.pgcaravan.partition.retention;

import io.pgcaravan.partition.BoundType;
import io.pgcaravan.partition.Parent;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A partition as the target's catalog, and the record of what was made, have it.
 *
 * @param oid of the table
 * @param kind r for a table, p where it is partitioned itself, f for a foreign table
 * @param attached whether it is a partition of the parent or inherits from it, and is not on its way out
 * @param pending whether a DETACH CONCURRENTLY of it was begun and not finished
 * @param defaultPartition whether it takes what no other does
 * @param orphan whether it belongs to no parent at all
 * @param bound what PostgreSQL checks, as the catalog writes it; null where it checks nothing
 * @param from lower bound; null where there is none or it is not known
 * @param to upper bound, exclusive; null like {@code from}
 * @param recorded whether pgcaravan made it
 * @param rows an estimate; null where nobody has counted yet
 * @param bytes with its indexes and TOAST table; null where it was not asked for
 */
public record ListedPartition(
        TableName table,
        long oid,
        String kind,
        boolean attached,
        boolean pending,
        boolean defaultPartition,
        boolean orphan,
        String bound,
        Instant from,
        Instant to,
        boolean recorded,
        Long rows,
        Long bytes) {

    private static final String CHILDREN = Sql.file("partition/children");
    private static final String RECORDED = Sql.file("partition/recorded");

    /**
     * The partitions of the settings' table, in the order of their upper bounds; those without one last. Tables on record
     * that are no children of it come with them: they may be its partitions where there is no such parent. Bounds that are
     * no times (lists, hashes, other types) are told as the catalog writes them only.
     *
     * @param measured whether to look for rows and sizes
     */
    public static List<ListedPartition> list(Connection target, PartitionSettings settings, boolean measured)
            throws SQLException {
        return list(target, Parent.read(target, settings, false), settings.timeZone(), measured);
    }

    static List<ListedPartition> list(Connection target, Parent parent, ZoneId zone, boolean measured)
            throws SQLException {
        Map<TableName, ListedPartition> recorded = recorded(target, parent, measured);
        List<ListedPartition> all = new ArrayList<>();
        if (parent.oid() != null) {
            for (ListedPartition child : children(target, parent, zone, measured)) {
                ListedPartition made = recorded.remove(child.table);
                all.add(made == null ? child : child.with(made));
            }
        }
        all.addAll(recorded.values());
        all.sort(java.util.Comparator.comparing(
                        ListedPartition::to, java.util.Comparator.nullsLast(java.util.Comparator.naturalOrder()))
                .thenComparing(listed -> listed.table.toString()));
        return all;
    }

    /** Bounds of the catalog win: they are what holds. */
    private ListedPartition with(ListedPartition made) {
        boolean known = bound != null;
        return new ListedPartition(
                table,
                oid,
                kind,
                attached,
                pending,
                defaultPartition,
                orphan,
                bound,
                known ? from : made.from,
                known ? to : made.to,
                true,
                rows,
                bytes);
    }

    private static List<ListedPartition> children(Connection target, Parent parent, ZoneId zone, boolean measured)
            throws SQLException {
        boolean instants = parent.boundType() == BoundType.TIMESTAMPTZ;
        try (PreparedStatement select = target.prepareStatement(CHILDREN)) {
            select.setBoolean(1, measured);
            select.setBoolean(2, measured);
            select.setBoolean(3, parent.kind() == Parent.Kind.NATIVE && parent.boundType() != BoundType.NONE);
            select.setBoolean(4, instants);
            select.setBoolean(5, instants);
            select.setObject(6, parent.oid(), Types.BIGINT);
            List<ListedPartition> children = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    boolean pending = row.getBoolean("pending");
                    children.add(new ListedPartition(
                            new TableName(row.getString("schema"), row.getString("name")),
                            row.getLong("oid"),
                            row.getString("kind"),
                            !pending,
                            pending,
                            row.getBoolean("default_partition"),
                            false,
                            row.getString("bound"),
                            instant(row.getObject("low", Long.class), instants, zone),
                            instant(row.getObject("high", Long.class), instants, zone),
                            false,
                            row.getObject("rows", Long.class),
                            row.getObject("bytes", Long.class)));
                }
            }
            return children;
        }
    }

    private static Instant instant(Long micros, boolean instants, ZoneId zone) {
        if (micros == null) {
            return null;
        }
        Instant at = Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
        // where the clock goes back and a local time comes twice, it is the later one that is surely over
        return instants
                ? at
                : LocalDateTime.ofInstant(at, ZoneOffset.UTC)
                        .atZone(zone)
                        .withLaterOffsetAtOverlap()
                        .toInstant();
    }

    private static Map<TableName, ListedPartition> recorded(Connection target, Parent parent, boolean measured)
            throws SQLException {
        Map<TableName, ListedPartition> recorded = new HashMap<>();
        if (!OwnTables.exists(target, "caravan.partition")) {
            return recorded;
        }
        try (PreparedStatement select = target.prepareStatement(RECORDED)) {
            select.setBoolean(1, measured);
            select.setBoolean(2, measured);
            select.setString(3, parent.table().schema());
            select.setString(4, parent.table().name());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    Long oid = row.getObject("oid", Long.class);
                    if (oid == null) {
                        continue;
                    }
                    TableName table = new TableName(row.getString("schema"), row.getString("name"));
                    recorded.put(
                            table,
                            new ListedPartition(
                                    table,
                                    oid,
                                    row.getString("kind"),
                                    false,
                                    false,
                                    false,
                                    !row.getBoolean("child"),
                                    null,
                                    row.getObject("from_time", OffsetDateTime.class)
                                            .toInstant(),
                                    row.getObject("to_time", OffsetDateTime.class)
                                            .toInstant(),
                                    true,
                                    row.getObject("rows", Long.class),
                                    row.getObject("bytes", Long.class)));
                }
            }
        }
        return recorded;
    }

    /** Null for the infinities, as the record has them of partitions that are not by time. */
    private static Instant finite(OffsetDateTime time) {
        return time.equals(OffsetDateTime.MAX) || time.equals(OffsetDateTime.MIN) ? null : time.toInstant();
    }
}
