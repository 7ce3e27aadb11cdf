package io.pgcaravan.camel;

import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.RowAccount.Entry;
import java.util.List;
import org.apache.camel.Component;
import org.apache.camel.Consumer;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.support.DefaultEndpoint;

/** An endpoint that is one step on the way of a batch: it takes part in the transaction that {@code pgq:} opened. */
abstract class StepEndpoint extends DefaultEndpoint {

    StepEndpoint(String uri, Component component) {
        super(uri, component);
    }

    @Override
    public Consumer createConsumer(Processor processor) {
        throw new UnsupportedOperationException(getEndpointUri() + " is a step: it goes into to:, not from:");
    }

    /**
     * The batch that an exchange is part of.
     *
     * @throws IllegalStateException where the route does not start from {@code pgq:}, or the exchange left the batch's thread
     */
    OpenBatch batch(Exchange exchange) {
        OpenBatch batch = Attempt.batchOf(exchange, getEndpointUri());
        if (batch == null) {
            throw new IllegalStateException(
                    getEndpointUri() + " works inside a batch only: in a route that starts from pgq:");
        }
        return batch;
    }

    /** The account's entries of an exchange; refuses a body whose events are not known. */
    List<Entry> entries(Exchange exchange) {
        List<Entry> entries = Slot.entries(exchange);
        if (entries == null) {
            throw unexpected(
                    exchange.getMessage().getBody(),
                    "an event, a row, or a list of events or of rows as pgq-decode: makes them; other bodies have to come out of"
                            + " a split of events");
        }
        return entries;
    }

    /** An error about a body that the step cannot work on. */
    IllegalArgumentException unexpected(Object body, String expected) {
        return new IllegalArgumentException(getEndpointUri() + " got a body of type "
                + (body == null ? "null" : body.getClass().getName()) + " where it takes " + expected);
    }
}
