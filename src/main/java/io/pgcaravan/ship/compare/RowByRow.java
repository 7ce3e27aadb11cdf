package io.pgcaravan.ship.compare;

import io.pgcaravan.ship.compare.Difference.Kind;
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

    private final Tally tally;
    private final Comparison.Progress progress;

    RowByRow(Tally tally, Comparison.Progress progress) {
        this.tally = tally;
        this.progress = progress;
    }

    /**
     * Reads both lists to their ends, and closes them.
     *
     * @param applied the last set that the target has, as {@link ComparedSide#known} has it; null where it is unknown
     * @param there the target's rows, of the same ranges
     */
    void merge(ComparedSide source, RowHashing hashing, BitSet ranges, Answer.Applied applied, HashedRows there)
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
                    tally.listed();
                }
                for (; t != null && t.keyHash() == keyHash; t = there.next()) {
                    pair(keys, t.key()).target(t.hash());
                    tally.listed();
                }
                for (Map.Entry<List<String>, Pair> entry : keys.entrySet()) {
                    Kind kind = entry.getValue().kind();
                    if (kind != null) {
                        tally.add(new Difference(
                                kind, entry.getKey(), keyHash, entry.getValue().sourceSum, noted.has(keyHash)));
                    }
                }
                if ((tally.lookedAt() & 0x1fff) < keys.size() * 2L) {
                    progress.at("comparing rows of ranges that differ", tally.lookedAt());
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

        Kind kind() {
            if (targets == 0) {
                return Kind.MISSING;
            }
            if (sources == 0) {
                return Kind.EXTRA;
            }
            return sources == targets && sourceSum == targetSum ? null : Kind.DIFFERENT;
        }
    }
}
