package io.pgcaravan.sql;

/**
 * One partition of a destination table. One instance per partition and batch, so rows can be grouped by identity.
 *
 * @param table the partition's own name
 * @param from lower bound, inclusive, as a literal's text ({@code 2026-10-02} or {@code 2026-10-02 05:00:00}); null where the partition is not by date
 * @param to upper bound, exclusive; null like {@code from}
 */
public record Partition(TableName table, String from, String to) {

    @Override
    public String toString() {
        return table.toString();
    }
}
