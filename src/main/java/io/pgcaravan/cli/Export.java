package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.app.ShipProgress;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.exporter.Exporter.Request;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
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
            description =
                    "The table, raw; its first dot separates the schema. Several (by commas, or the option again) go"
                            + " together: one snapshot, and one transaction at the target.")
    private List<String> tables;

    @Option(
            names = "--target",
            required = true,
            paramLabel = "HOST/DB",
            description = "Whom the set is for: names that both sides agree on. Nothing connects to them.")
    private String target;

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
    private String compression;

    @Option(
            names = "--ledger",
            paramLabel = "SCHEMA.TABLE",
            description = "The export ledger; default is caravan.export_set.")
    private String ledger;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        ShipProgress progress = new ShipProgress(out);
        List<Exported> exported;
        try {
            Exporter exporter = new Exporter(
                    database.opener("sourceDb"),
                    ledger == null ? Tracking.LEDGER : QualifiedTable.of(spec, ledger),
                    (table, part, rows, bytes, expected) -> progress.exported(table, part, rows, bytes, expected));
            exported = again == null ? exporter.export(request()) : exporter.again(request(), again);
        } catch (ChangeSetException e) {
            progress.clear();
            throw new CommandFailedException(e.getMessage());
        }
        progress.clear();
        if (exported.isEmpty()) {
            out.println("nothing has changed, so that there is no set");
        }
        for (Exported one : exported) {
            Manifest set = one.manifest();
            out.println(set.name() + ": " + (set.kind() == SetKind.FULL ? "full set" : "changes") + ", "
                    + set.file(SetPart.IDS).rows() + " ids, "
                    + set.file(SetPart.RECORDS).rows() + " records, "
                    + ShipProgress.size(set.totalBytes())
                    + (set.truncated() ? ", truncated before" : "")
                    + (one.reason() == null ? "" : " (" + one.reason() + ")")
                    + (one.finished() ? " (begun by an earlier export)" : ""));
        }
        out.flush();
        return 0;
    }

    private Request request() {
        if (after < 0 || after > 0 && !full) {
            throw new ParameterException(spec.commandLine(), "--after needs --full and a set's number");
        }
        try {
            List<TableName> names = new ArrayList<>();
            for (String text : tables) {
                names.add(QualifiedTable.of(spec, text));
            }
            return new Request(
                    Target.parse(target),
                    names,
                    new DropDirectory(directory),
                    Compression.of(compression),
                    full,
                    after);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage());
        }
    }
}
