package io.pgcaravan.sql;

import java.sql.Connection;
import java.sql.SQLException;

/** Where a session looks for names without a schema: operators and functions that others have planted are found there too. */
public final class SearchPath {

    /** Nothing but PostgreSQL's own. */
    public static final String PINNED = "pg_catalog, pg_temp";

    private SearchPath() {}

    /**
     * Pins the path for the rest of a session that runs no SQL of users and is given tables with their schemas.
     *
     * @return the one before
     */
    public static String pin(Connection connection) throws SQLException {
        return change(connection, PINNED, false);
    }

    /**
     * Changes the path.
     *
     * @param local until the transaction ends, else for the session
     * @return the one before
     */
    public static String change(Connection connection, String path, boolean local) throws SQLException {
        return Query.text(
                connection,
                "select pg_catalog.current_setting('search_path'),"
                        + " pg_catalog.set_config('search_path', cast(? as text), cast(? as boolean))",
                path,
                local);
    }
}
