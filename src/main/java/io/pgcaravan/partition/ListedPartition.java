package io.pgcaravan.partition;

import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A partition, or a table that has the name of one, as the target's catalog, and the record of what was made, have it.
 *
 * @param oid of the table
 * @param kind r for a table, p where it is partitioned itself, f for a foreign table
 * @param attached whether it is a partition of the parent or inherits from it, and is not on its way out
 * @param pending whether a DETACH CONCURRENTLY of it was begun and not finished
 * @param defaultPartition whether it takes what no other does
 * @param orphan whether it belongs to no parent at all; known of recorded ones only
 * @param bound what PostgreSQL checks, as the catalog writes it; null where it checks nothing
 * @param range the same as microseconds; null where it is no range of time
 * @param from lower bound; null where there is none or it is not known
 * @param to upper bound, exclusive; null like {@code from}
 * @param recorded whether pgcaravan made it
 * @param rows an estimate; null where the table was not analyzed yet
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
        TimeRange range,
        Instant from,
        Instant to,
        boolean recorded,
        Long rows,
        Long bytes) {

    private static final String LISTED = Sql.file("partition/listed");
    private static final String RECORDED = Sql.file("partition/recorded");

    /** @param low microseconds as in {@link Place#low}, Long.MIN_VALUE where there is no lower end */
    record TimeRange(long low, long high, String lowText, String highText) {}

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

    public static List<ListedPartition> list(Connection target, Parent parent, ZoneId zone, boolean measured)
            throws SQLException {
        Map<TableName, ListedPartition> recorded = recorded(target, parent, measured);
        List<ListedPartition> all = read(target, parent, zone, List.of(), true, measured, recorded);
        all.forEach(child -> recorded.remove(child.table));
        all.addAll(recorded.values());
        all.sort(Comparator.comparing(ListedPartition::to, Comparator.nullsLast(Comparator.naturalOrder()))
                .thenComparing(listed -> listed.table.toString()));
        return all;
    }

    /**
     * Asks the catalog alone.
     *
     * @param named places, for tables that have their names
     * @param everything whether to list all partitions of the parent too
     */
    static List<ListedPartition> read(
            Connection target, Parent parent, ZoneId zone, Collection<Place> named, boolean everything)
            throws SQLException {
        return read(target, parent, zone, named, everything, false, Map.of());
    }

    private static List<ListedPartition> read(
            Connection target,
            Parent parent,
            ZoneId zone,
            Collection<Place> named,
            boolean everything,
            boolean measured,
            Map<TableName, ListedPartition> recorded)
            throws SQLException {
        boolean instants = parent.boundType() == BoundType.TIMESTAMPTZ;
        return Query.all(
                target,
                LISTED,
                row -> listed(row, instants, zone, recorded),
                parent.oid(),
                everything,
                named.isEmpty() ? null : Place.schema(named),
                Place.names(named),
                parent.isNative() && parent.boundType() != BoundType.NONE,
                instants,
                measured);
    }

    /** Bounds of the catalog win over those on record: they are what holds. */
    private static ListedPartition listed(
            ResultSet row, boolean instants, ZoneId zone, Map<TableName, ListedPartition> recorded)
            throws SQLException {
        TableName table = new TableName(row.getString("schema"), row.getString("name"));
        String bound = row.getString("bound");
        ListedPartition made = recorded.get(table);
        boolean onRecord = made != null && bound == null;
        Long low = row.getObject("low", Long.class);
        Long high = row.getObject("high", Long.class);
        String lowText = row.getString("low_text");
        TimeRange range = lowText == null
                ? null
                : new TimeRange(
                        low == null ? Long.MIN_VALUE : low,
                        high == null ? Long.MAX_VALUE : high,
                        lowText,
                        row.getString("high_text"));
        return new ListedPartition(
                table,
                row.getLong("oid"),
                row.getString("kind"),
                row.getBoolean("attached"),
                row.getBoolean("pending"),
                row.getBoolean("default_partition"),
                false,
                bound,
                range,
                onRecord ? made.from : instant(low, instants, zone),
                onRecord ? made.to : instant(high, instants, zone),
                made != null,
                row.getObject("rows", Long.class),
                row.getObject("bytes", Long.class));
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
        if (OwnTables.exists(target, "caravan.partition")) {
            Query.all(target, RECORDED, ListedPartition::recorded, measured, measured, parent.table())
                    .forEach(made -> recorded.put(made.table, made));
        }
        return recorded;
    }

    private static ListedPartition recorded(ResultSet row) throws SQLException {
        return new ListedPartition(
                new TableName(row.getString("schema"), row.getString("name")),
                row.getLong("oid"),
                row.getString("kind"),
                false,
                false,
                false,
                !row.getBoolean("child"),
                null,
                null,
                finite(row.getObject("from_time", OffsetDateTime.class)),
                finite(row.getObject("to_time", OffsetDateTime.class)),
                true,
                row.getObject("rows", Long.class),
                row.getObject("bytes", Long.class));
    }

    /** Null for the infinities, as the record has them of partitions that are not by time. */
    private static Instant finite(OffsetDateTime time) {
        return time.equals(OffsetDateTime.MAX) || time.equals(OffsetDateTime.MIN) ? null : time.toInstant();
    }

    boolean takesRows() {
        return kind.equals("r") || kind.equals("p") || kind.equals("f");
    }
}
