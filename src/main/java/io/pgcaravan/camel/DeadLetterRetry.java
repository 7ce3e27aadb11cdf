package io.pgcaravan.camel;

import io.pgcaravan.batch.DeadLetter;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;

/** Sends dead letters through their own route again, in an application that runs nothing else. */
public final class DeadLetterRetry {

    private final CamelContext context;

    /** @param context started, but without having started its routes */
    public DeadLetterRetry(CamelContext context) {
        this.context = context;
    }

    /**
     * Applies one letter and takes it from the dead letters, in one transaction.
     *
     * @param force whether to apply it even where the target has a row with its key
     * @throws Exception why it cannot be applied; the letter is still there then
     */
    public void apply(DeadLetter letter, boolean force) throws Exception {
        Route route = route(letter);
        PgqEndpoint endpoint = (PgqEndpoint) route.getEndpoint();
        if (!context.getRouteController().getRouteStatus(route.getRouteId()).isStarted()) {
            // its steps have to run, its consumer must not
            endpoint.setStartScheduler(false);
            if (route.getConsumer() instanceof PgqConsumer consumer) {
                consumer.setStartScheduler(false);
            }
            context.getRouteController().startRoute(route.getRouteId());
            route = context.getRoute(route.getRouteId());
        }
        ((PgqConsumer) route.getConsumer()).retry(letter, !force);
    }

    private Route route(DeadLetter letter) {
        List<Route> found = context.getRoutes().stream()
                .filter(route -> route.getEndpoint() instanceof PgqEndpoint endpoint
                        && letter.consumer().equals(endpoint.getConsumer()))
                .toList();
        if (found.size() != 1) {
            throw new IllegalStateException(
                    (found.isEmpty() ? "no route starts" : "more than one route starts") + " from pgq: with consumer \""
                            + letter.consumer() + "\", and the event has to go through the steps of its own job");
        }
        return found.get(0);
    }
}
