package io.pgcaravan.camel;

/** What to do about rows that a filter of the route keeps back. */
public enum OnFiltered {
    /** The batch is not committed. */
    FAIL,
    /** Rows whose last step was a filter are left out on purpose. */
    LEAVE_OUT
}
