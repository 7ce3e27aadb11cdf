package io.pgcaravan.ship.compare;

import java.io.IOException;
import java.sql.SQLException;
import java.util.List;

/** The rows of some ranges, on one side, by the hashes of their keys. */
interface HashedRows extends AutoCloseable {

    /**
     * @param keyHash what the rows are sorted by
     * @param key as text, in the key's order; a column may be null
     */
    record Row(long keyHash, long hash, List<String> key) {}

    /** The next one, null at the end. */
    Row next() throws SQLException, IOException;

    @Override
    void close() throws SQLException, IOException;
}
