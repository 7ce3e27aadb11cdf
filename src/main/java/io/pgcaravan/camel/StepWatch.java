package io.pgcaravan.camel;

import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.RowAccount;
import io.pgcaravan.batch.RowAccount.Branch;
import io.pgcaravan.batch.RowAccount.Entry;
import io.pgcaravan.row.RowChange;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.camel.AsyncCallback;
import org.apache.camel.AsyncProcessor;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePropertyKey;
import org.apache.camel.NamedNode;
import org.apache.camel.Processor;
import org.apache.camel.model.FilterDefinition;
import org.apache.camel.model.LoadBalanceDefinition;
import org.apache.camel.model.MulticastDefinition;
import org.apache.camel.model.OptionalIdentifiedDefinition;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RecipientListDefinition;
import org.apache.camel.model.SendDefinition;
import org.apache.camel.model.SplitDefinition;
import org.apache.camel.model.loadbalancer.TopicLoadBalancerDefinition;
import org.apache.camel.spi.InterceptStrategy;
import org.apache.camel.support.AsyncProcessorConverterHelper;
import org.apache.camel.support.processor.DelegateAsyncProcessor;

/**
 * Stands around every step of every route. It follows single rows through splits and multicasts for the {@link RowAccount},
 * and sees a step fail before any error handler does: the account finds every missing row, but not what a swallowed failure
 * left undone in a row that is loaded.
 */
final class StepWatch implements InterceptStrategy {

    /** Adds the watch where the context does not have it yet; counts for routes that are built afterwards. */
    static void watch(CamelContext context) {
        List<InterceptStrategy> strategies = context.getCamelContextExtension().getInterceptStrategies();
        if (strategies.stream().noneMatch(StepWatch.class::isInstance)) {
            context.getCamelContextExtension().addInterceptStrategy(new StepWatch());
        }
    }

    @Override
    public Processor wrapProcessorInInterceptors(
            CamelContext context, NamedNode definition, Processor target, Processor nextTarget) {
        return new Watched(definition, AsyncProcessorConverterHelper.convert(target));
    }

    /** The id that the user gave the step, else what it does: the ids that Camel makes up mean nothing to anybody. */
    private static String name(NamedNode definition) {
        if (definition instanceof OptionalIdentifiedDefinition<?> step && step.hasCustomIdAssigned()) {
            return definition.getId();
        }
        if (definition instanceof SendDefinition<?> send && send.getEndpointUri() != null) {
            int parameters = send.getEndpointUri().indexOf('?');
            return parameters < 0
                    ? send.getEndpointUri()
                    : send.getEndpointUri().substring(0, parameters);
        }
        String label = definition.getLabel();
        return label == null || label.isBlank() ? definition.getShortName() : label;
    }

    static final class Watched extends DelegateAsyncProcessor implements RowAccount.Step {

        private final String name;
        private final String refusal;
        private final boolean filters;
        private final boolean recipients;
        private final boolean startsPart;
        private final boolean startsBranch;

        Watched(NamedNode definition, AsyncProcessor target) {
            super(target);
            name = StepWatch.name(definition);
            refusal = definition instanceof ProcessorDefinition<?> step ? RouteCheck.reason(step) : null;
            filters = definition instanceof FilterDefinition;
            recipients = definition instanceof RecipientListDefinition;
            NamedNode parent = definition.getParent();
            startsPart = parent instanceof SplitDefinition split
                    && !split.getOutputs().isEmpty()
                    && split.getOutputs().get(0) == definition;
            startsBranch = parent instanceof MulticastDefinition
                    || parent instanceof LoadBalanceDefinition balance
                            && balance.getLoadBalancerType() instanceof TopicLoadBalancerDefinition;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public boolean filters() {
            return filters;
        }

        @Override
        public boolean process(Exchange exchange, AsyncCallback callback) {
            Attempt attempt = Attempt.current();
            if (attempt == null) {
                OpenBatch strayed = exchange.getProperty(PgqConstants.OPEN_BATCH, OpenBatch.class);
                if (strayed != null) {
                    strayed.leftThread(name);
                    return fail(
                            exchange,
                            callback,
                            "step \"" + name + "\" runs on another thread than its batch, outside its transaction; take"
                                    + " out the step before it that changes threads");
                }
                return super.process(exchange, callback);
            }
            try {
                if (refusal != null) {
                    throw new IllegalStateException(refusal);
                }
                follow(attempt.batch().account(), exchange);
                Slot slot = Slot.of(exchange);
                if (slot != null) {
                    attempt.guard().runsFor(slot.written);
                }
            } catch (RuntimeException e) {
                attempt.failed(exchange, this, e);
                return fail(exchange, callback, e.getMessage());
            }
            Slot slot = Slot.of(exchange);
            // Camel's engine may finish a step later than this call returns, on this thread all the same.
            return super.process(exchange, doneSync -> {
                // what a split, multicast or enrich gathers brings the properties of its last exchange along
                Slot.restore(exchange, slot);
                done(attempt, exchange);
                callback.done(doneSync);
            });
        }

        private static boolean fail(Exchange exchange, AsyncCallback callback, String message) {
            exchange.setException(new IllegalStateException(message));
            callback.done(true);
            return true;
        }

        private void done(Attempt attempt, Exchange exchange) {
            if (Attempt.current() != attempt) {
                attempt.failed(
                        exchange,
                        this,
                        new IllegalStateException("step \"" + name + "\" went on to another thread, outside the"
                                + " batch's transaction; take it out or make it synchronous"));
            } else if (exchange.getException() != null) {
                attempt.failed(exchange, this, exchange.getException());
            } else if (recipients && exchange.getProperty(ExchangePropertyKey.MULTICAST_INDEX, 0, Integer.class) > 0) {
                attempt.failed(
                        exchange,
                        this,
                        new IllegalStateException(
                                "step \"" + name + "\" has several recipients, which cannot be told"
                                        + " apart; use multicast, each branch of which has to load the row or to leave it out"));
            } else {
                attempt.succeeded(exchange, this);
            }
            if (exchange.isRollbackOnly() || exchange.isRollbackOnlyLast()) {
                attempt.askRollback();
            }
        }

        // ---- the row account

        private void follow(RowAccount account, Exchange exchange) {
            Slot slot = Slot.of(exchange);
            boolean own = slot != null && slot.belongsTo(exchange);
            if (startsPart && !own) {
                slot = part(account, exchange, slot);
            } else if (startsBranch && !own) {
                slot = branch(account, exchange, slot);
            }
            if (recipients) {
                exchange.removeProperty(ExchangePropertyKey.MULTICAST_INDEX);
            }
            if (slot != null && slot.entry != null) {
                account.reach(slot.entry, this, slot.branch);
            } else if (filters || account.filteredIsLeftOut()) {
                Branch in = slot == null ? null : slot.branch;
                each(exchange, entry -> account.reach(entry, this, in));
            } else if (exchange.getProperty(ExchangePropertyKey.SPLIT_INDEX) != null) {
                account.reach(this);
            }
        }

        /** An exchange that a split made: of a chunk, of an event, or of something that an event's exchange carried. */
        private static Slot part(RowAccount account, Exchange exchange, Slot outer) {
            Object body = exchange.getMessage().getBody();
            Branch branch = outer == null ? null : outer.branch;
            if (outer != null && outer.entry != null) {
                Slot.put(exchange, account.divide(outer.entry), branch, outer.row);
            } else if (body instanceof Event event) {
                Slot.put(exchange, event, branch, null);
            } else if (body instanceof RowChange row) {
                Slot.put(exchange, row.entry(), branch, row);
            } else {
                Slot.put(exchange, null, branch, outer == null ? null : outer.row);
            }
            return Slot.of(exchange);
        }

        private static void each(Exchange exchange, Consumer<Entry> work) {
            List<Entry> entries = Slot.entries(exchange);
            if (entries != null) {
                entries.forEach(work);
            }
        }

        private Slot branch(RowAccount account, Exchange exchange, Slot outer) {
            if (exchange.getMessage().getBody() instanceof Chunks) {
                throw new IllegalStateException(
                        "the batch's body can be read only once, so it cannot go into the branches"
                                + " of a multicast; split it first, and put the multicast into the split");
            }
            Branch branch = new Branch(outer == null ? null : outer.branch, name);
            account.enter(branch);
            each(exchange, account::enters);
            RowChange row = ownRows(exchange);
            Slot.put(
                    exchange,
                    outer == null ? null : outer.entry,
                    branch,
                    row != null || outer == null ? row : outer.row);
            return Slot.of(exchange);
        }

        /** Gives a branch rows of its own: what its steps do to them must not be seen in the next one. */
        private static RowChange ownRows(Exchange exchange) {
            Object body = exchange.getMessage().getBody();
            if (body instanceof RowChange row) {
                RowChange own = row.copy();
                exchange.getMessage().setBody(own);
                return own;
            }
            if (body instanceof List<?> list && list.stream().anyMatch(RowChange.class::isInstance)) {
                exchange.getMessage()
                        .setBody(list.stream()
                                .map(one -> one instanceof RowChange row ? row.copy() : one)
                                .collect(Collectors.toCollection(ArrayList::new)));
            }
            return null;
        }
    }
}
