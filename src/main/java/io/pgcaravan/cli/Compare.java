package io.pgcaravan.cli;

import io.pgcaravan.app.ShipProgress;
import io.pgcaravan.ship.compare.Comparison;
import io.pgcaravan.ship.compare.Comparison.Differences;
import io.pgcaravan.ship.compare.Comparison.Request;
import io.pgcaravan.ship.compare.Comparison.Result;
import io.pgcaravan.ship.compare.Difference;
import io.pgcaravan.ship.compare.Digest;
import io.pgcaravan.ship.compare.DigestComparison;
import io.pgcaravan.ship.compare.DigestComparison.Answered;
import io.pgcaravan.ship.format.SetName;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code caravan compare}. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        description = {
            "Tells in which rows a table differs from its copy in another database. Both databases hash their rows;"
                    + " only rows of ranges that differ are listed.",
            "",
            "Where one host reaches both:   compare --source DB --target DB --table S.T",
            "Where none does, at the source:  compare --db DB --table S.T --target HOST/DB --digest FILE",
            "  then, at the target:           compare --db DB --digest FILE",
            "  then, at the source again:     compare --db DB --answer FILE   (or repair)"
        },
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:equal, but for rows on their way",
            "1:not equal, or they could not be compared",
            "2:bad usage or configuration"
        })
final class Compare extends OnTwoDatabases {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    @Option(
            names = "--key",
            split = ",",
            paramLabel = "COLUMN",
            description = "What tells rows apart; default is the source's primary key.")
    private List<String> key;

    @Option(
            names = "--digest",
            paramLabel = "FILE",
            description = "With --table: write the source's hashes there. Without: compare the target with them.")
    private Path digest;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "Write the digest into this directory, by a name of its own.")
    private Path directory;

    @Option(
            names = "--answer",
            paramLabel = "FILE",
            description = "What the target answers to a digest. With --digest: where to write it, by default beside the"
                    + " digest. Without: compare the source with it.")
    private Path answer;

    @Option(
            names = "--md5",
            description = "Hash by MD5, which takes three times as long: for a digest, where the servers differ in byte"
                    + " order or in how they write characters. Where both can be reached this is found out.")
    private boolean md5;

    @Override
    int run(PrintWriter out, CompareProgress progress) throws IOException {
        DigestComparison comparison = new DigestComparison(progress);
        if (digest != null && directory != null) {
            throw misuse("either --digest or --dir");
        }
        if (table != null && (digest != null || directory != null)) {
            return write(out, comparison, progress);
        }
        if (digest != null) {
            return answer(out, comparison, progress);
        }
        if (directory != null) {
            throw misuse("--table is missing");
        }
        Shown shown = new Shown();
        if (answer != null) {
            Digest answered = DigestComparison.answered(answer);
            Result result = comparison.compareAnswer(database.opener("sourceDb"), answer, ledger(), showing(shown));
            progress.clear();
            print(out, answered.table(), result, shown);
            return result.wrong() == 0 ? 0 : 1;
        }
        Request request = request(key);
        Result result =
                new Comparison(progress).compare(source(), target(), request, ledger(), recheck(), showing(shown));
        progress.clear();
        print(out, request.table(), result, shown);
        return result.wrong() == 0 ? 0 : 1;
    }

    private static Differences showing(Shown shown) {
        return new Differences() {
            @Override
            public void by(List<String> columns) {
                shown.by(columns);
            }

            @Override
            public void add(Difference difference) {
                shown.add(difference);
            }
        };
    }

    private int write(PrintWriter out, DigestComparison comparison, CompareProgress progress) throws IOException {
        if (target == null) {
            throw misuse("--target HOST/DB is missing: whom the digest is for");
        }
        Request request = request(key);
        Path file = digest != null
                ? digest
                : directory.resolve(SetName.encode(request.table()) + "." + TIME.format(Instant.now()) + ".digest");
        Digest written =
                comparison.writeDigest(database.opener("sourceDb"), request, targetName(target, "--target"), md5, file);
        progress.clear();
        out.println(String.format(
                Locale.ROOT,
                "%s: hashes of %,d rows for %s in %s, %s",
                written.table(),
                written.rows(),
                written.target(),
                file,
                ShipProgress.size(Files.size(file))));
        return 0;
    }

    private int answer(PrintWriter out, DigestComparison comparison, CompareProgress progress) throws IOException {
        Path file = answer != null ? answer : answerBeside(digest);
        Answered answered = comparison.answer(
                database.opener("targetDb"), digest, file, target == null ? null : targetName(target, "--target"));
        progress.clear();
        answered.remarks().forEach(remark -> out.println(answered.digest().table() + ": " + remark));
        out.println(String.format(
                Locale.ROOT,
                "%s: %,d rows in the digest, %,d here; %,d of its ranges differ",
                answered.digest().table(),
                answered.digest().rows(),
                answered.targetRows(),
                answered.differing()));
        if (answered.differing() == 0) {
            out.println(answered.digest().table() + ": equal");
            return 0;
        }
        out.println(String.format(
                Locale.ROOT,
                "%s: differs; the %,d rows that are here in those ranges are listed in %s, %s: caravan compare --answer at"
                        + " the source tells which of them are wrong, caravan repair --answer puts them right",
                answered.digest().table(),
                answered.listed(),
                file,
                ShipProgress.size(Files.size(file))));
        return 1;
    }

    private static Path answerBeside(Path digest) {
        String name = digest.getFileName().toString();
        String base = name.endsWith(".digest") ? name.substring(0, name.length() - ".digest".length()) : name;
        return digest.resolveSibling(base + ".answer");
    }
}
