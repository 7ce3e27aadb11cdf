package io.pgcaravan.camel;

import io.pgcaravan.check.CheckedJob;
import io.pgcaravan.load.LoadSettings;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.TableMode;
import io.pgcaravan.row.RowSelection;
import io.pgcaravan.sql.TableName;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.model.ChoiceDefinition;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SendDefinition;
import org.apache.camel.model.WhenDefinition;
import org.apache.camel.model.language.ExpressionDefinition;

/** Reads from routes that are not started what their jobs are going to do. */
public final class JobPlans {

    /**
     * One route that starts from {@code pgq:}.
     *
     * @param job null where the route is off
     * @param refusals why the route will not start; empty where nothing is in its way
     * @param sharedWith the ids of routes that are off and have its consumer
     */
    public record Plan(CheckedJob job, List<String> refusals, List<String> sharedWith) {}

    private static final Set<String> STEPS = Set.of("pgq-decode", "pgq-partition", "pgq-copy", "pgq-loaded", "pgq");

    private static final Pattern ONE_TABLE = Pattern.compile("\\$\\{body\\.table}\\s*==\\s*['\"]([^'\"]*)['\"]");

    private final CamelContext context;
    private final List<CheckedJob.Load> loads = new ArrayList<>();
    private final List<CheckedJob.Forward> forwards = new ArrayList<>();
    private final Set<RouteDefinition> walked = new HashSet<>();
    private String sourceTable;
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
            if (route.getInput() != null && route.getInput().getEndpointUri().startsWith("pgq:")) {
                plans.put(route.getRouteId(), new JobPlans(context).read(route));
            }
        }
        return plans;
    }

    private Plan read(RouteDefinition route) {
        if (!isOn(context, route)) {
            return new Plan(null, List.of(), List.of());
        }
        PgqEndpoint endpoint = context.getEndpoint(route.getInput().getEndpointUri(), PgqEndpoint.class);
        walk(route);
        List<String> refusals = new ArrayList<>(RouteCheck.problems(route));
        SharedConsumers.refusal(context, route.getRouteId(), endpoint).ifPresent(refusals::add);
        return new Plan(
                new CheckedJob(
                        endpoint.getSource(),
                        endpoint.getTarget(),
                        endpoint.getSchema(),
                        endpoint.getQueue(),
                        endpoint.getConsumer(),
                        endpoint.isRegister(),
                        endpoint.isAcceptUnknownStart(),
                        endpoint.getAnswerTimeout(),
                        endpoint.getEncoding(),
                        List.copyOf(loads),
                        List.copyOf(forwards)),
                refusals,
                SharedConsumers.off(context, route.getRouteId(), endpoint));
    }

    /** Whether a route starts with the application. */
    static boolean isOn(CamelContext context, RouteDefinition route) {
        String started = route.getAutoStartup();
        return started == null || !"false".equalsIgnoreCase(context.resolvePropertyPlaceholders(started));
    }

    private void walk(RouteDefinition route) {
        if (walked.add(route)) {
            walk(route.getOutputs());
        }
    }

    /** In the order in which rows go: what pgq-decode: and pgq-partition: say holds until the next of them. */
    private void walk(List<ProcessorDefinition<?>> steps) {
        for (ProcessorDefinition<?> step : steps) {
            if (step instanceof ChoiceDefinition choice) {
                walkBranches(choice);
                continue;
            }
            if (step instanceof SendDefinition<?> send && send.getEndpointUri() != null) {
                read(context.resolvePropertyPlaceholders(send.getEndpointUri()));
            }
            walk(step.getOutputs());
        }
    }

    private void walkBranches(ChoiceDefinition choice) {
        String outside = sourceTable;
        for (WhenDefinition when : choice.getWhenClauses()) {
            String only = onlyTable(when);
            sourceTable = only == null ? outside : only;
            walk(when.getOutputs());
        }
        sourceTable = outside;
        if (choice.getOtherwise() != null) {
            walk(choice.getOtherwise().getOutputs());
        }
    }

    /** The table that a branch takes the chunks of, where it is one of the usual form; else null. */
    private String onlyTable(WhenDefinition when) {
        ExpressionDefinition condition = when.getExpression();
        // the text is here or there, as the route was written
        String text = context.resolvePropertyPlaceholders(condition.getExpression() + " " + condition);
        Matcher table = ONE_TABLE.matcher(text);
        return table.find() && !text.contains("||") ? table.group(1) : null;
    }

    private void read(String uri) {
        if (STEPS.contains(uri.substring(0, Math.max(0, uri.indexOf(':'))))) {
            read(context.getEndpoint(uri));
        } else if (uri.startsWith("direct:")) {
            ((ModelCamelContext) context)
                    .getRouteDefinitions().stream()
                            .filter(other -> other.getInput() != null
                                    && uri.equals(context.resolvePropertyPlaceholders(
                                            other.getInput().getEndpointUri())))
                            .forEach(this::walk);
        }
    }

    private void read(Endpoint endpoint) {
        if (endpoint instanceof DecodeEndpoint decode) {
            format = decode.getFormat();
            selection = decode.selection();
            partition = null;
        } else if (endpoint instanceof PartitionEndpoint step) {
            partition = step.settings();
        } else if (endpoint instanceof PgcopyEndpoint copy) {
            add(TableName.parse(copy.getDestTable()), copy.settings());
        } else if (endpoint instanceof LoadedEndpoint loaded) {
            add(TableName.parse(loaded.getDestTable()), null);
        } else if (endpoint instanceof PgqEndpoint queue) {
            forwards.add(new CheckedJob.Forward(queue.getSource(), queue.getSchema(), queue.getQueue()));
        }
    }

    private void add(TableName table, LoadSettings settings) {
        // a step for another table does not load into these partitions
        boolean placed = partition != null && partition.destTable().mayBe(table);
        if (!placed || partition.tableMode() != TableMode.IGNORE) {
            boolean parted = placed && partition.tableMode() == TableMode.PART;
            loads.add(new CheckedJob.Load(table, sourceTable, format, selection, parted ? partition : null, settings));
        }
    }
}
