package io.pgcaravan.ship.compare;

import java.sql.SQLException;
import java.util.BitSet;
import java.util.List;

/** Counts what differs, and hands it on. */
final class Tally implements Comparison.Differences {

    private final Comparison.Differences each;
    private long missing;
    private long extra;
    private long different;
    private long onTheirWay;

    Tally(Comparison.Differences each) {
        this.each = each;
    }

    @Override
    public void add(Difference difference) throws SQLException {
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

    /** How many rows were handed on. */
    long all() {
        return missing + extra + different + onTheirWay;
    }

    Comparison.Result result(
            long sourceRows,
            long targetRows,
            RowHashing hashing,
            BitSet differing,
            long listed,
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
