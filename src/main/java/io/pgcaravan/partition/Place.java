package io.pgcaravan.partition;

import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.TableName;
import java.time.Instant;
import java.util.Collection;
import java.util.List;

/** One period (or value, or remainder) of a batch, on its way from a name to a partition that is known to be there. */
final class Place {

    /** Bounds in microseconds since 1970: of instants for timestamptz, else of local time. The upper one is exclusive. */
    final long low;

    final long high;

    /** The bounds as instants; what retention goes by. */
    final Instant fromTime;

    final Instant toTime;

    /** The partition as it is named; null for a value whose name the target has not been asked for yet. */
    Partition named;

    /** What the partition takes; null like {@code named}. */
    PartitionBound bound;

    /** The value itself, of a partition by list; null for NULL and of others. */
    final String value;

    /** Why no row can be placed here, or null. */
    String refusal;

    /** The partition that takes the rows, once it is known to be there. */
    Partition partition;

    /** Looked for and not there, by a row that does not need it made. */
    boolean absent;

    /** Whether nothing younger than the retention period can be in it. */
    boolean obsolete;

    /** The key columns of the first row that asked for the partition. */
    List<String> key = List.of();

    Place(long low, long high, Instant fromTime, Instant toTime, Partition named, PartitionBound bound) {
        this(low, high, fromTime, toTime, named, bound, null, null);
    }

    /** The place of a value, or (where it is named at once) of a remainder. */
    Place(String value, Partition named, PartitionBound bound) {
        this(Long.MIN_VALUE, Long.MAX_VALUE, null, null, named, bound, value, null);
    }

    Place(String refusal) {
        this(Long.MIN_VALUE, Long.MAX_VALUE, null, null, null, null, null, refusal);
    }

    private Place(
            long low,
            long high,
            Instant fromTime,
            Instant toTime,
            Partition named,
            PartitionBound bound,
            String value,
            String refusal) {
        this.low = low;
        this.high = high;
        this.fromTime = fromTime;
        this.toTime = toTime;
        this.named = named;
        this.bound = bound;
        this.value = value;
        this.refusal = refusal;
    }

    /** The target went back, perhaps to where the partition did not exist. */
    void forgetPartition() {
        partition = null;
        absent = false;
        refusal = null;
    }

    /** The condition that all of its rows meet. */
    String within(PartitionSettings settings) {
        return bound.within(TableName.quote(settings.partField()));
    }

    /** The condition that all other rows meet. */
    String outside(PartitionSettings settings) {
        return bound.outside(TableName.quote(settings.partField()));
    }

    /** All partitions of a job are in one. */
    static String schema(Collection<Place> places) {
        return places.iterator().next().named.table().schema();
    }

    static String[] names(Collection<Place> places) {
        return places.stream().map(place -> place.named.table().name()).toArray(String[]::new);
    }
}
