package io.pgcaravan.camel;

import org.apache.camel.AsyncCallback;
import org.apache.camel.AsyncProcessor;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.NamedNode;
import org.apache.camel.Processor;
import org.apache.camel.model.OptionalIdentifiedDefinition;
import org.apache.camel.model.SendDefinition;
import org.apache.camel.spi.InterceptStrategy;
import org.apache.camel.support.AsyncProcessorConverterHelper;
import org.apache.camel.support.processor.DelegateAsyncProcessor;

/**
 * Stands around every step and sees it fail before any error handler does. A failure that a handler swallows
 * ({@code handled(true)}, a dead letter channel inside a split, {@code doTry}) leaves the exchange looking healthy while
 * some of its rows are missing; the consumer asks the {@link Attempt} before it commits.
 */
final class StepWatch implements InterceptStrategy {

    @Override
    public Processor wrapProcessorInInterceptors(
            CamelContext context, NamedNode definition, Processor target, Processor nextTarget) {
        return new Watched(name(definition), AsyncProcessorConverterHelper.convert(target));
    }

    /** The id that the user gave the step, else what it does: the ids that Camel makes up tell nobody anything. */
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

    private static final class Watched extends DelegateAsyncProcessor {

        private final String step;

        Watched(String step, AsyncProcessor target) {
            super(target);
            this.step = step;
        }

        @Override
        public boolean process(Exchange exchange, AsyncCallback callback) {
            Attempt attempt = Attempt.current();
            if (attempt == null) {
                if (exchange.getProperty(PgqConstants.OPEN_BATCH) != null) {
                    exchange.setException(new IllegalStateException("step \"" + step
                            + "\" runs on another thread than its batch, outside its transaction; take out the"
                            + " step before it that changes threads"));
                    callback.done(true);
                    return true;
                }
                return super.process(exchange, callback);
            }
            // Camel's engine may finish a step later than this call returns, on this thread all the same.
            return super.process(exchange, doneSync -> {
                if (Attempt.current() != attempt) {
                    attempt.failed(
                            exchange,
                            step,
                            new IllegalStateException(
                                    "step \"" + step + "\" went on to another thread, outside the batch's"
                                            + " transaction; take it out or make it synchronous"));
                } else if (exchange.getException() != null) {
                    attempt.failed(exchange, step, exchange.getException());
                } else {
                    attempt.wentWell(exchange, step);
                }
                callback.done(doneSync);
            });
        }
    }
}
