package io.pgcaravan.cli;

import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.sql.TableName;
import picocli.CommandLine.Option;

/** {@code --ledger}: where a source notes its exports. */
final class LedgerOption {

    @Option(
            names = "--ledger",
            paramLabel = "SCHEMA.TABLE",
            converter = QualifiedTable.class,
            description = "The export ledger; default is caravan.export_set.")
    private TableName given;

    TableName table() {
        return given == null ? Tracking.LEDGER : given;
    }
}
