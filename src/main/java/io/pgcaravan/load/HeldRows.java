package io.pgcaravan.load;

import io.pgcaravan.row.RowChange;
import java.util.ArrayList;
import java.util.List;

/** Rows held back for one COPY statement: encoded, and in the careful attempt the changes they came from as well. */
final class HeldRows {

    private final String table;
    private final String copy;
    private final CopyFormat format;
    private final boolean staged;
    private CopyBuffer buffer;
    private List<RowChange> changes;
    private long rows;
    boolean listed;

    /**
     * @param table quoted name of the table, for messages
     * @param into quoted name of the table that the rows are copied into
     * @param columns quoted, comma separated
     * @param staged whether this is not yet the rows' last place, so they do not count as written
     */
    HeldRows(String table, String into, String columns, CopyFormat format, boolean staged) {
        this.table = table;
        this.staged = staged;
        this.format = format;
        this.copy = "COPY " + into + " (" + columns + ") FROM STDIN " + format.options();
    }

    CopyFormat format() {
        return format;
    }

    /** The buffer to encode the next row into. */
    CopyBuffer buffer() {
        if (buffer == null) {
            buffer = new CopyBuffer(512);
            format.header(buffer);
        }
        return buffer;
    }

    /** Bytes of memory in use. */
    int capacity() {
        return buffer == null ? 0 : buffer.array().length;
    }

    /** Bytes waiting to be written. */
    int length() {
        return rows == 0 ? 0 : buffer.length();
    }

    /** Counts the row just encoded. */
    void added(RowChange change, boolean keepChange) {
        rows++;
        if (keepChange) {
            if (changes == null) {
                changes = new ArrayList<>();
            }
            changes.add(change);
        }
    }

    /** Takes the rows out; the next row starts a new buffer. */
    Full take() {
        format.trailer(buffer);
        Full full = new Full(table, copy, buffer, rows, staged, changes);
        buffer = null;
        changes = null;
        rows = 0;
        return full;
    }

    void drop() {
        buffer = null;
        changes = null;
        rows = 0;
    }

    /**
     * Rows ready to be written.
     *
     * @param changes what each row came from, in order; null where that was not kept
     */
    record Full(String table, String copy, CopyBuffer buffer, long rows, boolean staged, List<RowChange> changes) {

        int capacity() {
            return buffer.array().length;
        }
    }
}
