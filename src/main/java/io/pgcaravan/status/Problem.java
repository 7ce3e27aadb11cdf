package io.pgcaravan.status;

import java.util.Locale;

/**
 * Something that is wrong.
 *
 * @param kind what sort of thing
 * @param subject the route, table, database or directory that it is wrong with
 * @param said a sentence for people, without its full stop, with what to do
 */
public record Problem(Kind kind, String subject, String said) {

    /** In the order in which they are told. */
    public enum Kind {
        DATABASE_DOWN,
        POSITION_LOST,
        SETS_DIVERGED,
        SET_MISSING,
        SET_OVERDUE,
        JOB_DOWN,
        JOB_FAILING,
        SOURCE_VALUES,
        TICKER_DOWN,
        ROTATION,
        LAG,
        DEAD_LETTERS,
        DISK,
        EXPORT_LATE,
        UNREADABLE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    @Override
    public String toString() {
        return subject + ": " + said;
    }
}
