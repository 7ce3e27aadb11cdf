package io.pgcaravan.partition;

import io.pgcaravan.sql.Sql;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/** Which of its parent's rows a partition takes. */
sealed interface PartitionBound {

    /** The condition that all rows of the partition meet. */
    String within(String column);

    /** The condition that all other rows meet. */
    String outside(String column);

    /** What follows {@code ATTACH PARTITION name}. */
    String forValues();

    /** For messages. */
    @Override
    String toString();

    /**
     * A stretch of time.
     *
     * @param type SQL name of the column's type; null where PostgreSQL cannot check the bounds
     * @param from inclusive
     * @param to exclusive
     */
    record Range(String type, String from, String to) implements PartitionBound {
        @Override
        public String within(String column) {
            return "%1$s is not null and %1$s operator(pg_catalog.>=) %2$s '%3$s' and %1$s operator(pg_catalog.<) %2$s '%4$s'"
                    .formatted(column, type, from, to);
        }

        @Override
        public String outside(String column) {
            return "%1$s is null or %1$s operator(pg_catalog.<) %2$s '%3$s' or %1$s operator(pg_catalog.>=) %2$s '%4$s'"
                    .formatted(column, type, from, to);
        }

        @Override
        public String forValues() {
            return "for values from ('" + from + "') to ('" + to + "')";
        }

        @Override
        public String toString() {
            return from + " to " + to;
        }
    }

    /**
     * One value.
     *
     * @param type SQL name of the column's type with its modifiers; null where PostgreSQL cannot check the bounds
     * @param equality the type's operator, qualified
     * @param value null for NULL
     */
    record Value(String type, String equality, String value) implements PartitionBound {
        @Override
        public String within(String column) {
            return value == null ? column + " is null" : column + " is not null and " + equal(column);
        }

        @Override
        public String outside(String column) {
            return value == null ? column + " is not null" : column + " is null or not (" + equal(column) + ")";
        }

        @Override
        public String forValues() {
            return "for values in (" + literal() + ")";
        }

        private String equal(String column) {
            return column + " " + equality + " " + literal() + "::" + type;
        }

        private String literal() {
            return value == null ? "null" : Sql.literal(value);
        }

        @Override
        public String toString() {
            return value == null ? "NULL" : "'" + value + "'";
        }
    }

    /** Rows whose hash leaves this remainder. */
    record Remainder(int modulus, int remainder) implements PartitionBound {
        @Override
        public String within(String column) {
            return "true";
        }

        @Override
        public String outside(String column) {
            return "false";
        }

        @Override
        public String forValues() {
            return "for values with (modulus " + modulus + ", remainder " + remainder + ")";
        }

        /**
         * What still has to be made for every hash to have a partition.
         *
         * @param there partitions that exist, of any modulus
         * @throws IllegalArgumentException where only a part of a remainder is taken
         */
        static List<Remainder> missing(List<Remainder> there, int modulus) {
            List<Remainder> missing = new ArrayList<>();
            for (int remainder = 0; remainder < modulus; remainder++) {
                Remainder one = new Remainder(modulus, remainder);
                // each partition takes 1/modulus of all hashes, so what overlaps adds up to whether all is covered
                double covered = 0;
                for (Remainder other : there) {
                    if (other.overlaps(one)) {
                        covered += Math.min(1, (double) modulus / other.modulus);
                    }
                }
                if (covered == 0) {
                    missing.add(one);
                } else if (covered < 1 - 1e-9) {
                    throw new IllegalArgumentException("there are partitions of a larger modulus for a part of " + one
                            + ": set partitions to that modulus");
                }
            }
            return missing;
        }

        private boolean overlaps(Remainder other) {
            int common = BigInteger.valueOf(modulus)
                    .gcd(BigInteger.valueOf(other.modulus))
                    .intValue();
            return remainder % common == other.remainder % common;
        }

        @Override
        public String toString() {
            return "remainder " + remainder + " of " + modulus;
        }
    }
}
