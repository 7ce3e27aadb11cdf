package io.pgcaravan.row;

/** What happened to the row. */
public enum Op {
    INSERT,
    UPDATE,
    DELETE,
    /** The whole table was emptied; such an event has no row. */
    TRUNCATE,
    /** A type of the producer's own; append mode takes it as a row. */
    OTHER
}
