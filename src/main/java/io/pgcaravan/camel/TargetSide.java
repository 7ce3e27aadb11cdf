package io.pgcaravan.camel;

import io.pgcaravan.queue.Batch;
import io.pgcaravan.queue.Ledger;
import io.pgcaravan.queue.Standing;
import java.sql.Connection;
import java.sql.SQLException;

/** A consumer's connection to the target, with its lock on the consumer's name. Autocommit is off. */
record TargetSide(Connection connection, Ledger ledger) {

    /**
     * Connects, and registers the consumer in the source where it is not.
     *
     * @return null where another process holds the consumer's lock
     */
    static TargetSide connect(PgqEndpoint endpoint, SourceSide source) throws SQLException {
        Connection connection = Connections.open(endpoint.getTarget(), "target");
        try {
            Connections.settle(connection);
            if (endpoint.isLock() && !Ledger.tryLock(connection, endpoint.getConsumer())) {
                Connections.close(connection);
                return null;
            }
            Ledger ledger = Ledger.open(connection, endpoint.getConsumer(), source.identity());
            source.register(endpoint, ledger, connection);
            connection.setAutoCommit(false);
            return new TargetSide(connection, ledger);
        } catch (SQLException | RuntimeException e) {
            Connections.close(connection);
            throw e;
        }
    }

    /** How a batch relates to what the target has; the ledger stays locked until the transaction ends. */
    Standing standing(Batch batch) throws SQLException {
        return ledger.standing(connection, batch);
    }
}
