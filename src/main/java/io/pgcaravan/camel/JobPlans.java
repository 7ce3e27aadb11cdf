package io.pgcaravan.camel;

import io.pgcaravan.check.CheckedJob;
import io.pgcaravan.load.LoadSettings;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.TableName;
import io.pgcaravan.row.RowSelection;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SendDefinition;

/** Reads from routes that are not started what their jobs are going to do. */
public final class JobPlans {

    /**
     * One route that starts from {@code pgq:}.
     *
     * @param job null where the route is off
     * @param refusals why the route will not start; empty where nothing is in its way
     */
    public record Plan(CheckedJob job, List<String> refusals) {}

    private final CamelContext context;
    private final List<CheckedJob.Load> loads = new ArrayList<>();
    private String format = "logutriga";
    private RowSelection selection = RowSelection.ALL;
    private PartitionSettings partition;

    private JobPlans(CamelContext context) {
        this.context = context;
    }

    /**
     * The jobs by the ids of their routes.
     *
     * @throws IllegalArgumentException where a step's settings cannot work; names every problem of the step
     */
    public static Map<String, Plan> of(CamelContext context) {
        Map<String, Plan> plans = new LinkedHashMap<>();
        for (RouteDefinition route : ((ModelCamelContext) context).getRouteDefinitions()) {
            if (route.getInput().getEndpointUri().startsWith("pgq:")) {
                plans.put(route.getRouteId(), new JobPlans(context).read(route));
            }
        }
        return plans;
    }

    private Plan read(RouteDefinition route) {
        String started = route.getAutoStartup();
        if (started != null && "false".equalsIgnoreCase(context.resolvePropertyPlaceholders(started))) {
            return new Plan(null, List.of());
        }
        PgqEndpoint endpoint = context.getEndpoint(route.getInput().getEndpointUri(), PgqEndpoint.class);
        walk(route.getOutputs());
        return new Plan(
                new CheckedJob(
                        endpoint.getSource(),
                        endpoint.getTarget(),
                        endpoint.getSchema(),
                        endpoint.getQueue(),
                        endpoint.getConsumer(),
                        endpoint.isRegister(),
                        endpoint.getEncoding(),
                        List.copyOf(loads)),
                RouteCheck.problems(route));
    }

    /** In the order in which rows go: what decode: and partition: say holds until the next of them. */
    private void walk(List<ProcessorDefinition<?>> steps) {
        for (ProcessorDefinition<?> step : steps) {
            if (step instanceof SendDefinition<?> send && isOurs(send.getEndpointUri())) {
                read(context.getEndpoint(send.getEndpointUri()));
            }
            walk(step.getOutputs());
        }
    }

    private static boolean isOurs(String uri) {
        return uri != null && uri.matches("(decode|partition|pgcopy|collect):.*");
    }

    private void read(Endpoint endpoint) {
        if (endpoint instanceof DecodeEndpoint decode) {
            format = decode.getFormat();
            selection = RowSelection.of(decode.getFields(), decode.getSkipFields(), decode.getEventTypes());
            partition = null;
        } else if (endpoint instanceof PartitionEndpoint step) {
            partition = step.settings();
        } else if (endpoint instanceof PgcopyEndpoint copy) {
            add(TableName.parse(copy.getDestTable()), copy.settings());
        } else if (endpoint instanceof CollectEndpoint collect) {
            add(TableName.parse(collect.getDestTable()), null);
        }
    }

    private void add(TableName table, LoadSettings settings) {
        loads.add(new CheckedJob.Load(table, format, selection, partition, settings));
    }
}
