package io.pgcaravan.camel;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.Exchange;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.support.DefaultProducer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@code pg-change-set:} step. What fails is logged in one line, and readiness tells it; no later step runs. Where a marker
 * triggered the step it is also thrown, so that whatever brought the marker leaves it where it is.
 */
abstract class ChangesetProducer extends DefaultProducer {

    static final Logger LOG = LoggerFactory.getLogger(ChangesetProducer.class);

    private static final AtomicInteger NUMBER = new AtomicInteger();

    final DropDirectory directory;
    final StepHealth health;

    ChangesetProducer(ChangesetEndpoint endpoint) {
        super(endpoint);
        directory = endpoint.drop();
        health = new StepHealth(LOG, "change-set-" + endpoint.getOperation() + "-" + NUMBER.incrementAndGet());
    }

    @Override
    protected void doStart() throws Exception {
        super.doStart();
        HealthCheckRegistry registry = HealthCheckRegistry.get(getEndpoint().getCamelContext());
        if (registry != null) {
            registry.register(health);
        }
    }

    @Override
    protected void doStop() throws Exception {
        HealthCheckRegistry registry = HealthCheckRegistry.get(getEndpoint().getCamelContext());
        if (registry != null) {
            registry.unregister(health);
        }
        super.doStop();
    }

    /**
     * The set whose marker the exchange is about, by the name that {@code file:}, {@code sftp:} and {@code aws2-s3:} give it;
     * null where it is about no file.
     *
     * @param suffix what that name has behind the set's own; mostly empty
     */
    static SetName set(Exchange exchange, String suffix) {
        String name = exchange.getMessage().getHeader(Exchange.FILE_NAME, String.class);
        if (name == null) {
            name = exchange.getMessage().getHeader("CamelAwsS3Key", String.class);
        }
        if (name == null) {
            return null;
        }
        String plain = name.substring(name.lastIndexOf('/') + 1);
        SetName set = plain.endsWith(suffix)
                ? SetName.parse(plain.substring(0, plain.length() - suffix.length()), SetPart.DONE)
                : null;
        if (set == null) {
            throw new ChangeSetException("\"" + plain + "\" is no name of a set's marker, such as"
                    + " public.orders.000000000042.done" + suffix + "; in front of this step let only *.done" + suffix
                    + " pass");
        }
        return set;
    }
}
