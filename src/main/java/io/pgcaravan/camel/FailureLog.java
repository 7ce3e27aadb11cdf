package io.pgcaravan.camel;

import io.pgcaravan.batch.LostPositionException;
import io.pgcaravan.database.Secrets;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.spi.PollingConsumerPollStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says each failure of a consumer once, in one line; the same one again only every minute. */
final class FailureLog implements PollingConsumerPollStrategy {

    private static final Logger LOG = LoggerFactory.getLogger(PgqConsumer.class);

    private static final long SAY_AGAIN = 60_000;

    private String said;
    private long saidAt;

    @Override
    public boolean begin(Consumer consumer, Endpoint endpoint) {
        return true;
    }

    @Override
    public void commit(Consumer consumer, Endpoint endpoint, int polledMessages) {
        said = null;
    }

    @Override
    public boolean rollback(Consumer consumer, Endpoint endpoint, int retryCounter, Exception failure) {
        PgqConsumer failed = (PgqConsumer) consumer;
        boolean forGood = failure instanceof LostPositionException;
        if (!forGood && !failed.isRunAllowed()) {
            // what fails while the route is being stopped is the stop
            return false;
        }
        String message = message(failure);
        long now = System.currentTimeMillis();
        if (!message.equals(said) || now - saidAt > SAY_AGAIN) {
            PgqEndpoint of = (PgqEndpoint) endpoint;
            LOG.error(
                    "queue \"{}\", consumer \"{}\": {}; {}",
                    of.getQueue(),
                    of.getConsumer(),
                    message,
                    forGood ? "the job stops" : "trying again in " + failed.waitsStill() / 1000.0 + " s");
            said = message;
            saidAt = now;
        }
        return false;
    }

    /** What failed, for people, without passwords. */
    static String message(Throwable failure) {
        String said =
                failure.getMessage() == null || failure instanceof Error ? failure.toString() : failure.getMessage();
        return Secrets.masked(said)
                + ("42501".equals(Failures.sqlState(failure))
                        ? "; the role of that database lacks a right: on the source it has to be a member of"
                                + " pgq_reader, on the target it creates the ledger and partitions and writes the tables"
                        : "");
    }
}
