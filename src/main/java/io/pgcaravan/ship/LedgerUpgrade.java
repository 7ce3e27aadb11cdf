package io.pgcaravan.ship;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.sql.Query;
import java.sql.Connection;
import java.sql.SQLException;

/** Ledgers that earlier versions made get the columns that they lack. */
public final class LedgerUpgrade {

    private LedgerUpgrade() {}

    /**
     * Adds a column that ledgers of earlier versions lack.
     *
     * @param column its name and type
     * @param command that does it for a user who may not
     */
    public static void addColumn(Connection connection, String ledger, String column, String command)
            throws SQLException {
        if (Query.flag(
                connection,
                "select exists (select from pg_attribute where attrelid = to_regclass(?) and attname = ? and not attisdropped)",
                ledger,
                column.substring(0, column.indexOf(' ')))) {
            return;
        }
        try {
            Query.execute(connection, "alter table " + ledger + " add column if not exists " + column);
        } catch (SQLException e) {
            if ("42501".equals(e.getSQLState())) {
                throw new ChangeSetException(
                        "the ledger " + ledger
                                + " was made by an earlier version, and this user may not upgrade it: its"
                                + " owner does so with " + command,
                        e);
            }
            throw e;
        }
    }
}
