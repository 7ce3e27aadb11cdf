package io.pgcaravan.check;

/** One thing that a check looked at: a sentence without its full stop, which says what to do where something is wrong. */
public record Finding(Level level, String said) {

    /** What it means for the job. */
    public enum Level {
        OK,
        /** The job runs, but perhaps not as somebody wants. */
        WARNING,
        /** The job cannot run, or would stop at some row. */
        PROBLEM
    }
}
