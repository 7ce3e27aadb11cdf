package io.pgcaravan.load;

import io.pgcaravan.row.RowChange;

/**
 * COPY's binary format, for columns of common types. A value is encoded only where its text means exactly one thing
 * whatever the session's settings; for any other the row is declined, and PostgreSQL's own parser decides over the text format.
 *
 * @see <a href="https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4">COPY's binary format</a>
 */
public final class CopyBinary implements CopyFormat {

    private static final byte[] SIGNATURE = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0};

    private final BinaryValue[] columns;

    private CopyBinary(BinaryValue[] columns) {
        this.columns = columns;
    }

    /**
     * An encoder for columns of these types.
     *
     * @param typeOids {@code pg_attribute.atttypid}, in COPY's order
     * @return null where a type has no encoder
     */
    public static CopyBinary forTypes(int[] typeOids) {
        BinaryValue[] columns = new BinaryValue[typeOids.length];
        for (int i = 0; i < typeOids.length; i++) {
            columns[i] = BinaryValue.ofType(typeOids[i]);
            if (columns[i] == null) {
                return null;
            }
        }
        return new CopyBinary(columns);
    }

    @Override
    public String options() {
        return "(FORMAT binary)";
    }

    @Override
    public void header(CopyBuffer out) {
        out.put(SIGNATURE, 0, SIGNATURE.length);
        // no flags, no header extension
        out.putLong(0);
    }

    @Override
    public boolean append(RowChange row, int[] positions, CopyBuffer out) {
        int mark = out.length();
        byte[] from = row.bytes();
        out.putShort(columns.length);
        for (int column = 0; column < columns.length; column++) {
            int position = positions[column];
            int start = position < 0 ? -1 : row.from(position);
            if (start < 0) {
                out.putInt(-1);
            } else if (!columns[column].write(from, start, row.to(position), out)) {
                out.truncate(mark);
                return false;
            }
        }
        return true;
    }

    @Override
    public void trailer(CopyBuffer out) {
        out.putShort(-1);
    }
}
