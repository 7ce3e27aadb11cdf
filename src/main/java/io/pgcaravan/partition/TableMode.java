package io.pgcaravan.partition;

import java.util.Locale;

/** What becomes of a table's rows; the names are those of londiste's dispatch handler. */
public enum TableMode {
    /** They go to partitions. */
    PART,
    /** They go to the destination table itself. */
    DIRECT,
    /** They are left out. */
    IGNORE;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
