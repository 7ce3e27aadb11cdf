package io.pgcaravan.row;

import static io.pgcaravan.row.EscapedText.ESCAPED;
import static io.pgcaravan.row.EscapedText.ESCAPED_HIGH;
import static io.pgcaravan.row.EscapedText.HAS_ZERO;
import static io.pgcaravan.row.EscapedText.RAW_HIGH;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Finds the names and values of a url-encoded row, and checks its escapes. */
final class UrlEncodedScanner {

    /** What a byte of ev_data means to the scanner; 0 is an ordinary byte. */
    private static final byte[] KINDS = new byte[256];

    private static final byte SEPARATOR = 1;
    private static final byte EQUALS = 2;
    private static final byte PERCENT = 3;
    private static final byte PLUS = 4;
    private static final byte HIGH = 5;
    private static final byte ZERO = 6;

    static {
        KINDS['&'] = SEPARATOR;
        KINDS['='] = EQUALS;
        KINDS['%'] = PERCENT;
        KINDS['+'] = PLUS;
        KINDS[0] = ZERO;
        Arrays.fill(KINDS, 128, 256, HIGH);
    }

    private Event event;
    private String part;
    private int partFrom;

    // the pieces of the row being decoded
    int pieces;
    int[] nameFrom = new int[32];
    int[] nameTo = new int[32];
    int[] valueFrom = new int[32];
    int[] valueTo = new int[32];
    int[] decodedLength = new int[32];
    int[] seen = new int[32];

    /**
     * The next row.
     *
     * @param part of the event that it is in, for messages
     */
    void of(Event event, String part, int from) {
        this.event = event;
        this.part = part;
        this.partFrom = from;
    }

    /** Finds the values of a row that has the given names; false where it has others. */
    boolean scanAs(byte[][] names, byte[] raw, int from, int to) {
        if (from == to) {
            return names.length == 0;
        }
        int at = from;
        for (int i = 0; i < names.length; i++) {
            byte[] name = names[i];
            int end = at + name.length;
            if (end > to) {
                return false;
            }
            for (int k = 0; k < name.length; k++) {
                if (raw[at + k] != name[k]) {
                    return false;
                }
            }
            if (end < to && raw[end] == '=') {
                at = scanValue(i, raw, end + 1, to) + 1;
            } else if (end == to || raw[end] == '&') {
                noValue(i);
                at = end + 1;
            } else {
                return false;
            }
        }
        return at == to + 1;
    }

    /** Finds the pieces of any row; returns its encoded names. */
    String scan(byte[] raw, int from, int to) {
        pieces = 0;
        int at = from;
        int namesLength = 0;
        while (at < to) {
            if (raw[at] == '&') {
                at++;
                continue;
            }
            int nameEnd = at;
            while (nameEnd < to && raw[nameEnd] != '=' && raw[nameEnd] != '&') {
                nameEnd++;
            }
            if (nameEnd == at) {
                throw bad("a value without a column name at " + at(at));
            }
            int piece = pieces++;
            if (pieces > nameFrom.length) {
                growPieces();
            }
            nameFrom[piece] = at;
            nameTo[piece] = nameEnd;
            namesLength += nameEnd - at + 1;
            if (nameEnd < to && raw[nameEnd] == '=') {
                at = scanValue(piece, raw, nameEnd + 1, to);
            } else {
                noValue(piece);
                at = nameEnd;
            }
        }
        byte[] names = new byte[namesLength];
        int end = 0;
        for (int i = 0; i < pieces; i++) {
            int length = nameTo[i] - nameFrom[i];
            System.arraycopy(raw, nameFrom[i], names, end, length);
            end += length;
            names[end++] = '&';
        }
        return new String(names, StandardCharsets.ISO_8859_1);
    }

    private void growPieces() {
        int capacity = 2 * nameFrom.length;
        nameFrom = Arrays.copyOf(nameFrom, capacity);
        nameTo = Arrays.copyOf(nameTo, capacity);
        valueFrom = Arrays.copyOf(valueFrom, capacity);
        valueTo = Arrays.copyOf(valueTo, capacity);
        decodedLength = Arrays.copyOf(decodedLength, capacity);
        seen = Arrays.copyOf(seen, capacity);
    }

    private void noValue(int piece) {
        value(piece, -1, -1, 0, 0);
    }

    private void value(int piece, int from, int to, int length, int flags) {
        valueFrom[piece] = from;
        valueTo[piece] = to;
        decodedLength[piece] = length;
        seen[piece] = flags;
    }

    /** Finds the end of a value, checks its escapes and notes what it holds; returns the end. */
    private int scanValue(int piece, byte[] raw, int from, int to) {
        int flags = 0;
        int saved = 0;
        int at = from;
        scan:
        while (at < to) {
            switch (KINDS[raw[at] & 0xff]) {
                case 0:
                    at++;
                    break;
                case PERCENT:
                    flags |= escape(raw, at, to);
                    saved += 2;
                    at += 3;
                    break;
                case PLUS:
                    flags |= ESCAPED;
                    at++;
                    break;
                case HIGH:
                    flags |= RAW_HIGH;
                    at++;
                    break;
                case ZERO:
                    flags |= HAS_ZERO;
                    at++;
                    break;
                case SEPARATOR:
                    break scan;
                default:
                    throw bad("a second = at " + at(at) + "; an = inside a value must be written %3d");
            }
        }
        value(piece, from, at, at - from - saved, flags);
        return at;
    }

    private int escape(byte[] raw, int at, int to) {
        int high = at + 1 < to ? EscapedText.HEX[raw[at + 1] & 0xff] : -1;
        int low = at + 2 < to ? EscapedText.HEX[raw[at + 2] & 0xff] : -1;
        if ((high | low) < 0) {
            throw bad("% without two hex digits at " + at(at) + "; a percent sign in a value must be written %25");
        }
        if (high >= 8) {
            return ESCAPED | ESCAPED_HIGH;
        }
        return (high | low) == 0 ? ESCAPED | HAS_ZERO : ESCAPED;
    }

    /** What a name holds, as bits. */
    int nameFlags(byte[] raw, int from, int to) {
        int flags = 0;
        for (int at = from; at < to; at++) {
            byte kind = KINDS[raw[at] & 0xff];
            if (kind == PERCENT) {
                flags |= escape(raw, at, to);
            } else if (kind == PLUS) {
                flags |= ESCAPED;
            } else if (kind == HIGH) {
                flags |= RAW_HIGH;
            } else if (kind == ZERO) {
                flags |= HAS_ZERO;
            }
        }
        return flags;
    }

    /** A place in the row, for messages. */
    String at(int position) {
        return "byte " + (position - partFrom + 1) + " of " + part;
    }

    BadRowException bad(String reason) {
        return new BadRowException(event, reason);
    }
}
