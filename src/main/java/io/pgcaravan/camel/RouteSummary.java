package io.pgcaravan.camel;

import io.pgcaravan.database.Secrets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.Route;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SendDefinition;

/** Says in a line what a route takes from where and what it does with it. */
public final class RouteSummary {

    private RouteSummary() {}

    /** @param names of the databases, for people */
    public static String of(Route route, Function<DataSource, String> names) {
        CamelContext context = route.getCamelContext();
        RouteDefinition definition = ((ModelCamelContext) context).getRouteDefinition(route.getRouteId());
        List<String> steps = new ArrayList<>();
        if (definition != null) {
            endpoints(definition.getOutputs())
                    .map(context::resolvePropertyPlaceholders)
                    .map(uri -> step(context.hasEndpoint(uri), uri, names))
                    .distinct()
                    .forEach(steps::add);
        }
        return from(route.getEndpoint(), names) + (steps.isEmpty() ? "" : " -> " + String.join(" -> ", steps));
    }

    private static Stream<String> endpoints(List<ProcessorDefinition<?>> definitions) {
        return definitions.stream()
                .flatMap(definition -> Stream.concat(
                        definition instanceof SendDefinition<?> send && send.getEndpointUri() != null
                                ? Stream.of(send.getEndpointUri())
                                : Stream.empty(),
                        endpoints(definition.getOutputs())));
    }

    private static String from(Endpoint endpoint, Function<DataSource, String> names) {
        return endpoint instanceof PgqEndpoint pgq
                ? "queue \"" + pgq.getQueue() + "\" of " + names.apply(pgq.getSource()) + ", consumer \""
                        + pgq.getConsumer() + "\" -> " + names.apply(pgq.getTarget())
                : plain(endpoint.getEndpointUri());
    }

    private static String step(Endpoint endpoint, String uri, Function<DataSource, String> names) {
        if (endpoint instanceof ChangesetEndpoint set) {
            return Stream.of(
                            "pg-change-set:" + set.getOperation(),
                            set.getTables(),
                            set.getDatabase() == null ? null : names.apply(set.getDatabase()),
                            set.getTarget() == null || set.getTarget().isBlank() ? null : "for " + set.getTarget(),
                            "directory " + set.getDirectory())
                    .filter(word -> word != null)
                    .collect(Collectors.joining(", "));
        }
        if (endpoint instanceof PgqEndpoint pgq) {
            return "queue \"" + pgq.getQueue() + "\" of " + names.apply(pgq.getSource());
        }
        return plain(uri);
    }

    /** Without its options, which may be secrets that nothing tells from others. */
    private static String plain(String uri) {
        return Secrets.masked(uri.replaceFirst("[?].*", "").replaceFirst("^([a-z0-9+-]+):(//)?", "$1:"));
    }
}
