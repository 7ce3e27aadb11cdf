package io.pgcaravan.row;

/** What to do about a row that lacks a column which {@code fields} names. */
public enum OnMissingField {
    /** It is a bad row. */
    FAIL,
    /** It is loaded without: an insert takes the column's default, an update leaves the column as it is. */
    IGNORE
}
