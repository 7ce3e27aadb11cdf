package io.pgcaravan.ship.compare;

import io.pgcaravan.ship.compare.Difference.DifferenceKind;
import io.pgcaravan.ship.format.ChangeSetException;
import java.io.IOException;
import java.sql.SQLException;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Compares the rows of both sides while they are read, each list sorted by the hashes of the keys. */
final class RowByRow {

    /** Rows with one key: a table whose key is no key at all is not compared. */
    private static final int MOST_OF_A_KEY = 100_000;

    private final Comparison.Progress progress;
    private long listed;

    RowByRow(Comparison.Progress progress) {
        this.progress = progress;
    }

    /** Rows of either side that were looked at. */
    long listed() {
        return listed;
    }

    /**
     * Reads both lists to their ends, and closes them.
     *
     * @param differences is given what differs
     * @param applied the last set that the target has, as {@link ComparedSide#known} has it; null where it is unknown
     * @param there the target's rows, of the same ranges
     */
    void merge(
            Comparison.Differences differences,
            ComparedSide source,
            RowHashing hashing,
            BitSet ranges,
            Answer.AppliedSet applied,
            HashedRows there)
            throws SQLException, IOException {
        try (there;
                HashedRows here = source.rows(hashing, ranges);
                NotedKeys noted = source.noted(hashing, ranges, applied == null ? null : applied.snapshot())) {
            HashedRows.Row s = here.next();
            HashedRows.Row t = there.next();
            while (s != null || t != null) {
                long keyHash = t == null || s != null && s.keyHash() <= t.keyHash() ? s.keyHash() : t.keyHash();
                Map<List<String>, Pair> keys = new LinkedHashMap<>();
                for (; s != null && s.keyHash() == keyHash; s = here.next()) {
                    pair(keys, s.key()).source(s.hash());
                    listed++;
                }
                for (; t != null && t.keyHash() == keyHash; t = there.next()) {
                    pair(keys, t.key()).target(t.hash());
                    listed++;
                }
                for (Map.Entry<List<String>, Pair> entry : keys.entrySet()) {
                    DifferenceKind kind = entry.getValue().kind();
                    if (kind != null) {
                        differences.add(new Difference(
                                kind, entry.getKey(), keyHash, entry.getValue().sourceSum, noted.has(keyHash)));
                    }
                }
                if ((listed & 0x1fff) < keys.size() * 2L) {
                    progress.at("comparing rows of ranges that differ", listed);
                }
            }
        }
    }

    private static Pair pair(Map<List<String>, Pair> keys, List<String> key) {
        Pair pair = keys.computeIfAbsent(key, any -> new Pair());
        if (keys.size() > MOST_OF_A_KEY) {
            throw new ChangeSetException("more keys than can be have the same hash: the key tells no rows apart");
        }
        return pair;
    }

    /** The rows of one key; more than one on a side only where nothing keeps them unique. */
    private static final class Pair {

        private long sources;
        private long sourceSum;
        private long targets;
        private long targetSum;

        void source(long hash) {
            sources++;
            sourceSum += hash;
        }

        void target(long hash) {
            targets++;
            targetSum += hash;
        }

        DifferenceKind kind() {
            if (targets == 0) {
                return DifferenceKind.MISSING;
            }
            if (sources == 0) {
                return DifferenceKind.EXTRA;
            }
            return sources == targets && sourceSum == targetSum ? null : DifferenceKind.DIFFERENT;
        }
    }
}
