package io.pgcaravan.ship.compare;

import io.pgcaravan.sql.TableName;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/**
 * How the rows of a table are told apart on both sides, without being fetched: each row belongs to one of many ranges by its key
 * alone, and has a hash over the text of its columns. Nothing here depends on the order of keys, which two servers need not
 * agree on: collations differ between hosts.
 *
 * <p>Where a column of the key is a whole number, neighbours share a range: what differs often lies close together. All other
 * keys are strewn over the ranges by a hash.
 *
 * @param key raw names
 * @param columns raw names of what is compared, the key among them
 * @param block the key's column whose neighbours share a range; null for none
 * @param shift binary logarithm of how many neighbours do
 * @param ranges how many there are: a power of two
 */
record RowHashing(List<String> key, List<String> columns, String block, int shift, int ranges, Hash hash) {

    /** More would make the list of ranges itself a burden: it is held in memory, and travels. */
    static final int MOST_RANGES = 1 << 18;

    /** By what texts are hashed. */
    enum Hash {
        /** The server's own hash, three times as fast; servers of another byte order have another one. */
        FAST,
        /** The same everywhere. */
        MD5;

        /** A 64-bit number from an expression of type text. */
        String of(String text) {
            return this == FAST
                    ? "hashtextextended((" + text + ") collate \"C\", 0)"
                    : "('x' || left(md5(convert_to(" + text + ", 'UTF8')), 16))::bit(64)::bigint";
        }

        String ofNumber(String number) {
            return this == FAST ? "hashint8extended(" + number + ", 0)" : of("(" + number + ")::text");
        }
    }

    RowHashing {
        key = List.copyOf(key);
        columns = List.copyOf(columns);
        if (Integer.bitCount(ranges) != 1 || ranges > MOST_RANGES || shift < 0 || shift > 40) {
            throw new IllegalArgumentException(ranges + " ranges, shift " + shift);
        }
    }

    /**
     * @param rowsARange how many rows a range is to have, about, if the table is not too large for that
     * @param block as {@link #block}
     */
    static RowHashing of(List<String> key, List<String> columns, String block, long rows, int rowsARange, Hash hash) {
        long wanted = Math.max(1, Math.min(MOST_RANGES, rows / rowsARange));
        int ranges = Integer.highestOneBit((int) wanted);
        ranges = ranges < wanted ? ranges * 2 : ranges;
        return new RowHashing(
                key, columns, block, 31 - Integer.numberOfLeadingZeros(Math.max(1, rowsARange)), ranges, hash);
    }

    private static String row(List<String> names) {
        return "row(" + TableName.quote(names, "t.") + ")::text";
    }

    private String range() {
        String hashed;
        if (block == null) {
            hashed = hash.of(row(key));
        } else {
            String number = "(t." + TableName.quote(block) + "::bigint >> " + shift + ")";
            List<String> rest =
                    key.stream().filter(column -> !column.equals(block)).toList();
            hashed = rest.isEmpty()
                    ? hash.ofNumber(number)
                    : hash.of("row(" + number + ", " + row(rest).substring("row(".length()));
        }
        // a key that is NULL (which no primary key is) belongs somewhere, too
        return "coalesce((" + hashed + " & " + (ranges - 1) + ")::int, 0)";
    }

    /** For each range that has rows: its number, their count, and the sum of their hashes. */
    String sums(TableName table) {
        return "select " + range() + ", count(*), sum(" + hash.of(row(columns)) + ") from " + table.quoted()
                + " t group by 1";
    }

    /** For each row of some ranges: the hash of its key, that of its columns, and the key; by the first. */
    String rows(TableName table, BitSet some) {
        return "select h, " + hash.of("r") + ", "
                + key.stream()
                        .map(TableName::quote)
                        .map(name -> name + "::text")
                        .collect(Collectors.joining(", "))
                + " from (select " + hash.of(row(key)) + " as h, " + row(columns) + " as r, "
                + TableName.quote(key, "t.")
                + " from " + table.quoted() + " t where " + in(some) + " offset 0) q order by 1";
    }

    /** The hashes of keys in some ranges that a tracking table has, by themselves. */
    String keys(TableName table, String condition, BitSet some) {
        return "select distinct " + hash.of(row(key)) + " from " + table.quoted() + " t where " + condition + " and "
                + in(some) + " order by 1";
    }

    private String in(BitSet some) {
        byte[] bits = new byte[Math.max(1, ranges / 8)];
        System.arraycopy(some.toByteArray(), 0, bits, 0, some.toByteArray().length);
        return "get_bit('\\x" + HexFormat.of().formatHex(bits) + "'::bytea, " + range() + ") = 1";
    }
}
