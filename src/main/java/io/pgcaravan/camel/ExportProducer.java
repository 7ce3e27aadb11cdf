package io.pgcaravan.camel;

import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetPart;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.apache.camel.Route;
import org.apache.camel.support.service.ServiceSupport;

/** Exports what has changed; later steps run where there are sets. */
final class ExportProducer extends ChangesetProducer {

    private static final String ITSELF = "export";

    private static final long LOOK_MILLIS = 200;

    private final Exporter exporter;
    private final Exporter.Request request;
    private final long retryDelay;

    ExportProducer(ChangesetEndpoint endpoint, Exporter.Request request) {
        super(endpoint);
        this.exporter =
                new Exporter(endpoint.getDatabase()::getConnection, endpoint.ledgerName(), Exporter.Progress.NONE);
        this.request = request;
        this.retryDelay = endpoint.getRetryDelay();
    }

    @Override
    public void process(Exchange exchange) {
        List<Exported> exported = export(exchange);
        if (exported == null) {
            // what triggers exports has nothing to take back, and would only repeat this with a stack trace
            exchange.setRouteStop(true);
            return;
        }
        if (health.well(ITSELF)) {
            LOG.info("the export of {} into {} works again", request.tables(), directory);
        }
        for (Exported one : exported) {
            LOG.info(
                    "{} for {}: {}, {} ids, {} records{}",
                    one.manifest().name(),
                    one.manifest().target(),
                    one.manifest().kind() == SetKind.FULL ? "full set" : "changes",
                    one.manifest().file(SetPart.IDS).rows(),
                    one.manifest().file(SetPart.RECORDS).rows(),
                    one.reason() == null ? "" : " (" + one.reason() + ")");
        }
        exchange.getMessage()
                .setHeader(
                        ChangesetConstants.SETS,
                        exported.stream()
                                .map(one -> one.manifest().name().toString())
                                .toList());
        if (exported.isEmpty()) {
            exchange.setRouteStop(true);
        }
    }

    /** Null where it has failed, and is not to be tried again now. */
    private List<Exported> export(Exchange exchange) {
        while (true) {
            try {
                return exporter.export(request);
            } catch (ChangeSetException e) {
                health.trouble(ITSELF, e.getMessage(), 0, () -> true);
                if (retryDelay == 0 || !waitToRetry(exchange)) {
                    return null;
                }
            }
        }
    }

    /** False once the route stops: its consumer does so before exchanges that are under way are waited for. */
    private boolean waitToRetry(Exchange exchange) {
        Route route = getEndpoint().getCamelContext().getRoute(exchange.getFromRouteId());
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(retryDelay);
        try {
            while (System.nanoTime() - until < 0) {
                if (!isRunAllowed()
                        || route != null
                                && route.getConsumer() instanceof ServiceSupport consumer
                                && !consumer.isRunAllowed()) {
                    return false;
                }
                Thread.sleep(Math.min(retryDelay, LOOK_MILLIS));
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
