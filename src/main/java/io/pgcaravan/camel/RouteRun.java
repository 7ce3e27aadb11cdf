package io.pgcaravan.camel;

import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.queue.Batch;
import java.util.Iterator;
import java.util.List;
import org.apache.camel.Exchange;

/** Sends events of a batch through the consumer's route, and refuses to believe a route that hides a failure. */
record RouteRun(PgqConsumer consumer) {

    /** The route's id, for messages. */
    String id() {
        return consumer.getRoute().getRouteId();
    }

    /**
     * Sends chunks through the route.
     *
     * @throws Exception what a step threw; also where an error handler of the route swallowed it, or a step asked to roll
     *     back or left events out
     */
    void run(Attempt attempt, OpenBatch open, Iterator<List<Event>> body) throws Exception {
        Batch batch = open.batch();
        Exchange exchange = consumer.createExchange(false);
        try {
            exchange.setProperty(PgqConstants.OPEN_BATCH, open);
            Chunks chunks = new Chunks(
                    body,
                    attempt,
                    consumer.getEndpoint().getChunkBy(),
                    consumer.getEndpoint().getControlEvents() == ControlEvents.SKIP);
            exchange.getIn().setBody(chunks);
            exchange.getIn().setHeader(PgqConstants.BATCH_ID, batch.id());
            exchange.getIn().setHeader(PgqConstants.QUEUE, batch.queue());
            exchange.getIn().setHeader(PgqConstants.CONSUMER, batch.consumer());
            exchange.getIn().setHeader(PgqConstants.TICK_ID, batch.tick());
            exchange.getIn().setHeader(PgqConstants.TICK_TIME, batch.tickTime());
            exchange.getIn().setHeader(PgqConstants.PREVIOUS_TICK_ID, batch.previousTick());
            exchange.getIn().setHeader(PgqConstants.PREVIOUS_TICK_TIME, batch.previousTickTime());
            consumer.getProcessor().process(exchange);
            Attempt.Failure failure = attempt.failure();
            Throwable cause = failure != null ? failure.cause() : exchange.getException();
            if (cause != null) {
                if (exchange.getException() == null) {
                    throw new IllegalStateException(
                            "step \"" + failure.step().name() + "\" failed and an error handler of route \"" + id()
                                    + "\" swallowed it, so that rows of " + batch + " would be missing or wrong: "
                                    + Failures.text(cause)
                                    + " (take the handler out; onError=dead-letter keeps bad rows)",
                            cause);
                }
                throw failure != null && Failures.namesNoStep(cause)
                        ? new IllegalStateException(
                                "step \"" + failure.step().name() + "\" of route \"" + id() + "\" failed on " + batch
                                        + ": " + Failures.text(cause),
                                cause)
                        : cause instanceof Exception exception
                                ? exception
                                : new IllegalStateException(Failures.text(cause), cause);
            }
            if (attempt.rollbackAsked() || exchange.isRollbackOnly() || exchange.isRollbackOnlyLast()) {
                throw new IllegalStateException("a step of route \"" + id() + "\" asked to roll back " + batch
                        + ", or rolled back to a savepoint from before rows that were loaded; a batch is committed whole or"
                        + " not at all");
            }
            if (open.leftThread() != null) {
                throw new IllegalStateException("step \"" + open.leftThread() + "\" got rows of " + batch
                        + " on another thread, outside the batch's transaction; take out the step before it that"
                        + " changes threads");
            }
            if (chunks.areLeft()) {
                throw new IllegalStateException("route \"" + id() + "\" took " + chunks.taken() + " events of " + batch
                        + " and left the rest; its first step has to split the body to its end");
            }
        } finally {
            consumer.releaseExchange(exchange, false);
        }
    }
}
