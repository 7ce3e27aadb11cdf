package io.pgcaravan.load;

/** What to do when the source table was truncated. */
public enum OnTruncate {
    /** The table and its partitions are emptied in the batch's transaction; the batch's earlier changes are void. */
    APPLY,
    /** The event is left out. */
    IGNORE,
    /** The batch fails. */
    STOP;

    /** What suits a row mode: where the target mirrors the source it is emptied too, where it collects history the job stops. */
    public static OnTruncate suiting(RowMode mode) {
        return mode.keyed() ? APPLY : STOP;
    }
}
