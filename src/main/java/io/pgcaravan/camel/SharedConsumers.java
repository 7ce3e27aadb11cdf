package io.pgcaravan.camel;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteDefinition;

/** Finds routes that were copied with the consumer's name: two jobs would share one position. */
final class SharedConsumers {

    private SharedConsumers() {}

    /** Why a route cannot start beside the others that are on, by what the files say; empty where it can. */
    static Optional<String> refusal(CamelContext context, String route, PgqEndpoint endpoint) {
        return others(context, route, endpoint)
                .filter(other -> JobPlans.isOn(context, other))
                .map(other -> "consumer \"" + endpoint.getConsumer() + "\" is also that of route \""
                        + other.getRouteId() + "\", and both jobs would go by one position: give route \""
                        + route
                        + "\" or the other a consumer of its own")
                .findFirst();
    }

    /** Routes that are off and have this one's consumer: one of the two can run, and starts where the other has stopped. */
    static List<String> off(CamelContext context, String route, PgqEndpoint endpoint) {
        return others(context, route, endpoint)
                .filter(other -> !JobPlans.isOn(context, other))
                .map(RouteDefinition::getRouteId)
                .toList();
    }

    private static Stream<RouteDefinition> others(CamelContext context, String route, PgqEndpoint endpoint) {
        return ((ModelCamelContext) context)
                .getRouteDefinitions().stream()
                        .filter(other -> !other.getRouteId().equals(route))
                        .filter(other -> other.getInput() != null
                                && other.getInput().getEndpointUri().startsWith("pgq:"))
                        .filter(other -> shares(context, other, endpoint));
    }

    private static boolean shares(CamelContext context, RouteDefinition route, PgqEndpoint endpoint) {
        PgqEndpoint other = context.getEndpoint(route.getInput().getEndpointUri(), PgqEndpoint.class);
        boolean sameQueue =
                endpoint.getSource() == other.getSource() && endpoint.getQueue().equals(other.getQueue());
        return endpoint.getConsumer().equals(other.getConsumer())
                && (sameQueue || endpoint.getTarget() == other.getTarget());
    }
}
