package io.pgcaravan.cli;

import io.pgcaravan.app.ShipProgress;
import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.compare.Comparison;
import io.pgcaravan.ship.compare.Comparison.Differences;
import io.pgcaravan.ship.compare.Comparison.Request;
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
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
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
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:what differs is noted, or nothing does",
            "1:some rows only a full set replaces, or it could not be done",
            "2:bad usage or configuration"
        })
final class RepairCommand extends OnTwoDatabases {

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
    private String exportFor;

    @Override
    int run(PrintWriter out, CompareProgress progress) throws IOException, SQLException {
        if (answer != null && table != null) {
            throw misuse("either --answer, which names its table, or --table");
        }
        Shown shown = new Shown();
        Result result;
        TableName name;
        Target target = exportFor == null ? null : targetName(exportFor, "--for");
        Connect source;
        long noted;
        long withoutKey;
        if (answer != null) {
            Digest answered = DigestComparison.answered(answer);
            name = answered.table();
            source = database.opener("sourceDb");
            target = target == null ? answered.target() : target;
            try (Repair repair = Repair.of(source, name)) {
                result = new DigestComparison(progress).compareAnswer(source, answer, ledger(), both(shown, repair));
                noted = repair.commit();
                withoutKey = repair.withoutKey();
            }
        } else {
            Request request = request(null);
            name = request.table();
            source = source();
            Connect there = target();
            if (directory != null && target == null) {
                target = Comparison.targetOf(there, name);
            }
            if (directory != null && target == null) {
                throw misuse("--for HOST/DB is missing: the target's ledger does not tell whom its sets are for");
            }
            try (Repair repair = Repair.of(source, name)) {
                result = new Comparison(progress)
                        .compare(source, there, request, ledger(), recheck(), both(shown, repair));
                noted = repair.commit();
                withoutKey = repair.withoutKey();
            }
        }
        progress.clear();
        print(out, name, result, shown);
        if (withoutKey > 0) {
            out.println(String.format(
                    Locale.ROOT,
                    "%s: %,d rows of the target have NULL in their key; only a full set replaces them",
                    name,
                    withoutKey));
        }
        out.println(
                noted == 0
                        ? name + ": nothing to repair"
                        : String.format(
                                Locale.ROOT,
                                "%s: %,d keys noted; the next set of each target has their rows as they are then",
                                name,
                                noted));
        if (noted > 0 && directory != null) {
            export(out, source, name, target);
        }
        return withoutKey > 0 ? 1 : 0;
    }

    private static Differences both(Shown shown, Repair repair) {
        return new Differences() {
            @Override
            public void by(List<String> key) {
                shown.by(key);
                repair.by(key);
            }

            @Override
            public void add(Difference difference) throws SQLException {
                shown.add(difference);
                repair.add(difference);
            }
        };
    }

    private void export(PrintWriter out, Connect source, TableName name, Target target) {
        ShipProgress progress = new ShipProgress(out);
        List<Exported> sets = new Exporter(source, ledger(), progress::exported)
                .export(new Exporter.Request(
                        target, List.of(name), new DropDirectory(directory), Compression.NONE, false));
        progress.clear();
        for (Exported set : sets) {
            out.println(set.manifest().name() + " is in " + directory);
        }
    }
}
