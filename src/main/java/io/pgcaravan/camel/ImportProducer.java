package io.pgcaravan.camel;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;

/** Imports the set whose marker came, with its group, or whatever can be imported; later steps run where something was. */
final class ImportProducer extends ChangesetProducer {

    private static final String ITSELF = "import";

    private final Importer importer;
    private final long patience;

    ImportProducer(ChangesetEndpoint endpoint, Target here) {
        super(endpoint);
        this.importer = new Importer(endpoint.getDatabase()::getConnection, directory, here, Importer.Progress.NONE);
        this.patience = endpoint.getPatience();
    }

    @Override
    public void process(Exchange exchange) {
        List<Outcome> outcomes;
        try {
            SetName set = set(exchange, "");
            outcomes = set == null ? importer.importAll() : importer.importSet(set);
            health.well(ITSELF);
        } catch (ChangeSetException e) {
            health.trouble(ITSELF, e.getMessage(), 0, () -> true);
            throw e;
        }
        outcomes.forEach(this::tell);
        List<String> good = outcomes.stream()
                .filter(outcome -> outcome.result().good())
                .map(outcome -> outcome.set().toString())
                .toList();
        exchange.getMessage().setHeader(ChangesetConstants.SETS, good);
        if (good.isEmpty() && !outcomes.isEmpty()) {
            // Camel's error handler warns of a rollback, and would write an error with a stack trace otherwise
            exchange.setRollbackOnly(outcomes.stream().allMatch(outcome -> waits(outcome.result())));
            throw new ChangeSetException(
                    outcomes.stream().map(Outcome::toString).collect(Collectors.joining("; ")));
        }
        if (outcomes.isEmpty()) {
            // another set of its group took it along
            exchange.setRouteStop(true);
        }
    }

    private void tell(Outcome outcome) {
        SetName set = outcome.set();
        if (outcome.result().good()) {
            health.well(set.toString());
            health.well(damaged(set));
            LOG.info("{}", outcome);
        } else if (outcome.result() == Result.DAMAGED) {
            health.well(set.toString());
            // until a set of that table is good
            health.trouble(damaged(set), outcome.toString(), 0, () -> true);
        } else {
            health.trouble(
                    set.toString(), outcome.toString(), waits(outcome.result()) ? patience : 0, () -> isHere(set));
        }
    }

    private static boolean waits(Result result) {
        return result == Result.GAP || result == Result.INCOMPLETE;
    }

    private static String damaged(SetName set) {
        return "damaged " + set.table();
    }

    private boolean isHere(SetName set) {
        return Files.exists(directory.path().resolve(set.file(SetPart.DONE)), LinkOption.NOFOLLOW_LINKS);
    }
}
