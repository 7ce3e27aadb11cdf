package io.pgcaravan.camel;

/** What becomes of a row that can never be loaded. */
public enum OnError {
    /** The batch stays unfinished and is tried again; the error names the event. */
    STOP,
    /** The row goes to {@code caravan.dead_letter}, in the batch's transaction, and the rest loads. */
    DEAD_LETTER
}
