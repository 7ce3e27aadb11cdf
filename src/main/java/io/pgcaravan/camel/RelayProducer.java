package io.pgcaravan.camel;

import io.pgcaravan.camel.ChangesetEndpoint.Operation;
import io.pgcaravan.changeset.ChangeSetException;
import io.pgcaravan.changeset.Relay;
import io.pgcaravan.changeset.SetName;
import java.nio.file.Path;
import org.apache.camel.Exchange;
import org.apache.camel.support.SynchronizationAdapter;

/** Steps that hand a set's files on, with no database. */
final class RelayProducer extends ChangesetProducer {

    private final Operation operation;
    private final Relay relay;
    private final String sentDirectory;

    RelayProducer(ChangesetEndpoint endpoint, Operation operation) {
        super(endpoint);
        this.operation = operation;
        this.relay = new Relay(directory);
        this.sentDirectory = endpoint.getSentDirectory();
    }

    @Override
    public void process(Exchange exchange) {
        SetName set = set(exchange);
        if (set == null) {
            throw new ChangeSetException(getEndpoint()
                    + " works on a set's marker: in a route that starts from file:, sftp:" + " or the like");
        }
        switch (operation) {
            case FILES -> {
                tellHowItEnds(exchange, set);
                exchange.getMessage()
                        .setBody(relay.files(set).stream().map(Path::toFile).toList());
            }
            case SENT -> relay.sent(set, sentDirectory);
            default -> throw new IllegalStateException(operation.toString());
        }
    }

    /** Whatever later step fails, carriers say so in their own words and with stack traces; here it is one line. */
    private void tellHowItEnds(Exchange exchange, SetName set) {
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onComplete(Exchange done) {
                if (health.well(set.toString())) {
                    LOG.info("{}: handed on after all", set);
                }
            }

            @Override
            public void onFailure(Exchange failed) {
                health.trouble(
                        set.toString(),
                        set + ": " + reason(failed.getException()) + "; it is tried again",
                        0,
                        () -> true);
            }
        });
    }

    private static String reason(Throwable failure) {
        if (failure == null) {
            return "a step asked to stop";
        }
        Throwable bottom = failure;
        while (bottom.getCause() != null && bottom.getCause() != bottom) {
            bottom = bottom.getCause();
        }
        String said = bottom instanceof ChangeSetException
                ? bottom.getMessage()
                : "it cannot be handed on: " + failure.getMessage()
                        + (bottom == failure
                                        || String.valueOf(failure.getMessage())
                                                .contains(String.valueOf(bottom.getMessage()))
                                ? ""
                                : " (" + bottom.getMessage() + ")");
        return said.replaceAll("\\s*\\R\\s*", " ");
    }
}
