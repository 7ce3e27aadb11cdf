package io.pgcaravan.partition;

import java.util.Locale;

/** What becomes of old partitions: those that hold nothing younger than {@code period} go. */
public record Retention(RetentionPeriod period, Action action) {

    /** What is done with a partition that is too old. */
    public enum Action {
        /** The table is gone. */
        DROP,
        /** The table stays under its name, and is no partition any more. */
        DETACH;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
