package io.pgcaravan.camel;

/** What all events of a chunk have in common. */
public enum ChunkBy {
    /** Their table. */
    TABLE,
    /** Their type. */
    TYPE
}
