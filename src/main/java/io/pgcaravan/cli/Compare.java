package io.pgcaravan.cli;

import io.pgcaravan.app.Progress;
import io.pgcaravan.ship.compare.Comparison;
import io.pgcaravan.ship.compare.Comparison.Request;
import io.pgcaravan.ship.compare.Comparison.Result;
import io.pgcaravan.ship.compare.Digest;
import io.pgcaravan.ship.compare.DigestComparison;
import io.pgcaravan.ship.compare.DigestComparison.Answered;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import io.pgcaravan.status.Words;
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
        exitCodeList = {
            "0:equal, but for rows on their way",
            "1:not equal, or they could not be compared",
            "2:bad usage or configuration"
        })
final class Compare extends ComparisonCommand {

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
    int run(PrintWriter out, Comparison comparison, Progress progress) throws IOException {
        if (digest != null && directory != null) {
            throw badUsage("give either --digest or --dir");
        }
        if (table != null && (digest != null || directory != null)) {
            return write(out, new DigestComparison(progress::compared), progress);
        }
        if (digest != null) {
            return answer(out, new DigestComparison(progress::compared), progress);
        }
        if (directory != null) {
            throw badUsage("--table is missing");
        }
        ComparisonText text = text();
        Result result;
        TableName name;
        if (answer != null) {
            name = DigestComparison.answered(answer).table();
            result = new DigestComparison(progress::compared)
                    .compareAnswer(database("sourceDb"), answer, ledger.table(), text);
        } else {
            name = request(key).table();
            result = comparison.compare(source(), target(), request(key), ledger.table(), recheck(), text);
        }
        progress.clear();
        text.print(out, name, result);
        return result.wrong() == 0 ? 0 : 1;
    }

    /** The receiver of the digest, null where it was not given. */
    private Target receiver() {
        try {
            return target == null ? null : Target.parse(target);
        } catch (IllegalArgumentException e) {
            throw badUsage("--target: " + e.getMessage());
        }
    }

    private int write(PrintWriter out, DigestComparison comparison, Progress progress) throws IOException {
        if (target == null) {
            throw badUsage("--target HOST/DB is missing: whom the digest is for");
        }
        Request request = request(key);
        Path file = digest != null
                ? digest
                : directory.resolve(SetName.encode(request.table()) + "." + TIME.format(Instant.now()) + ".digest");
        Digest written = comparison.writeDigest(database("sourceDb"), request, receiver(), md5, file);
        progress.clear();
        out.println(written.table() + ": hashes of " + Words.count(written.rows()) + " rows for " + written.target()
                + " in " + file + ", " + Words.bytes(Files.size(file)));
        return 0;
    }

    private int answer(PrintWriter out, DigestComparison comparison, Progress progress) throws IOException {
        Path file = answer != null ? answer : answerBeside(digest);
        Answered answered = comparison.answer(database("targetDb"), digest, file, receiver());
        progress.clear();
        TableName name = answered.digest().table();
        answered.remarks().forEach(remark -> out.println(name + ": " + remark));
        out.printf(
                Locale.ROOT,
                "%s: %,d rows in the digest, %,d here; %,d of its ranges differ%n",
                name,
                answered.digest().rows(),
                answered.targetRows(),
                answered.differing());
        if (answered.differing() == 0) {
            out.println(name + ": equal");
            return 0;
        }
        out.println(name + ": differs; the " + Words.count(answered.listed())
                + " rows that are here in those ranges are listed in " + file + ", " + Words.bytes(Files.size(file))
                + ": caravan compare --answer at the source tells which of them are wrong, caravan repair --answer puts"
                + " them right");
        return 1;
    }

    private static Path answerBeside(Path digest) {
        return digest.resolveSibling(digest.getFileName().toString().replaceFirst("\\.digest$", "") + ".answer");
    }
}
