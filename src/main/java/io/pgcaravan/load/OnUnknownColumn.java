package io.pgcaravan.load;

/** What to do about a column that the target table lacks. */
public enum OnUnknownColumn {
    /** The batch fails with an error that names the table and the column. */
    FAIL,
    /** The rest of the row is loaded. */
    IGNORE
}
