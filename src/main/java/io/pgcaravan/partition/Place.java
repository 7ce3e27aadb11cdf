package io.pgcaravan.partition;

import java.time.Instant;
import java.util.List;

/** One period of a batch, on its way from a name to a partition that is known to be there. */
final class Place {

    /** Bounds in microseconds since 1970: of instants for timestamptz, else of local time. The upper one is exclusive. */
    final long low;

    final long high;

    /** The bounds as instants; what retention goes by. */
    final Instant fromTime;

    final Instant toTime;

    /** The partition as it is named, without a look at the target. */
    final Partition named;

    /** Why no row can be placed here, or null. */
    final String refusal;

    /** The partition that takes the rows, once it is known to be there. */
    Partition partition;

    /** Looked for and not there, by a row that does not need it made. */
    boolean absent;

    /** Whether nothing younger than the retention period can be in it. */
    boolean obsolete;

    /** The key columns of the first row that asked for the partition. */
    List<String> key = List.of();

    Place(long low, long high, Instant fromTime, Instant toTime, Partition named) {
        this.low = low;
        this.high = high;
        this.fromTime = fromTime;
        this.toTime = toTime;
        this.named = named;
        this.refusal = null;
    }

    Place(String refusal) {
        this.low = Long.MIN_VALUE;
        this.high = Long.MAX_VALUE;
        this.fromTime = null;
        this.toTime = null;
        this.named = null;
        this.refusal = refusal;
    }
}
