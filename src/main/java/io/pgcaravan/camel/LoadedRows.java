package io.pgcaravan.camel;

/** What proves to {@code pgq-loaded:} that rows were written. */
public enum LoadedRows {
    /** A statement that names the table and tells how many rows it wrote. */
    COUNTED,
    /** Any statement on the target. */
    ANY
}
