package io.pgcaravan.partition;

import java.util.Locale;

/** What places a row; the names of the times are those of londiste's dispatch handler. */
public enum PartMode {
    /** The value of a column, {@code partField}. */
    DATE_FIELD,
    /** When the event was written at the source. */
    EVENT_TIME,
    /** When the tick that ends the batch was made. */
    BATCH_TIME,
    /** When the batch is applied, by this host's clock. */
    CURRENT_TIME,
    /** The value of a column, {@code partField}: a partition for each. */
    LIST,
    /** The hash of a column, {@code partField}: a fixed number of partitions. */
    HASH;

    /** Whether a partition is a stretch of time. */
    boolean dated() {
        return this != LIST && this != HASH;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
