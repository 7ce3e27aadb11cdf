package io.pgcaravan.ship;

import io.pgcaravan.ship.format.ChangeSetException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

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
        try (PreparedStatement statement = connection.prepareStatement("select exists (select from pg_attribute"
                + " where attrelid = to_regclass(?) and attname = ? and not attisdropped)")) {
            statement.setString(1, ledger);
            statement.setString(2, column.substring(0, column.indexOf(' ')));
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                if (row.getBoolean(1)) {
                    return;
                }
            }
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("alter table " + ledger + " add column if not exists " + column);
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
