package io.pgcaravan.partition;

import io.pgcaravan.partition.ListedPartition.TimeRange;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** Finds the partitions of one destination table that are there, and remembers them for a while. */
final class PartitionFinder {

    /** How long a partition is believed to be there, and still attached, without looking. */
    static final Duration TRUST = Duration.ofSeconds(10);

    private record Known(Partition partition, long seenNanos) {}

    private final PartitionSettings settings;
    private final Map<TableName, Known> known = new HashMap<>();

    PartitionFinder(PartitionSettings settings) {
        this.settings = settings;
    }

    void forget() {
        known.clear();
    }

    /** Null where it has to be looked for. */
    Partition remembered(TableName name) {
        Known seen = known.get(name);
        return seen != null && System.nanoTime() - seen.seenNanos < TRUST.toNanos() ? seen.partition : null;
    }

    void remember(Place place) {
        known.put(place.named.table(), new Known(place.partition, System.nanoTime()));
    }

    /** Sets the partition of each place that has one. */
    void find(Connection target, Parent parent, List<Place> places) throws SQLException {
        boolean list = settings.partMode() == PartMode.LIST;
        List<ListedPartition> tables =
                ListedPartition.read(target, parent, settings.timeZone(), places, parent.isNative());
        Map<Place, TableName> holders =
                parent.isNative() && list ? ListPlacer.holders(target, parent, tables, places) : Map.of();
        Map<TableName, ListedPartition> byName = new HashMap<>();
        NavigableMap<Long, ListedPartition> byLow = new TreeMap<>();
        for (ListedPartition table : tables) {
            byName.put(table.table(), table);
            if (table.attached() && table.range() != null) {
                byLow.put(table.range().low(), table);
            }
        }
        Map<TableName, Partition> identities = new HashMap<>();
        for (Place place : places) {
            ListedPartition holder = list ? null : holder(place, byLow, parent);
            ListedPartition named = byName.get(place.named.table());
            if (holders.containsKey(place)) {
                place.partition = identity(place, holders.get(place), null);
            } else if (holder != null) {
                place.partition =
                        identities.computeIfAbsent(holder.table(), table -> identity(place, table, holder.range()));
            } else if (named != null && accept(place, named, parent)) {
                place.partition = list ? identity(place, named.table(), null) : place.named;
            }
            if (place.partition != null) {
                remember(place);
            }
        }
    }

    /**
     * One instance for each partition, by whatever values or periods it is found.
     *
     * @param range null for a partition by list
     */
    private Partition identity(Place place, TableName holder, TimeRange range) {
        boolean asNamed = holder.equals(place.named.table())
                && (range == null || range.low() == place.low && range.high() == place.high);
        if (asNamed && (range != null || !known.containsKey(holder))) {
            return place.named;
        }
        for (Known seen : known.values()) {
            if (seen.partition.table().equals(holder)) {
                return seen.partition;
            }
        }
        return range == null
                ? new Partition(holder, null, null)
                : new Partition(holder, range.lowText(), range.highText());
    }

    /** The partition that holds the whole period under whatever name. */
    private ListedPartition holder(Place place, NavigableMap<Long, ListedPartition> byLow, Parent parent)
            throws PartitionException {
        Map.Entry<Long, ListedPartition> before = byLow.floorEntry(place.low);
        if (before != null && before.getValue().range().high() >= place.high) {
            return before.getValue();
        }
        Map.Entry<Long, ListedPartition> inside = byLow.lowerEntry(place.high);
        if (inside != null && inside.getValue().range().high() > place.low) {
            TimeRange other = inside.getValue().range();
            throw new PartitionException(
                    "Partition " + place.named + " of " + parent.table() + " would hold " + place.bound + " (period = "
                            + settings.period() + ", timeZone = " + settings.timeZone() + "), but "
                            + inside.getValue().table() + " already holds " + other.lowText() + " to "
                            + other.highText()
                            + ", a part of it: set the period and time zone that the existing partitions have",
                    "42P17");
        }
        return null;
    }

    private boolean accept(Place place, ListedPartition named, Parent parent) throws PartitionException {
        if (named.attached() && parent.isNative()) {
            throw new PartitionException(
                    named.table() + " is a partition of " + parent.table() + ", but not for " + place.bound
                            + " as its name says: rename it, so that the partition for that can be made",
                    "42P07");
        }
        boolean ownTable = !parent.hasAllPartitionsOf(settings);
        if (place.obsolete && !named.attached() && !ownTable) {
            // retention is taking it away: until it is gone, old rows may still go there; detached, it is not a
            // partition
            return named.pending();
        }
        if (!named.takesRows() || !(named.attached() || ownTable)) {
            throw new PartitionException(
                    named.table() + " is needed as a partition of " + parent.table() + ", but that name is taken by "
                            + (named.takesRows() ? "a table that is not one" : "something that is not a table")
                            + (parent.isNative() ? ": attach it" : ": let it inherit " + parent.table())
                            + ", rename it or drop it",
                    "42P07");
        }
        return true;
    }
}
