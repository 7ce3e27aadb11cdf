package io.pgcaravan.camel;

/** What to do about events that londiste and pgq put into their queues beside the rows. */
public enum ControlEvents {
    /** They are left out and counted. */
    SKIP,
    /** The route gets them like any other. */
    PASS
}
