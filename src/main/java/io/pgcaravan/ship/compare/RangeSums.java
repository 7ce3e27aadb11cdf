package io.pgcaravan.ship.compare;

import io.pgcaravan.ship.format.ChangeSetException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** For each range of a table's keys, how many rows it has and the sum of their hashes, modulo 2 to the 64th. */
final class RangeSums {

    private final long[] counts;
    private final long[] sums;

    RangeSums(int ranges) {
        counts = new long[ranges];
        sums = new long[ranges];
    }

    /** Those of each side, all hashed at once. */
    static List<RangeSums> of(RowHashing hashing, Comparison.Progress progress, ComparedSide... sides)
            throws SQLException {
        List<FutureTask<RangeSums>> tasks = new ArrayList<>();
        for (ComparedSide side : sides) {
            FutureTask<RangeSums> task = new FutureTask<>(() -> side.sums(hashing));
            Thread thread = new Thread(task, "compare");
            thread.setDaemon(true);
            thread.start();
            tasks.add(task);
        }
        List<RangeSums> sums = new ArrayList<>();
        try {
            for (FutureTask<RangeSums> task : tasks) {
                sums.add(finished(task, progress));
            }
        } catch (SQLException | RuntimeException e) {
            for (ComparedSide side : sides) {
                side.cancel();
            }
            throw e;
        }
        return sums;
    }

    private static RangeSums finished(FutureTask<RangeSums> task, Comparison.Progress progress) throws SQLException {
        while (true) {
            try {
                return task.get(200, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                progress.at("hashing the rows where they are", 0);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ChangeSetException("interrupted while rows were hashed", e);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof SQLException sql) {
                    throw sql;
                }
                throw new IllegalStateException(e.getCause());
            }
        }
    }

    int ranges() {
        return counts.length;
    }

    long count(int range) {
        return counts[range];
    }

    long sum(int range) {
        return sums[range];
    }

    void set(int range, long count, long sum) {
        counts[range] = count;
        sums[range] = sum;
    }

    long rows() {
        long rows = 0;
        for (long count : counts) {
            rows += count;
        }
        return rows;
    }

    /** The ranges that are not the same on both sides. */
    BitSet differing(RangeSums other) {
        BitSet differing = new BitSet(counts.length);
        for (int i = 0; i < counts.length; i++) {
            if (counts[i] != other.counts[i] || sums[i] != other.sums[i]) {
                differing.set(i);
            }
        }
        return differing;
    }
}
