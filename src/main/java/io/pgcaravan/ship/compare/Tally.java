package io.pgcaravan.ship.compare;

import java.sql.SQLException;
import java.util.BitSet;
import java.util.List;
import java.util.function.Predicate;

/** Counts what differs, and hands it on. */
final class Tally {

    private Comparison.Differences each;
    private Predicate<Difference> wanted = difference -> true;
    private long missing;
    private long extra;
    private long different;
    private long onTheirWay;
    private long listed;

    Tally(Comparison.Differences each) {
        this.each = each;
    }

    /** Counts from 0 what is wanted; the rows that were looked at stay. */
    void startAgain(Comparison.Differences other, Predicate<Difference> these) {
        each = other;
        wanted = these;
        missing = 0;
        extra = 0;
        different = 0;
        onTheirWay = 0;
    }

    void add(Difference difference) throws SQLException {
        if (!wanted.test(difference)) {
            return;
        }
        if (difference.onItsWay()) {
            onTheirWay++;
        } else {
            switch (difference.kind()) {
                case MISSING -> missing++;
                case EXTRA -> extra++;
                case DIFFERENT -> different++;
            }
        }
        each.add(difference);
    }

    /** Another row of either side was looked at. */
    void listed() {
        listed++;
    }

    long lookedAt() {
        return listed;
    }

    long onTheirWay() {
        return onTheirWay;
    }

    /** How many rows are wrong. */
    long wrong() {
        return missing + extra + different;
    }

    Comparison.Result result(
            long sourceRows,
            long targetRows,
            RowHashing hashing,
            BitSet differing,
            long settled,
            Long sets,
            List<String> remarks) {
        return new Comparison.Result(
                sourceRows,
                targetRows,
                hashing.ranges(),
                differing.cardinality(),
                listed,
                missing,
                extra,
                different,
                onTheirWay,
                settled,
                sets,
                List.copyOf(remarks));
    }
}
