package io.pgcaravan.load;

import io.pgcaravan.row.RowChange;

/** COPY's text format: tab between values, newline after a row, {@code \N} for NULL. It has no state. */
public final class CopyText implements CopyFormat {

    public static final CopyText INSTANCE = new CopyText();

    /** What follows the backslash for each byte that must be escaped, 0 for the others. */
    private static final byte[] ESCAPES = new byte[256];

    static {
        ESCAPES['\\'] = '\\';
        ESCAPES['\t'] = 't';
        ESCAPES['\n'] = 'n';
        ESCAPES['\r'] = 'r';
        ESCAPES['\b'] = 'b';
        ESCAPES['\f'] = 'f';
        ESCAPES[0x0b] = 'v';
    }

    private CopyText() {}

    @Override
    public String options() {
        return "(FORMAT text)";
    }

    @Override
    public void header(CopyBuffer out) {
        // the text format starts with the first row
    }

    @Override
    public boolean append(RowChange row, int[] positions, CopyBuffer out) {
        byte[] from = row.bytes();
        for (int column = 0; column < positions.length; column++) {
            if (column > 0) {
                out.put((byte) '\t');
            }
            int position = positions[column];
            int start = position < 0 ? -1 : row.from(position);
            if (start < 0) {
                out.put((byte) '\\');
                out.put((byte) 'N');
            } else {
                value(from, start, row.to(position), out);
            }
        }
        out.put((byte) '\n');
        return true;
    }

    @Override
    public void trailer(CopyBuffer out) {
        // the end of the copy data ends the rows
    }

    private static void value(byte[] from, int start, int end, CopyBuffer out) {
        // one check of the room for the whole value, at its longest
        byte[] to = out.room(Math.multiplyExact(2, end - start));
        int at = out.length();
        for (int i = start; i < end; i++) {
            byte b = from[i];
            byte escape = ESCAPES[b & 0xff];
            if (escape != 0) {
                to[at++] = '\\';
                to[at++] = escape;
            } else {
                to[at++] = b;
            }
        }
        out.advance(at);
    }
}
