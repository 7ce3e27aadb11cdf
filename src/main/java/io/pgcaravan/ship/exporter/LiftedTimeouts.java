package io.pgcaravan.ship.exporter;

import io.pgcaravan.ship.ReadSession;
import io.pgcaravan.sql.Query;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A session that waits for others' work between its transactions: without time-outs, and with an empty search path, until it is
 * closed. The connection may be a pool's, and is given back as it was.
 */
final class LiftedTimeouts implements AutoCloseable {

    private final Connection connection;
    private final Map<String, String> before = new LinkedHashMap<>();

    /** Begins a transaction, and commits it. */
    LiftedTimeouts(Connection connection) throws SQLException {
        this.connection = connection;
        try {
            Query.all(connection, """
                    select s.name, s.setting,
                           pg_catalog.set_config(s.name, case s.name when 'search_path' then 'pg_catalog, pg_temp' else '0' end, false)
                      from pg_catalog.pg_settings s
                     where s.name in ('search_path', 'statement_timeout', 'lock_timeout', 'idle_session_timeout',
                                      'idle_in_transaction_session_timeout', 'transaction_timeout')""", row -> before.put(row.getString(1), row.getString(2)));
            connection.commit();
        } catch (SQLException e) {
            throw ReadSession.named(connection, e);
        }
    }

    @Override
    public void close() throws SQLException {
        try {
            for (Map.Entry<String, String> setting : before.entrySet()) {
                Query.text(
                        connection, "select pg_catalog.set_config(?, ?, false)", setting.getKey(), setting.getValue());
            }
            connection.commit();
        } catch (SQLException e) {
            throw ReadSession.named(connection, e);
        }
    }
}
