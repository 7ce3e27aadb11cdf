package io.pgcaravan.camel;

import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import io.pgcaravan.status.Place;
import io.pgcaravan.status.Watch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ProcessorDefinitionHelper;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SendDefinition;

/** Reads from the enabled routes what a look at the databases is to look for. */
public final class StatusWatch {

    private StatusWatch() {}

    /**
     * @param databases by the names of their data sources
     * @throws IllegalArgumentException where a step's settings cannot work
     */
    public static Watch of(CamelContext context, Map<String, BatchDataSource> databases) {
        List<Place> places = databases.entrySet().stream()
                .map(database -> new Place(
                        database.getKey(),
                        database.getValue(),
                        database.getValue().unpooled()))
                .toList();
        List<Watch.Dispatch> dispatches = new ArrayList<>();
        JobPlans.of(context).forEach((route, plan) -> {
            if (plan.job() != null) {
                PgqEndpoint endpoint = context.getEndpoint(
                        ((ModelCamelContext) context)
                                .getRouteDefinition(route)
                                .getInput()
                                .getEndpointUri(),
                        PgqEndpoint.class);
                dispatches.add(new Watch.Dispatch(route, plan.job(), endpoint.isLock()));
            }
        });
        List<Watch.Export> exports = new ArrayList<>();
        List<Watch.Import> imports = new ArrayList<>();
        List<String> named = new ArrayList<>();
        for (RouteDefinition route : ((ModelCamelContext) context).getRouteDefinitions()) {
            if (JobPlans.isOn(context, route)) {
                List<String> uris = uris(context, route);
                uris.stream()
                        .filter(uri -> uri.startsWith("pg-change-set:"))
                        .map(uri -> context.getEndpoint(uri, ChangesetEndpoint.class))
                        .forEach(step -> add(route.getRouteId(), step, exports, imports));
                databases.keySet().stream()
                        .filter(name -> uris.stream().anyMatch(uri -> names(uri, name)))
                        .forEach(named::add);
            }
        }
        return new Watch(places, dispatches, exports, imports, named);
    }

    private static List<String> uris(CamelContext context, RouteDefinition route) {
        return Stream.concat(
                        Stream.of(route.getInput().getEndpointUri()),
                        ProcessorDefinitionHelper.filterTypeInOutputs(route.getOutputs(), SendDefinition.class).stream()
                                .map(SendDefinition::getEndpointUri))
                .filter(Objects::nonNull)
                .map(context::resolvePropertyPlaceholders)
                .toList();
    }

    /** Whether an endpoint names a data source, as {@code jdbc:NAME} or {@code #NAME}. */
    private static boolean names(String uri, String database) {
        return Pattern.compile("(^jdbc:(//)?|#(bean:)?|%23)" + Pattern.quote(database) + "(?![A-Za-z0-9_-])")
                .matcher(uri)
                .find();
    }

    private static void add(
            String route, ChangesetEndpoint step, List<Watch.Export> exports, List<Watch.Import> imports) {
        if (step.getDatabase() == null || step.getDirectory() == null) {
            return;
        }
        Target target = step.getTarget() == null || step.getTarget().isBlank()
                ? null
                : Target.parse(step.getTarget().strip());
        if (step.getOperation().equals("export") && target != null && step.getTables() != null) {
            List<TableName> tables = Stream.of(step.getTables().split(","))
                    .map(table -> TableName.parse(table.strip()))
                    .toList();
            exports.add(new Watch.Export(route, step.getDatabase(), step.ledgerName(), tables, target, step.drop()));
        } else if (step.getOperation().equals("import")) {
            imports.add(new Watch.Import(route, step.getDatabase(), step.drop(), target));
        }
    }
}
