package io.pgcaravan.ship.compare;

import java.util.BitSet;

/** For each range of a table's keys, how many rows it has and the sum of their hashes, modulo 2 to the 64th. */
final class RangeSums {

    private final long[] counts;
    private final long[] sums;

    RangeSums(int ranges) {
        counts = new long[ranges];
        sums = new long[ranges];
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
