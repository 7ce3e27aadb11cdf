package io.pgcaravan.cli;

import io.pgcaravan.app.Progress;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.exporter.Exporter.Request;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import io.pgcaravan.status.Words;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code caravan export}. */
@Command(
        name = "export",
        mixinStandardHelpOptions = true,
        description = "Writes what has changed in a table since its last export into a drop directory.")
final class Export implements Callable<Integer> {

    @Mixin
    private DatabaseOption database;

    @Option(
            names = "--table",
            required = true,
            split = ",",
            paramLabel = "SCHEMA.TABLE",
            converter = QualifiedTable.class,
            description =
                    "The table, raw; its first dot separates the schema. Several (by commas, or the option again) go"
                            + " together: one snapshot, and one transaction at the target.")
    private List<TableName> tables;

    @Option(
            names = "--target",
            required = true,
            paramLabel = "HOST/DB",
            description = "Whom the set is for: names that both sides agree on. Nothing connects to them.")
    private Target target;

    @Option(names = "--dir", required = true, paramLabel = "DIR", description = "The target's drop directory.")
    private Path directory;

    @Option(names = "--full", description = "All rows, where the changes would do as well.")
    private boolean full;

    @Option(
            names = "--after",
            paramLabel = "N",
            description =
                    "Number the set above N, the one that the target has: for --full, after the source was restored"
                            + " to an earlier state.")
    private long after;

    @Option(
            names = "--again",
            paramLabel = "N",
            description = "Publish set N (of the first table) once more, for a target that lost it.")
    private Long again;

    @Option(
            names = "--compress",
            paramLabel = "none|gzip|zstd",
            defaultValue = "none",
            description = "How ids and records are compressed; default is ${DEFAULT-VALUE}.")
    private Compression compression;

    @Mixin
    private LedgerOption ledger;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        if (after < 0 || after > 0 && !full) {
            throw new ParameterException(spec.commandLine(), "--after requires --full and the number of a set");
        }
        PrintWriter out = spec.commandLine().getOut();
        List<Exported> exported;
        try (Progress progress = new Progress(out)) {
            Exporter exporter = new Exporter(database.database("sourceDb")::reach, ledger.table(), progress::exported);
            Request request = new Request(target, tables, new DropDirectory(directory), compression, full, after);
            exported = again == null ? exporter.export(request) : exporter.again(request, again);
        }
        if (exported.isEmpty()) {
            out.println("nothing has changed; no set was written");
        }
        for (Exported one : exported) {
            Manifest set = one.manifest();
            out.println(set.name() + ": " + (set.kind() == SetKind.FULL ? "full set" : "changes") + ", "
                    + set.file(SetPart.IDS).rows() + " ids, "
                    + set.file(SetPart.RECORDS).rows() + " records, "
                    + Words.bytes(set.totalBytes())
                    + (set.truncated() ? ", truncated before" : "")
                    + (one.reason() == null ? "" : " (" + one.reason() + ")")
                    + (one.finished() ? " (begun by an earlier export)" : ""));
        }
        return 0;
    }
}
