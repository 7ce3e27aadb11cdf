package io.pgcaravan.camel;

import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.load.DeadLetters;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.Route;
import org.apache.camel.ServiceStatus;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SendDefinition;

/** The few things that a person may want of running routes. Each call takes as long as it takes, and says what it did. */
public final class Acts {

    private final CamelContext context;
    private final Map<String, Boolean> exporting = new ConcurrentHashMap<>();

    /** @param context started */
    public Acts(CamelContext context) {
        this.context = context;
    }

    /**
     * A route as somebody looks at it.
     *
     * @param state as Camel has it: Started, Suspended, Stopped
     * @param dispatches whether it is a job of a queue
     * @param runs whether it is one that this process has the lock of: no other one applies its batches
     * @param exports whether it can be asked for an export
     */
    public record Standing(String route, String state, boolean dispatches, boolean runs, boolean exports) {}

    /** The enabled routes, and those that were stopped since. */
    public List<Standing> routes() {
        return context.getRoutes().stream()
                .filter(route -> isOn(route.getRouteId()))
                .map(route -> new Standing(
                        route.getRouteId(),
                        String.valueOf(context.getRouteController().getRouteStatus(route.getRouteId())),
                        route.getEndpoint() instanceof PgqEndpoint,
                        route.getConsumer() instanceof PgqConsumer job && job.runs(),
                        exports(definition(route.getRouteId()).getOutputs())))
                .toList();
    }

    private boolean isOn(String route) {
        RouteDefinition definition = definition(route);
        return definition != null && JobPlans.isOn(context, definition);
    }

    private RouteDefinition definition(String route) {
        return ((ModelCamelContext) context).getRouteDefinition(route);
    }

    private boolean exports(List<ProcessorDefinition<?>> steps) {
        return steps.stream()
                .anyMatch(step -> step instanceof SendDefinition<?> send
                                && send.getEndpointUri() != null
                                && send.getEndpointUri().startsWith("pg-change-set:export")
                        || exports(step.getOutputs()));
    }

    /**
     * Lets the batch in progress end, and takes no other. A job keeps its lock: whoever wants it to rest does not want another
     * process to go on with it.
     */
    public String suspend(String route) throws Exception {
        boolean runs = known(route).getConsumer() instanceof PgqConsumer job && job.runs();
        context.getRouteController().suspendRoute(route);
        return "route " + route + " is suspended"
                + (runs ? "; it keeps its lock, so that no other process takes over" : "");
    }

    /** Lets the batch in progress end, and ends the job's connections with its lock: a process that stands by takes over. */
    public String handOver(String route) throws Exception {
        job(route);
        context.getRouteController().stopRoute(route);
        return "route " + route
                + " is stopped in this process; its lock is free, and a process that stands by takes over";
    }

    /** Goes on with what was suspended, or stopped. */
    public String resume(String route) throws Exception {
        known(route);
        if (context.getRouteController().getRouteStatus(route) == ServiceStatus.Suspended) {
            context.getRouteController().resumeRoute(route);
        } else {
            context.getRouteController().startRoute(route);
        }
        return "route " + route + " runs";
    }

    /** Sends a dead letter through its job's route again, between two batches. */
    public String retry(String route, long id) throws Exception {
        PgqConsumer consumer = job(route);
        DeadLetter letter;
        try (Connection target = consumer.getEndpoint().getTarget().getConnection()) {
            letter = DeadLetters.find(target, id);
        }
        if (letter == null || !letter.consumer().equals(consumer.getEndpoint().getConsumer())) {
            throw new IllegalArgumentException("route " + route + " has no dead letter " + id);
        }
        consumer.retryBetweenBatches(letter);
        return letter + " is loaded";
    }

    /** Lets an export route do now what it does at its next tick, its later steps included. */
    public String export(String id) throws Exception {
        Route route = known(id);
        if (!exports(definition(id).getOutputs())) {
            throw new IllegalArgumentException("route " + id + " exports nothing");
        }
        if (exporting.putIfAbsent(id, true) != null) {
            throw new IllegalStateException("route " + id + " has been asked for an export already, which goes on");
        }
        try {
            Exchange exchange = route.getEndpoint().createExchange();
            route.getProcessor().process(exchange);
            if (exchange.getException() != null) {
                throw exchange.getException();
            }
            List<?> sets = exchange.getMessage().getHeader(ChangesetConstants.SETS, List.class);
            return sets == null
                    ? "the export of route " + id + " failed; the log says why"
                    : sets.isEmpty() ? "nothing has changed" : "exported " + sets;
        } finally {
            exporting.remove(id);
        }
    }

    private Route known(String id) {
        Route route = context.getRoute(id);
        if (route == null || !isOn(id)) {
            throw new IllegalArgumentException("there is no enabled route " + id);
        }
        return route;
    }

    private PgqConsumer job(String id) {
        if (known(id).getConsumer() instanceof PgqConsumer consumer) {
            return consumer;
        }
        throw new IllegalArgumentException("route " + id + " is no job of a queue");
    }
}
