package io.pgcaravan.load;

import io.pgcaravan.row.RowChange;

/**
 * How rows are written for {@code COPY table (columns) FROM STDIN} — the text format, which takes every type and leaves
 * parsing to PostgreSQL, or the binary one, which spares the target that work where the types allow it. Both leave
 * the same rows in the table.
 *
 * <p>Values are UTF-8; the session's client encoding must be UTF-8 too, as pgjdbc's always is.
 *
 * @see <a href="https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9">COPY's file formats</a>
 */
public sealed interface CopyFormat permits CopyText, CopyBinary {

    /** COPY's options, with their parentheses: goes right after {@code FROM STDIN}. */
    String options();

    /** What comes before the first row. */
    void header(CopyBuffer out);

    /**
     * Adds one row. Where this format cannot carry a value with certainty the answer is false and {@code out} is as it was;
     * the text format carries everything.
     *
     * @param positions for each of COPY's columns, in order, where the row has it; -1 for a NULL
     * @return whether the row was added
     */
    boolean append(RowChange row, int[] positions, CopyBuffer out);

    /** What comes after the last row. */
    void trailer(CopyBuffer out);

    /**
     * The binary format where every column's type has an encoder, else the text format.
     *
     * @param typeOids the target columns' {@code pg_attribute.atttypid}, in COPY's order
     */
    static CopyFormat forTypes(int[] typeOids) {
        CopyBinary binary = CopyBinary.forTypes(typeOids);
        return binary == null ? CopyText.INSTANCE : binary;
    }
}
