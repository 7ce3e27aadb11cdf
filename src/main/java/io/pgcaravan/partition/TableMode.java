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

    /** @return null where the text is none of {@code part}, {@code direct}, {@code ignore} */
    static TableMode parse(String text) {
        for (TableMode mode : values()) {
            if (mode.toString().equalsIgnoreCase(text)) {
                return mode;
            }
        }
        return null;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
