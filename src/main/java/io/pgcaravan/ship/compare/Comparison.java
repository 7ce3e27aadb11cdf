package io.pgcaravan.ship.compare;

import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.ImportLedger;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Finds the rows in which a table differs between two databases. Both hash their rows, range by range, and only rows of ranges
 * that differ are listed: their keys and hashes, sorted by the latter, so that the two lists are compared while they are read.
 *
 * <p>Each side is seen by one snapshot, the target's taken first. So what the target cannot have yet is among the changes that the
 * source noted since the last set that the target applied, and told apart from what is wrong.
 */
public final class Comparison {

    /** So that one row that differs costs a look at a hundred, and the sums of a million rows are ten thousand. */
    private static final int ROWS_A_RANGE = 128;

    /** Differences that are looked at once more are held in memory. */
    private static final int MOST_RECHECKED = 100_000;

    private final Progress progress;

    public Comparison(Progress progress) {
        this.progress = progress;
    }

    /** Hears how far a comparison has come. */
    @FunctionalInterface
    public interface Progress {

        Progress NONE = (doing, rows) -> {};

        /** Called several times a second: what is being done, and with how many rows; 0 where that is not known. */
        void at(String doing, long rows);
    }

    /** Is given what differs, in no order that people know. */
    @FunctionalInterface
    public interface Differences {

        /**
         * Comes before the first difference.
         *
         * @param key columns by which rows are told apart, in the order in which differences have them
         */
        default void by(List<String> key) {}

        void add(Difference difference) throws SQLException;
    }

    /**
     * What to compare.
     *
     * @param table schema and name, the same on both sides
     * @param columns raw; null for all that the source has, but for generated ones
     * @param key raw; null for the source's primary key
     */
    public record Request(TableName table, List<String> columns, List<String> key) {}

    /**
     * What came out.
     *
     * @param ranges how many ranges the rows were hashed in
     * @param differing how many of them were not equal
     * @param listed rows of those ranges whose keys and hashes were fetched, of both sides
     * @param missing rows that the target lacks
     * @param extra rows that only the target has
     * @param different rows with other values
     * @param onTheirWay rows that are not counted in these three, as a set will see to them that the target has not applied yet
     * @param settled rows that were equal, or had changed at the source, when they were looked at once more
     * @param setsOnTheirWay sets that the target has not applied yet; null where no ledger tells
     * @param remarks what else is to be known, a sentence each
     */
    public record Result(
            long sourceRows,
            long targetRows,
            int ranges,
            int differing,
            long listed,
            long missing,
            long extra,
            long different,
            long onTheirWay,
            long settled,
            Long setsOnTheirWay,
            List<String> remarks) {

        /** How many rows are wrong. */
        public long wrong() {
            return missing + extra + different;
        }
    }

    /**
     * Compares the table in two databases.
     *
     * @param ledger the source's export ledger
     * @param recheck how long to wait before what differs is looked at once more; null for not at all
     * @param differences is given each key that differs, also those on their way
     * @throws ChangeSetException where it cannot be done
     */
    public Result compare(
            Connect source,
            Connect target,
            Request request,
            TableName ledger,
            Duration recheck,
            Differences differences) {
        return tried(request.table, () -> {
            List<Difference> first = new ArrayList<>();
            Tally tally = new Tally(recheck == null ? differences : keeping(first));
            RowByRow rows = new RowByRow(progress);
            RowHashing hashing;
            BitSet ranges;
            List<String> remarks = new ArrayList<>();
            List<RangeSums> sums;
            Long sets;
            try (ComparedSide there = ComparedSide.open(target, request.table);
                    ComparedSide here = ComparedSide.open(source, request.table)) {
                hashing = Agreement.hashing(
                        request, here.table(), ROWS_A_RANGE, Agreement.hash(here.probe(), there.probe()));
                hashing = Agreement.agreed(hashing, here.table(), there.table(), remarks);
                sums = RangeSums.of(hashing, progress, here, there);
                ranges = sums.get(0).differing(sums.get(1));
                ImportLedger.Position position = there.position();
                Answer.AppliedSet applied = Answer.AppliedSet.of(position, here.system());
                sets = position == null ? null : here.setsAfter(applied, position.target(), ledger);
                differences.by(hashing.key());
                if (!ranges.isEmpty()) {
                    Answer.AppliedSet known = here.known(applied, remarks);
                    rows.merge(tally, here, hashing, ranges, known, there.rows(hashing, ranges));
                }
            }
            long settled = 0;
            if (first.size() == MOST_RECHECKED) {
                remarks.add("more than " + MOST_RECHECKED + " rows differ, so that none was looked at once more");
                for (Difference difference : first) {
                    differences.add(difference);
                }
            } else if (!first.isEmpty()) {
                pause(recheck);
                tally = new Tally(differences);
                try (ComparedSide there = ComparedSide.open(target, request.table);
                        ComparedSide here = ComparedSide.open(source, request.table)) {
                    Answer.AppliedSet applied = Answer.AppliedSet.of(there.position(), here.system());
                    Answer.AppliedSet known = here.known(applied, new ArrayList<>());
                    rows.merge(unchanged(first, tally), here, hashing, ranges, known, there.rows(hashing, ranges));
                }
                settled = first.size() - tally.all();
            }
            return tally.result(
                    sums.get(0).rows(), sums.get(1).rows(), hashing, ranges, rows.listed(), settled, sets, remarks);
        });
    }

    private static Differences keeping(List<Difference> kept) {
        return difference -> {
            if (kept.size() < MOST_RECHECKED) {
                kept.add(difference);
            }
        };
    }

    /** Hands on what still differs though the source's row has not changed since. */
    private static Differences unchanged(List<Difference> first, Differences to) {
        Map<List<String>, Long> hashes = new HashMap<>();
        first.forEach(difference -> hashes.put(difference.key(), difference.hash()));
        return difference -> {
            if (Objects.equals(hashes.get(difference.key()), difference.hash())) {
                to.add(difference);
            }
        };
    }

    private void pause(Duration wait) {
        long end = System.nanoTime() + wait.toNanos();
        try {
            for (long left = wait.toNanos(); left > 0; left = end - System.nanoTime()) {
                progress.at("waiting " + (left / 1_000_000_000 + 1) + " s before looking once more", 0);
                TimeUnit.NANOSECONDS.sleep(Math.min(left, 200_000_000));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChangeSetException("interrupted while waiting to look once more", e);
        }
    }

    /** The receiver of the last set that a table has; null where it has none. */
    public static Target targetOf(Connect target, TableName table) {
        return tried(table, () -> {
            try (ComparedSide there = ComparedSide.open(target, table)) {
                ImportLedger.Position position = there.position();
                return position == null ? null : position.target();
            }
        });
    }

    /** A part of a comparison that may fail. */
    interface ComparisonStep<T> {
        T run() throws SQLException, IOException;
    }

    static <T> T tried(TableName table, ComparisonStep<T> step) {
        if (table.schema() == null) {
            throw new ChangeSetException("table " + table + " needs its schema, as in public." + table);
        }
        try {
            return step.run();
        } catch (SQLException e) {
            throw new ChangeSetException(
                    "the comparison of " + table + " failed: "
                            + e.getMessage().lines().collect(Collectors.joining("; ")),
                    e);
        } catch (IOException e) {
            throw new ChangeSetException("the comparison of " + table + " failed: " + ChangeSetException.reason(e), e);
        }
    }
}
