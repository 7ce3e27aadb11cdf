package io.pgcaravan.camel;

import java.util.ArrayList;
import java.util.List;
import org.apache.camel.NamedNode;
import org.apache.camel.model.AggregateDefinition;
import org.apache.camel.model.CircuitBreakerDefinition;
import org.apache.camel.model.DelayDefinition;
import org.apache.camel.model.LoadBalanceDefinition;
import org.apache.camel.model.MulticastDefinition;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RecipientListDefinition;
import org.apache.camel.model.ResequenceDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SendDefinition;
import org.apache.camel.model.SplitDefinition;
import org.apache.camel.model.ThreadsDefinition;
import org.apache.camel.model.ToDynamicDefinition;
import org.apache.camel.model.TryDefinition;
import org.apache.camel.model.WireTapDefinition;
import org.apache.camel.model.loadbalancer.FailoverLoadBalancerDefinition;

/**
 * Refuses, when a route starts, steps that cannot keep the batch's promise: those that leave the thread of its transaction,
 * and those that hide failures. What this reading of the route misses, {@link StepWatch} sees at run time.
 */
final class RouteCheck {

    private RouteCheck() {}

    /** Every reason why this route may not start from {@code pgq:}; empty where there is none. */
    static List<String> problems(NamedNode route) {
        List<String> problems = new ArrayList<>();
        if (route instanceof RouteDefinition definition) {
            walk(definition.getOutputs(), problems);
        }
        return problems;
    }

    private static void walk(List<ProcessorDefinition<?>> steps, List<String> problems) {
        for (ProcessorDefinition<?> step : steps) {
            String reason = reason(step);
            if (reason != null) {
                problems.add("step \"" + (step.getId() == null ? step.getShortName() : step.getId()) + "\": " + reason);
            }
            walk(step.getOutputs(), problems);
        }
    }

    /** Why a step cannot be on the way of a batch; null where it can. */
    static String reason(ProcessorDefinition<?> step) {
        if (step instanceof TryDefinition) {
            return "doTry would hide a failed step, and the batch would lose its rows unseen; let it fail, or use"
                    + " onError=dead-letter for bad rows";
        }
        if (step instanceof LoadBalanceDefinition balance
                && balance.getLoadBalancerType() instanceof FailoverLoadBalancerDefinition) {
            return "a failover load balancer goes on after a failed step, which may have loaded rows; name one step and let"
                    + " it fail: the whole batch is tried again";
        }
        if (step instanceof CircuitBreakerDefinition breaker && breaker.getOnFallback() != null) {
            return "a circuitBreaker with onFallback hides a failed step, and what it left undone; take onFallback out and"
                    + " let the step fail: the whole batch is tried again";
        }
        if (step instanceof ThreadsDefinition
                || step instanceof WireTapDefinition
                || step instanceof ResequenceDefinition) {
            return step.getShortName()
                    + " leaves the thread of the batch's transaction; put it in a route of its own, or after"
                    + " the commit";
        }
        if (step instanceof AggregateDefinition) {
            return "aggregate holds rows back beyond the commit and hides failures; the load step gathers rows by itself";
        }
        if (step instanceof DelayDefinition delay && !"false".equalsIgnoreCase(delay.getAsyncDelayed())) {
            return "an asynchronous delay leaves the thread of the batch's transaction; set asyncDelayed: false";
        }
        if (step instanceof SplitDefinition split
                        && (isTrue(split.getParallelProcessing()) || split.getExecutorService() != null)
                || step instanceof MulticastDefinition multicast
                        && (isTrue(multicast.getParallelProcessing()) || multicast.getExecutorService() != null)
                || step instanceof RecipientListDefinition<?> recipients
                        && isTrue(recipients.getParallelProcessing())) {
            return "parallel processing leaves the thread of the batch's transaction";
        }
        if (step instanceof RecipientListDefinition<?> recipients
                && (recipients.getAggregationStrategy() != null || recipients.getAggregationStrategyBean() != null)) {
            return "an aggregation strategy of recipientList hides what became of each recipient; take it out, or use"
                    + " multicast";
        }
        String uri = step instanceof SendDefinition<?> send
                ? send.getEndpointUri()
                : step instanceof ToDynamicDefinition dynamic ? dynamic.getUri() : null;
        if (uri != null) {
            if (uri.startsWith("seda:") || uri.startsWith("disruptor:") || uri.startsWith("vm:")) {
                return uri + " leaves the thread of the batch's transaction; direct: stays in it";
            }
        }
        return null;
    }

    private static boolean isTrue(String option) {
        return "true".equalsIgnoreCase(option);
    }
}
