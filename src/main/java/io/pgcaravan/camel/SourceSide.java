package io.pgcaravan.camel;

import io.pgcaravan.batch.Consumers;
import io.pgcaravan.batch.Ledger;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.Source;
import io.pgcaravan.row.ServerEncoding;
import io.pgcaravan.sql.SearchPath;
import java.nio.charset.Charset;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A consumer's connection to the database of its queue. Autocommit is on: each call is a transaction. */
record SourceSide(Connection connection, Source identity, Charset encoding) {

    private static final Logger LOG = LoggerFactory.getLogger(SourceSide.class);

    /** @param silence how long the server may stay silent, milliseconds */
    static SourceSide connect(PgqEndpoint endpoint, int silence) throws SQLException {
        Connection connection = Connections.open(endpoint.getSource(), "source");
        try {
            Connections.limitSilence(connection, silence);
            Connections.settle(connection);
            SearchPath.pin(connection);
            Pgq pgq = endpoint.pgq();
            Source identity = Source.of(connection);
            if (!pgq.isInstalled(connection)) {
                throw new SQLException(
                        "PgQ is missing in the source " + identity + ": there is no " + endpoint.getSchema()
                                + ".queue; install it with: create extension pgq (or name another schema=)");
            }
            if (!pgq.hasQueue(connection, endpoint.getQueue())) {
                throw new SQLException("queue \"" + endpoint.getQueue() + "\" does not exist in the source " + identity
                        + "; make it with: caravan queue create " + endpoint.getQueue());
            }
            if (endpoint.isListen()) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute("listen " + Pgq.TICK_CHANNEL);
                }
            }
            String encoding = endpoint.getEncoding() == null
                    ? pgq.encoding(connection, identity.encoding())
                    : endpoint.getEncoding();
            return new SourceSide(connection, identity, ServerEncoding.charsetOf(encoding));
        } catch (Throwable e) {
            Connections.end(connection);
            throw e;
        }
    }

    /** Registers the consumer where it is not, never away from what the target already has. */
    void register(PgqEndpoint endpoint, Ledger ledger, Connection target) throws SQLException {
        Pgq pgq = endpoint.pgq();
        String queue = endpoint.getQueue();
        String consumer = endpoint.getConsumer();
        // a name that belongs to another queue is refused, registered or not
        ledger.applied(target, queue);
        if (pgq.hasConsumer(connection, queue, consumer)) {
            return;
        }
        Consumers consumers = new Consumers(pgq, queue, consumer);
        if (!endpoint.isRegister()) {
            throw new SQLException("consumer \"" + consumer + "\" is not registered on queue \"" + queue
                    + "\"; register it with: " + consumers.registerCommand() + ", or set register=true");
        }
        LOG.info("{}", consumers.register(connection, target));
    }

    /** Waits until a ticker tells of a tick of the queue; false after the time is up. */
    boolean awaitTick(String queue, int millis) throws SQLException {
        PGNotification[] told = connection.unwrap(PGConnection.class).getNotifications(millis);
        if (told != null) {
            for (PGNotification notification : told) {
                if (notification.getParameter().isEmpty()
                        || notification.getParameter().equals(queue)) {
                    return true;
                }
            }
        }
        return false;
    }
}
