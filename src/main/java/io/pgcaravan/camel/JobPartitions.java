package io.pgcaravan.camel;

import io.pgcaravan.partition.PartitionSettings;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.camel.CamelContext;
import org.apache.camel.model.Model;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SendDefinition;

/** The partition steps of a route, and what they are set to. */
public final class JobPartitions {

    private JobPartitions() {}

    /**
     * The settings of a route's partition steps, and of those in routes that it goes through by {@code direct:}, in the
     * order of the steps.
     *
     * @param context whose routes are made; they need not run
     * @throws IllegalArgumentException where there is no such route
     */
    public static List<PartitionSettings> of(CamelContext context, String routeId) {
        return steps(context, routeId).stream().map(PartitionEndpoint::settings).toList();
    }

    /** The steps themselves. */
    static List<PartitionEndpoint> steps(CamelContext context, String routeId) {
        Model model = context.getCamelContextExtension().getContextPlugin(Model.class);
        RouteDefinition route = model.getRouteDefinition(routeId);
        if (route == null) {
            List<String> ids = model.getRouteDefinitions().stream()
                    .map(RouteDefinition::getId)
                    .toList();
            throw new IllegalArgumentException(
                    "there is no route \"" + routeId + "\"; the routes are " + String.join(", ", ids));
        }
        List<PartitionEndpoint> found = new ArrayList<>();
        walk(context, model, route, found, new HashSet<>());
        return found;
    }

    private static void walk(
            CamelContext context,
            Model model,
            RouteDefinition route,
            List<PartitionEndpoint> found,
            Set<RouteDefinition> walked) {
        if (walked.add(route)) {
            walk(context, model, route.getOutputs(), found, walked);
        }
    }

    private static void walk(
            CamelContext context,
            Model model,
            List<ProcessorDefinition<?>> steps,
            List<PartitionEndpoint> found,
            Set<RouteDefinition> walked) {
        for (ProcessorDefinition<?> step : steps) {
            if (step instanceof SendDefinition<?> send && send.getEndpointUri() != null) {
                String uri = context.resolvePropertyPlaceholders(send.getEndpointUri());
                if (uri.startsWith("pgq-partition:")) {
                    found.add(context.getEndpoint(uri, PartitionEndpoint.class));
                } else if (uri.startsWith("direct:")) {
                    model.getRouteDefinitions().stream()
                            .filter(other -> other.getInput() != null
                                    && uri.equals(context.resolvePropertyPlaceholders(
                                            other.getInput().getEndpointUri())))
                            .forEach(other -> walk(context, model, other, found, walked));
                }
            }
            walk(context, model, step.getOutputs(), found, walked);
        }
    }
}
