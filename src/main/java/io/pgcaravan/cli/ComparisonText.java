package io.pgcaravan.cli;

import io.pgcaravan.ship.compare.Comparison.Differences;
import io.pgcaravan.ship.compare.Comparison.Result;
import io.pgcaravan.ship.compare.Difference;
import io.pgcaravan.sql.TableName;
import io.pgcaravan.status.Words;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a comparison came to, for people. It keeps the first few keys, and for numbers the ranges that all of them lie in, as
 * long as those are not too many.
 */
final class ComparisonText implements Differences {

    /** Neighbours are numbers within a block of 1024 or in the next one. */
    private static final int BLOCK = 10;

    private static final int MOST_BLOCKS = 50_000;

    private final int limit;
    private final List<String> lines = new ArrayList<>();
    private final TreeMap<Long, KeyRange> blocks = new TreeMap<>();
    private List<String> key = List.of();

    /** @param limit how many keys and ranges to print */
    ComparisonText(int limit) {
        this.limit = limit;
    }

    /** Numbers close together, and how many of them there are. */
    private record KeyRange(long from, long to, long rows) {

        KeyRange and(KeyRange other) {
            return new KeyRange(Math.min(from, other.from), Math.max(to, other.to), rows + other.rows);
        }
    }

    @Override
    public void by(List<String> columns) {
        key = columns;
    }

    @Override
    public void add(Difference difference) {
        if (difference.onItsWay()) {
            return;
        }
        if (key.size() == 1 && blocks.size() < MOST_BLOCKS) {
            try {
                long number = Long.parseLong(String.valueOf(difference.key().get(0)));
                blocks.merge(number >> BLOCK, new KeyRange(number, number, 1), KeyRange::and);
            } catch (NumberFormatException e) {
                // a key that does not count
            }
        }
        if (lines.size() < limit) {
            List<String> columns = new ArrayList<>();
            for (int i = 0; i < key.size(); i++) {
                String value = difference.key().get(i);
                columns.add(key.get(i) + " = " + (value == null ? "NULL" : value.replaceAll("\\p{Cntrl}", "?")));
            }
            String kind = difference.kind().name().toLowerCase(Locale.ROOT);
            lines.add(String.format("  %-10s%s", kind, String.join(", ", columns)));
        }
    }

    void print(PrintWriter out, TableName name, Result result) {
        result.remarks().forEach(remark -> out.println(name + ": " + remark));
        out.printf(
                Locale.ROOT,
                "%s: %,d rows at the source, %,d at the target; %,d of %,d ranges differ, %,d rows of both sides looked at%n",
                name,
                result.sourceRows(),
                result.targetRows(),
                result.differing(),
                result.ranges(),
                result.listed());
        printKeys(out, result.wrong());
        out.println(name + ": " + verdict(result));
        if (result.wrong() > 0 && result.setsOnTheirWay() == null) {
            out.println("There is no ledger of what is on its way to the target: rows that were changed just now may be"
                    + " among these. --recheck SECONDS looks twice.");
        }
    }

    private static String verdict(Result result) {
        StringBuilder verdict = new StringBuilder("equal");
        if (result.wrong() > 0) {
            verdict = new StringBuilder(String.format(
                    Locale.ROOT,
                    "differs: %,d rows missing, %,d extra, %,d different",
                    result.missing(),
                    result.extra(),
                    result.different()));
        }
        append(verdict, result.settled(), " were equal, or had changed again, a while later");
        append(verdict, result.onTheirWay(), " more are noted at the source and on their way");
        append(verdict, result.setsOnTheirWay() == null ? 0 : result.setsOnTheirWay(), " sets not applied yet");
        return verdict.toString();
    }

    private static void append(StringBuilder verdict, long count, String what) {
        if (count > 0) {
            verdict.append("; ").append(Words.count(count)).append(what);
        }
    }

    private void printKeys(PrintWriter out, long all) {
        lines.stream().sorted().forEach(out::println);
        if (all > lines.size()) {
            out.println("  ... and " + Words.count(all - lines.size()) + " more");
            ranges().stream()
                    .limit(limit)
                    .forEach(range -> out.println("  " + Words.count(range.rows) + " rows with " + key.get(0) + " from "
                            + range.from + " to " + range.to));
        }
    }

    /** The longest first; none where not all rows are in them. */
    private List<KeyRange> ranges() {
        List<KeyRange> joined = new ArrayList<>();
        Long last = null;
        for (Map.Entry<Long, KeyRange> block : blocks.entrySet()) {
            if (last != null && block.getKey() == last + 1) {
                joined.set(joined.size() - 1, joined.get(joined.size() - 1).and(block.getValue()));
            } else {
                joined.add(block.getValue());
            }
            last = block.getKey();
        }
        joined.sort(Comparator.comparingLong(KeyRange::rows).reversed());
        return blocks.size() < MOST_BLOCKS ? joined : List.of();
    }
}
