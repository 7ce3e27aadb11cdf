package io.pgcaravan.cli;

import io.pgcaravan.app.Progress;
import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.compare.Comparison;
import io.pgcaravan.ship.compare.Comparison.Differences;
import io.pgcaravan.ship.compare.Comparison.Result;
import io.pgcaravan.ship.compare.Difference;
import io.pgcaravan.ship.compare.Digest;
import io.pgcaravan.ship.compare.DigestComparison;
import io.pgcaravan.ship.compare.Repair;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import io.pgcaravan.status.Words;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code caravan repair}. */
@Command(
        name = "repair",
        mixinStandardHelpOptions = true,
        description = {
            "Has the rows in which a table differs from its copy shipped again: their keys are noted at the source as"
                    + " if the rows had been changed, and go with the next set, to every target.",
            "",
            "Where one host reaches both:   repair --source DB --target DB --table S.T",
            "Where none does, at the source:  repair --db DB --answer FILE   (see caravan compare)"
        },
        exitCodeList = {
            "0:what differs is noted, or nothing does",
            "1:some rows only a full set replaces, or it could not be done",
            "2:bad usage or configuration"
        })
final class RepairCommand extends ComparisonCommand {

    @Option(
            names = "--answer",
            paramLabel = "FILE",
            description = "What the target answered to a digest (caravan compare --digest).")
    private Path answer;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "Export the table into this drop directory at once, rather than with the next export.")
    private Path directory;

    @Option(
            names = "--for",
            paramLabel = "HOST/DB",
            description = "Whom that export is for; default is whom the digest was for, or whom the target's last set"
                    + " was for.")
    private Target exportFor;

    @Override
    int run(PrintWriter out, Comparison comparison, Progress progress) throws IOException, SQLException {
        if (answer != null && table != null) {
            throw badUsage("give either --answer, which names its table, or --table");
        }
        Digest answered = answer == null ? null : DigestComparison.answered(answer);
        TableName name = answered == null ? request(null).table() : answered.table();
        Connect source = answered == null ? source() : database("sourceDb");
        Connect there = answered == null ? target() : null;
        Target receiver = directory == null || exportFor != null
                ? exportFor
                : answered == null ? Comparison.targetOf(there, name) : answered.target();
        if (directory != null && receiver == null) {
            throw badUsage("--for HOST/DB is missing: the target's ledger does not tell whom its sets are for");
        }
        ComparisonText text = text();
        Result result;
        long noted;
        long withoutKey;
        try (Repair repair = Repair.of(source, name)) {
            Differences both = both(text, repair);
            result = answered == null
                    ? comparison.compare(source, there, request(null), ledger.table(), recheck(), both)
                    : new DigestComparison(progress::compared).compareAnswer(source, answer, ledger.table(), both);
            noted = repair.commit();
            withoutKey = repair.withoutKey();
        }
        progress.clear();
        text.print(out, name, result);
        if (withoutKey > 0) {
            out.println(name + ": " + Words.count(withoutKey)
                    + " rows of the target have NULL in their key; only a full set replaces them");
        }
        out.println(name + ": "
                + (noted == 0
                        ? "nothing to repair"
                        : Words.count(noted) + " keys noted; the next set of each target has their rows as they are"
                                + " then"));
        if (noted > 0 && directory != null) {
            export(out, source, name, receiver);
        }
        return withoutKey > 0 ? 1 : 0;
    }

    private static Differences both(Differences first, Differences second) {
        return new Differences() {
            @Override
            public void by(List<String> key) {
                first.by(key);
                second.by(key);
            }

            @Override
            public void add(Difference difference) throws SQLException {
                first.add(difference);
                second.add(difference);
            }
        };
    }

    private void export(PrintWriter out, Connect source, TableName name, Target receiver) {
        try (Progress progress = new Progress(out)) {
            List<Exported> sets = new Exporter(source, ledger.table(), progress::exported)
                    .export(new Exporter.Request(
                            receiver, List.of(name), new DropDirectory(directory), Compression.NONE, false));
            progress.clear();
            sets.forEach(set -> out.println(set.manifest().name() + " is in " + directory));
        }
    }
}
