package io.pgcaravan.ship.compare;

import java.sql.SQLException;

/** Keys whose changes were noted at the source and are on their way to the target; asked for in the order of their hashes. */
interface NotedKeys extends AutoCloseable {

    /** Nothing is known to be on its way. */
    NotedKeys NONE = keyHash -> false;

    /** The source was truncated: all it has is on its way. */
    NotedKeys ALL = keyHash -> true;

    /** @param keyHash not less than in the calls before */
    boolean has(long keyHash) throws SQLException;

    @Override
    default void close() throws SQLException {}

    /** Those that a cursor lists. */
    final class Listed implements NotedKeys {

        private final ComparedSide.Cursor cursor;
        private boolean ended;
        private long at;

        Listed(ComparedSide.Cursor cursor) throws SQLException {
            this.cursor = cursor;
            step();
        }

        private void step() throws SQLException {
            ended = !cursor.rows.next();
            if (!ended) {
                at = cursor.rows.getLong(1);
            }
        }

        @Override
        public boolean has(long keyHash) throws SQLException {
            while (!ended && at < keyHash) {
                step();
            }
            return !ended && at == keyHash;
        }

        @Override
        public void close() throws SQLException {
            cursor.close();
        }
    }
}
