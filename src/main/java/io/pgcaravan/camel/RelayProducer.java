package io.pgcaravan.camel;

import io.pgcaravan.camel.ChangesetEndpoint.Operation;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.IncompleteSetException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.relay.Relay;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.camel.CamelExchangeException;
import org.apache.camel.Exchange;
import org.apache.camel.InvalidPayloadException;
import org.apache.camel.support.SynchronizationAdapter;

/** Steps that hand a set's files on, with no database. */
final class RelayProducer extends ChangesetProducer {

    /** What {@code files} gave out, for {@code sent} in the same route. */
    private static final String OUTGOING = "caravan.outgoing";

    /** What {@code missing} told, for {@code received} in the same route. */
    private static final String INCOMING = "caravan.incoming";

    /** Set where a step tells how the exchange ends: one is enough. */
    private static final String WATCHED = "caravan.watched";

    /** A trouble with a set that lies elsewhere is over when nobody has met it for so long. */
    private static final long FORGET = TimeUnit.MINUTES.toNanos(5);

    private final Operation operation;
    private final Relay relay;
    private final String sentDirectory;
    private final String suffix;
    private final long patience;

    RelayProducer(ChangesetEndpoint endpoint, Operation operation) {
        super(endpoint);
        this.operation = operation;
        this.relay = new Relay(directory);
        this.sentDirectory = endpoint.getSentDirectory();
        this.suffix = operation == Operation.FILES ? "" : endpoint.getSuffix();
        this.patience = endpoint.getPatience();
    }

    @Override
    public void process(Exchange exchange) throws InvalidPayloadException {
        try {
            handOn(exchange);
        } catch (IncompleteSetException e) {
            // as in the import: no error, and no stack trace
            exchange.setRollbackOnly(true);
            throw e;
        }
    }

    private void handOn(Exchange exchange) throws InvalidPayloadException {
        SetName set = set(exchange, suffix);
        if (set == null) {
            throw new ChangeSetException(getEndpoint()
                    + " works on a set's marker: in a route that starts from file:, sftp:" + " or the like");
        }
        switch (operation) {
            case FILES -> {
                tellHowItEnds(exchange, set, () -> isHere(set));
                Relay.Outgoing outgoing = relay.outgoing(set, sentDirectory);
                exchange.setProperty(OUTGOING, outgoing.manifest());
                exchange.getMessage()
                        .setBody(outgoing.files().stream().map(Path::toFile).toList());
            }
            case SENT -> relay.sent(set, exchange.getProperty(OUTGOING, Manifest.class), sentDirectory, suffix);
            case WATCH -> tellHowItEnds(exchange, set, () -> isHere(set));
            case MISSING -> {
                if (exchange.getProperty(WATCHED) == null) {
                    long seen = System.nanoTime();
                    tellHowItEnds(exchange, set, () -> System.nanoTime() - seen < FORGET);
                }
                Relay.Incoming incoming =
                        relay.missing(set, exchange.getMessage().getMandatoryBody(byte[].class));
                exchange.setProperty(INCOMING, incoming);
                exchange.getMessage().setBody(incoming.missing());
            }
            case RECEIVED -> {
                if (relay.received(set)) {
                    LOG.info("{} has arrived in {}", set, directory);
                }
                Relay.Incoming incoming = exchange.getProperty(INCOMING, Relay.Incoming.class);
                if (incoming != null) {
                    exchange.getMessage().setBody(incoming.names());
                }
            }
            default -> throw new IllegalStateException(operation.toString());
        }
    }

    private boolean isHere(SetName set) {
        return Files.exists(directory.path().resolve(set.file(SetPart.DONE) + suffix), LinkOption.NOFOLLOW_LINKS);
    }

    /** Whatever later step fails, carriers say so in their own words and with stack traces; here it is one line. */
    private void tellHowItEnds(Exchange exchange, SetName set, BooleanSupplier lasts) {
        exchange.setProperty(WATCHED, true);
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onComplete(Exchange done) {
                if (health.well(set.toString())) {
                    LOG.info("{}: {} after all", set, operation == Operation.MISSING ? "fetched" : "handed on");
                }
            }

            @Override
            public void onFailure(Exchange failed) {
                Throwable bottom = bottom(failed.getException());
                boolean waits = bottom instanceof IncompleteSetException;
                health.trouble(
                        set.toString(),
                        set + ": " + reason(failed.getException(), bottom) + (waits ? "" : "; it is tried again"),
                        waits ? patience : 0,
                        lasts);
            }
        });
    }

    private static Throwable bottom(Throwable failure) {
        Throwable bottom = failure;
        while (bottom != null && bottom.getCause() != null && !(bottom instanceof ChangeSetException)) {
            bottom = bottom.getCause();
        }
        return bottom;
    }

    private String reason(Throwable failure, Throwable bottom) {
        if (failure == null) {
            return "a step asked to stop";
        }
        if (bottom instanceof ChangeSetException) {
            return bottom.getMessage();
        }
        Throwable top = failure;
        while (top instanceof CamelExchangeException && top.getCause() != null) {
            // says only in which step of a split it was
            top = top.getCause();
        }
        String said = String.valueOf(top.getMessage());
        String deeper = String.valueOf(bottom.getMessage());
        String all = (operation == Operation.MISSING ? "it cannot be fetched: " : "it cannot be handed on: ")
                + said
                + (said.contains(deeper) ? "" : " (" + deeper + ")");
        return all.replaceAll("\\s*\\R\\s*", " ");
    }
}
