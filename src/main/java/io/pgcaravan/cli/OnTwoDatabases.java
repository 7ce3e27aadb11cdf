package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.app.Configuration;
import io.pgcaravan.app.Database;
import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.compare.Comparison.Request;
import io.pgcaravan.ship.compare.Comparison.Result;
import io.pgcaravan.ship.compare.Difference;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What {@code compare} and {@code repair} have in common: two databases, a table, and how to say what came out. */
abstract class OnTwoDatabases implements Callable<Integer> {

    @Mixin
    DatabaseOption database;

    @Option(
            names = "--source",
            paramLabel = "DATABASE",
            description = "The database that the table is shipped from, given like --db. Default is sourceDb of the"
                    + " configuration.")
    private String source;

    @Option(
            names = "--target",
            paramLabel = "DATABASE|HOST/DB",
            description = "The database that it is shipped to, given like --db; default is targetDb of the"
                    + " configuration. With --digest: whom that is for, as in caravan export.")
    String target;

    @Option(
            names = "--table",
            paramLabel = "SCHEMA.TABLE",
            description = "The table, raw; its first dot separates the schema.")
    String table;

    @Option(
            names = "--columns",
            split = ",",
            paramLabel = "COLUMN",
            description = "What to compare; default is all columns of the source but generated ones.")
    private List<String> columns;

    @Option(
            names = "--recheck",
            paramLabel = "SECONDS",
            description = "Look once more at what differs, that much later, and tell only what still does.")
    private Integer recheck;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "20",
            description = "How many keys to print; default is ${DEFAULT-VALUE}. All are counted.")
    private int limit;

    @Option(
            names = "--ledger",
            paramLabel = "SCHEMA.TABLE",
            description = "The source's export ledger; default is caravan.export_set.")
    private String ledger;

    @Spec
    CommandSpec spec;

    /** Runs while a progress line is drawn. */
    abstract int run(PrintWriter out, CompareProgress progress) throws IOException, SQLException;

    @Override
    public final Integer call() throws IOException, SQLException {
        PrintWriter out = spec.commandLine().getOut();
        CompareProgress progress = new CompareProgress(out);
        try {
            int status = run(out, progress);
            out.flush();
            return status;
        } catch (ChangeSetException e) {
            progress.clear();
            throw new CommandFailedException(e.getMessage());
        }
    }

    ParameterException misuse(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    Connect source() throws IOException {
        return opener(source, "sourceDb", "--source");
    }

    Connect target() throws IOException {
        return opener(target, "targetDb", "--target");
    }

    private Connect opener(String given, String name, String option) throws IOException {
        Database found =
                given == null ? Configuration.database(database.config(), name, option) : Database.given(option, given);
        return found::reach;
    }

    Target targetName(String text, String option) {
        try {
            return Target.parse(text);
        } catch (IllegalArgumentException e) {
            throw misuse(option + ": " + e.getMessage());
        }
    }

    TableName ledger() {
        return ledger == null ? Tracking.LEDGER : TableName.parse(ledger);
    }

    Duration recheck() {
        if (recheck != null && recheck < 0) {
            throw misuse("--recheck is a number of seconds");
        }
        return recheck == null ? null : Duration.ofSeconds(recheck);
    }

    Request request(List<String> key) {
        if (table == null) {
            throw misuse("--table is missing");
        }
        return new Request(QualifiedTable.of(spec, table), columns, key);
    }

    // ---- what is said

    /** Keeps the first few keys for being printed, and for numbers where they all lie, as long as that does not grow too large. */
    final class Shown {

        /** Neighbours are numbers within a block of 1024 or in the next one. */
        private static final int BLOCK = 10;

        private static final int MOST_BLOCKS = 50_000;

        private final List<String> lines = new ArrayList<>();
        private final TreeMap<Long, Stretch> blocks = new TreeMap<>();
        private List<String> key = List.of();

        void by(List<String> columns) {
            key = columns;
        }

        void add(Difference difference) {
            if (difference.onItsWay()) {
                return;
            }
            if (key.size() == 1 && blocks.size() < MOST_BLOCKS) {
                try {
                    Stretch one = Stretch.of(
                            Long.parseLong(String.valueOf(difference.key().get(0))));
                    blocks.merge(one.from >> BLOCK, one, Stretch::and);
                } catch (NumberFormatException e) {
                    // a key that does not count
                }
            }
            if (lines.size() < limit) {
                StringBuilder line = new StringBuilder(
                        String.format("  %-10s", difference.kind().name().toLowerCase(Locale.ROOT)));
                for (int i = 0; i < key.size(); i++) {
                    String value = difference.key().get(i);
                    line.append(i == 0 ? "" : ", ").append(key.get(i)).append(" = ");
                    line.append(value == null ? "NULL" : printable(value));
                }
                lines.add(line.toString());
            }
        }

        private void print(PrintWriter out, long all) {
            lines.stream().sorted().forEach(out::println);
            if (all > lines.size()) {
                out.println(String.format(Locale.ROOT, "  ... and %,d more", all - lines.size()));
                List<Stretch> stretches = stretches();
                for (Stretch stretch : stretches.subList(0, Math.min(limit, stretches.size()))) {
                    out.println("  " + String.format(Locale.ROOT, "%,d rows", stretch.rows) + " with " + key.get(0)
                            + " from " + stretch.from + " to " + stretch.to);
                }
            }
        }

        /** The longest first; none where not all rows are in them. */
        private List<Stretch> stretches() {
            List<Stretch> joined = new ArrayList<>();
            Long last = null;
            for (Map.Entry<Long, Stretch> block : blocks.entrySet()) {
                if (last != null && block.getKey() == last + 1) {
                    joined.set(joined.size() - 1, joined.get(joined.size() - 1).and(block.getValue()));
                } else {
                    joined.add(block.getValue());
                }
                last = block.getKey();
            }
            joined.sort(Comparator.comparingLong(Stretch::rows).reversed());
            return blocks.size() < MOST_BLOCKS ? joined : List.of();
        }
    }

    /** Numbers close together, and how many of them there are. */
    private record Stretch(long from, long to, long rows) {

        static Stretch of(long number) {
            return new Stretch(number, number, 1);
        }

        Stretch and(Stretch other) {
            return new Stretch(Math.min(from, other.from), Math.max(to, other.to), rows + other.rows);
        }
    }

    private static String printable(String value) {
        return value.replaceAll("\\p{Cntrl}", "?");
    }

    /** Prints what came out. */
    void print(PrintWriter out, TableName name, Result result, Shown shown) {
        result.remarks().forEach(remark -> out.println(name + ": " + remark));
        out.println(String.format(
                Locale.ROOT,
                "%s: %,d rows at the source, %,d at the target; %,d of %,d ranges differ, %,d rows of both sides looked at",
                name,
                result.sourceRows(),
                result.targetRows(),
                result.differing(),
                result.ranges(),
                result.listed()));
        shown.print(out, result.wrong());
        String verdict = result.wrong() == 0
                ? "equal"
                : String.format(
                        Locale.ROOT,
                        "differs: %,d rows missing, %,d extra, %,d different",
                        result.missing(),
                        result.extra(),
                        result.different());
        if (result.settled() > 0) {
            verdict += String.format(
                    Locale.ROOT, "; %,d were equal, or had changed again, a while later", result.settled());
        }
        if (result.onTheirWay() > 0) {
            verdict += String.format(
                    Locale.ROOT, "; %,d more are noted at the source and on their way", result.onTheirWay());
        }
        if (result.setsOnTheirWay() != null && result.setsOnTheirWay() > 0) {
            verdict += String.format(Locale.ROOT, "; %,d sets not applied yet", result.setsOnTheirWay());
        }
        out.println(name + ": " + verdict);
        if (result.wrong() > 0 && result.setsOnTheirWay() == null) {
            out.println("No ledger tells what is on its way to the target: rows that were changed just now may be among"
                    + " these. --recheck SECONDS looks twice.");
        }
    }
}
