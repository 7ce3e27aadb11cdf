package io.pgcaravan.camel;

import io.pgcaravan.changeset.ChangeSetException;
import io.pgcaravan.changeset.Exporter;
import io.pgcaravan.changeset.Exporter.Exported;
import io.pgcaravan.changeset.Manifest.Kind;
import io.pgcaravan.changeset.SetName.Part;
import java.util.List;
import org.apache.camel.Exchange;

/** Exports what has changed; later steps run where there are sets. */
final class ExportProducer extends ChangesetProducer {

    private static final String ITSELF = "export";

    private final Exporter exporter;
    private final Exporter.Request request;

    ExportProducer(ChangesetEndpoint endpoint, Exporter.Request request) {
        super(endpoint);
        this.exporter =
                new Exporter(endpoint.getDatabase()::getConnection, endpoint.ledgerName(), Exporter.Progress.NONE);
        this.request = request;
    }

    @Override
    public void process(Exchange exchange) {
        List<Exported> exported;
        try {
            exported = exporter.export(request);
        } catch (ChangeSetException e) {
            health.trouble(ITSELF, e.getMessage(), 0, () -> true);
            // what triggers exports has nothing to take back, and would only repeat this with a stack trace
            exchange.setRouteStop(true);
            return;
        }
        if (health.well(ITSELF)) {
            LOG.info("the export of {} into {} works again", request.tables(), directory);
        }
        for (Exported one : exported) {
            LOG.info(
                    "{} for {}: {}, {} ids, {} records{}",
                    one.manifest().name(),
                    one.manifest().target(),
                    one.manifest().kind() == Kind.FULL ? "full set" : "changes",
                    one.manifest().file(Part.IDS).rows(),
                    one.manifest().file(Part.RECORDS).rows(),
                    one.reason() == null ? "" : " (" + one.reason() + ")");
        }
        exchange.getMessage()
                .setHeader(
                        ChangesetConstants.SETS,
                        exported.stream()
                                .map(one -> one.manifest().name().toString())
                                .toList());
        if (exported.isEmpty()) {
            exchange.setRouteStop(true);
        }
    }
}
