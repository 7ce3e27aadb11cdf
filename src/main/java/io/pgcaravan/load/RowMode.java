package io.pgcaravan.load;

/** What becomes of a change in the target. */
public enum RowMode {
    /** Every event is a row, whatever its type. */
    APPEND,
    /** Inserts and updates are rows, deletes are ignored. */
    KEEP_ALL,
    /**
     * The last version of each key, partition by partition: an insert or update replaces the row with its key in the
     * event's own partition, a delete removes it there.
     */
    KEEP_LATEST,
    /**
     * Changes as they happened: an update sets the columns it lists and inserts the row if it is missing, moving it where
     * its partition changed; a delete removes the row wherever it is. An insert replaces a row with its key in its own
     * partition.
     */
    PLAIN;

    /** Whether changes find their row by its key. */
    public boolean keyed() {
        return this == KEEP_LATEST || this == PLAIN;
    }
}
