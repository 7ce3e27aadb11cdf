package io.pgcaravan.camel;

import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.RowAccount.Entry;
import io.pgcaravan.queue.Pgq;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.support.DefaultProducer;
import org.springframework.jdbc.datasource.DataSourceUtils;

/**
 * Inserts events into a queue: one of the body's text, or one of each element where the body is a list of events (a chunk of
 * another queue's batch), which go over unchanged. All of an exchange's events are inserted in one transaction; within a
 * batch on the same database they join the batch's.
 */
final class PgqProducer extends DefaultProducer {

    private final PgqEndpoint endpoint;
    private final Pgq pgq;
    private final String place;

    PgqProducer(PgqEndpoint endpoint) {
        super(endpoint);
        this.endpoint = endpoint;
        this.pgq = endpoint.pgq();
        this.place = "queue " + endpoint.getQueue();
    }

    @Override
    public void process(Exchange exchange) throws Exception {
        Message message = exchange.getMessage();
        Object body = message.getBody();
        if (body instanceof Map
                || body instanceof Collection<?> all && !all.stream().allMatch(Event.class::isInstance)) {
            throw new IllegalArgumentException(
                    "the body is a " + body.getClass().getName()
                            + " where it takes an event or a list of events, as pgq: hands them out, or the text of one event");
        }
        Connection connection = DataSourceUtils.getConnection(endpoint.getSource());
        boolean alone = connection.getAutoCommit();
        try {
            if (alone) {
                connection.setAutoCommit(false);
            }
            if (!pgq.hasQueue(connection, endpoint.getQueue())) {
                // Asked first, because not every PgQ says it in a way that blames no row.
                throw new SQLException(
                        "there is no such queue; make it with: caravan queue create " + endpoint.getQueue(), "42704");
            }
            List<Long> ids = new ArrayList<>();
            OpenBatch batch = alone ? null : Attempt.batchOf(exchange, endpoint.getEndpointUri());
            List<Entry> entries = batch == null ? null : Slot.entries(exchange);
            if (entries != null) {
                entries.forEach(entry -> batch.account().load(entry, place));
            }
            ids.addAll(pgq.insert(connection, endpoint.getQueue(), newEvents(exchange)));
            if (alone) {
                connection.commit();
            }
            message.setHeader(PgqConstants.EVENT_IDS, ids);
            if (batch != null) {
                batch.count(ids.size());
            }
        } catch (Exception e) {
            if (alone) {
                connection.rollback();
            }
            throw failed(e);
        } finally {
            if (alone) {
                connection.setAutoCommit(true);
            }
            DataSourceUtils.releaseConnection(connection, endpoint.getSource());
        }
    }

    private RuntimeException failed(Exception cause) {
        String message = "inserting into queue \"" + endpoint.getQueue() + "\" of " + endpoint.getSource() + " failed: "
                + cause.getMessage();
        SQLException sql = Connections.sqlCause(cause);
        if (sql != null && "P0001".equals(sql.getSQLState())) {
            // PgQ's own word (the queue takes no events), which blames no row as a trigger's would
            IllegalStateException refused = new IllegalStateException(message);
            refused.addSuppressed(cause);
            return refused;
        }
        return new IllegalStateException(message, cause);
    }

    private List<Pgq.NewEvent> newEvents(Exchange exchange) {
        Message message = exchange.getMessage();
        if (message.getBody() instanceof Event event) {
            return List.of(event.copy());
        }
        if (message.getBody() instanceof Collection<?> events) {
            return events.stream().map(event -> ((Event) event).copy()).toList();
        }
        return List.of(new Pgq.NewEvent(
                message.getHeader(PgqConstants.EVENT_TYPE, endpoint.getEventType(), String.class),
                message.getBody(String.class),
                message.getHeader(PgqConstants.EXTRA1, String.class),
                message.getHeader(PgqConstants.EXTRA2, String.class),
                message.getHeader(PgqConstants.EXTRA3, String.class),
                message.getHeader(PgqConstants.EXTRA4, String.class)));
    }
}
