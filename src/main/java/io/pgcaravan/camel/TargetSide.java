package io.pgcaravan.camel;

import io.pgcaravan.batch.Ledger;
import io.pgcaravan.batch.Standing;
import io.pgcaravan.queue.Batch;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * A consumer's connection to the target, with its lock on the consumer's name. Autocommit is off.
 *
 * @param settled statement that brings the session back to how it was
 */
record TargetSide(Connection connection, Ledger ledger, String settled) {

    /**
     * Connects, and registers the consumer in the source where it is not.
     *
     * @param silence how long the server may stay silent, milliseconds
     * @return null where another process holds the consumer's lock
     */
    static TargetSide connect(PgqEndpoint endpoint, SourceSide source, int silence) throws SQLException {
        Connection connection = Connections.open(endpoint.getTarget(), "target");
        try {
            Connections.limitSilence(connection, silence);
            if (endpoint.isLock() && !Ledger.tryLock(connection, endpoint.getConsumer())) {
                connection.close();
                return null;
            }
            String settled = Connections.settle(connection);
            Ledger ledger = Ledger.open(connection, endpoint.getConsumer(), source.identity());
            source.register(endpoint, ledger, connection);
            connection.setAutoCommit(false);
            return new TargetSide(connection, ledger, settled);
        } catch (Throwable e) {
            Connections.end(connection);
            throw e;
        }
    }

    /**
     * How a batch relates to what the target has; the ledger stays locked until the transaction ends.
     *
     * @param afterBatch whether steps of an earlier batch may have changed the session: read only, role, search_path,
     *     time-outs. That is taken back first, at no round trip of its own
     */
    Standing standing(Batch batch, boolean afterBatch) throws SQLException {
        return ledger.standing(connection, batch, afterBatch ? settled : "");
    }
}
