package io.pgcaravan.camel;

import io.pgcaravan.queue.Event;
import io.pgcaravan.queue.Pgq;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
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

    PgqProducer(PgqEndpoint endpoint) {
        super(endpoint);
        this.endpoint = endpoint;
        this.pgq = endpoint.pgq();
    }

    @Override
    public void process(Exchange exchange) throws Exception {
        Message message = exchange.getMessage();
        Connection connection = DataSourceUtils.getConnection(endpoint.getSource());
        boolean alone = connection.getAutoCommit();
        try {
            if (alone) {
                connection.setAutoCommit(false);
            }
            List<Long> ids = new ArrayList<>();
            Object body = message.getBody();
            if (body instanceof Event event) {
                ids.add(forward(connection, event));
            } else if (body instanceof List<?> events && !events.isEmpty() && events.get(0) instanceof Event) {
                for (Object event : events) {
                    ids.add(forward(connection, (Event) event));
                }
            } else {
                ids.add(pgq.insert(
                        connection,
                        endpoint.getQueue(),
                        message.getHeader(PgqConstants.EVENT_TYPE, endpoint.getEventType(), String.class),
                        message.getBody(String.class),
                        message.getHeader(PgqConstants.EXTRA1, String.class),
                        message.getHeader(PgqConstants.EXTRA2, String.class),
                        message.getHeader(PgqConstants.EXTRA3, String.class),
                        message.getHeader(PgqConstants.EXTRA4, String.class)));
            }
            if (alone) {
                connection.commit();
            }
            message.setHeader(PgqConstants.EVENT_IDS, ids);
        } catch (Exception e) {
            if (alone) {
                connection.rollback();
            }
            throw new IllegalStateException(
                    "inserting into queue \"" + endpoint.getQueue() + "\" failed: " + e.getMessage(), e);
        } finally {
            if (alone) {
                connection.setAutoCommit(true);
            }
            DataSourceUtils.releaseConnection(connection, endpoint.getSource());
        }
    }

    private long forward(Connection connection, Event event) throws Exception {
        return pgq.insert(
                connection,
                endpoint.getQueue(),
                event.type(),
                event.data(),
                event.extra(1),
                event.extra(2),
                event.extra(3),
                event.extra(4));
    }
}
