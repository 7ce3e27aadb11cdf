package io.pgcaravan.row;

import static io.pgcaravan.row.EscapedText.ESCAPED;
import static io.pgcaravan.row.EscapedText.ESCAPED_HIGH;
import static io.pgcaravan.row.EscapedText.HAS_ZERO;
import static io.pgcaravan.row.EscapedText.RAW_HIGH;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Decodes the events of {@code pgq.logutriga()}, and url-encoded rows that producers insert by hand.
 *
 * <p>{@code ev_data} is {@code col=value&col2=…}: no {@code =} is NULL, {@code col=} the empty string, {@code +} a space,
 * {@code %xx} (either case) a byte in the source database's encoding; empty pieces between two {@code &} are skipped, of a
 * name that comes twice the last value counts. Names are encoded like values and case-sensitive. Bytes that need not be
 * escaped may be, and others may stay as they are. A second {@code =} in a piece, an escape that is not two hex digits and
 * a value without a name are refused, because PgQ's own decoders do not agree on them.
 *
 * <p>{@code ev_type} is {@code I:}, {@code U:} or {@code D:} with the comma-joined names of the key's columns, neither quoted
 * nor encoded: a name that itself holds a comma reads as two. {@code R} is a TRUNCATE. Any other type is a row of the
 * producer's own. The row in {@code ev_extra2} of an update ({@code backup} of the trigger) becomes {@link
 * RowChange#before()}.
 *
 * <p>Escaped bytes are in the encoding of the source database, unescaped ones arrive in UTF-8, as PostgreSQL converted them
 * for the client. A value is one string of bytes in the source's encoding, so that a character may be partly
 * escaped: where a value has both unescaped characters outside ASCII and escaped bytes above {@code %7f}, the
 * former are first converted back. Every value comes out as valid UTF-8, or its row is a bad row.
 *
 * <p>Byte positions in messages count from 1, in {@code ev_data} as the client received it.
 *
 * <p>Not thread-safe, and cheap only when kept: it remembers the column lists it has seen.
 */
public final class UrlEncodedRows implements RowDecoder {

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

    /**
     * Rows whose encoded names are the same, in the same order.
     *
     * @param names the encoded names
     * @param sources for each column taken, which of the row's pieces has it
     */
    private record Shape(byte[][] names, int[] sources, ColumnSet columns) {}

    private final CharacterRepair repair;
    private final EventTypes types;
    private final EventTypes.RowReader reader = this::row;
    private final TakenColumns taken;
    private final Map<String, Shape> shapes = new HashMap<>();
    private Shape lastShape;
    private Charset encoding = StandardCharsets.UTF_8;

    // the pieces of the row being decoded
    private int pieces;
    private int[] nameFrom = new int[32];
    private int[] nameTo = new int[32];
    private int[] valueFrom = new int[32];
    private int[] valueTo = new int[32];
    private int[] decodedLength = new int[32];
    private int[] seen = new int[32];

    // what the row being decoded is part of, for messages
    private Event event;
    private String part;
    private int partFrom;

    public UrlEncodedRows(RowSelection selection) {
        this(selection, null);
    }

    /** @param repair null where a value that is no text makes its row a bad one */
    public UrlEncodedRows(RowSelection selection, CharacterRepair repair) {
        this.repair = repair;
        this.taken = new TakenColumns(selection);
        this.types = new EventTypes(selection, false);
    }

    @Override
    public Op op(Event of) {
        return types.of(of.type()).op();
    }

    @Override
    public RowChange read(OpenBatch batch, Event next) {
        if (batch.sourceEncoding() != encoding) {
            if (!batch.sourceEncoding().equals(encoding)) {
                // the same bytes may be other names now
                shapes.clear();
                lastShape = null;
            }
            encoding = batch.sourceEncoding();
        }
        event = next;
        try {
            return types.read(next, reader);
        } finally {
            event = null;
        }
    }

    private RowChange row(EventTypes.Type type, String where, int from, int to, RowChange before) {
        part = where;
        partFrom = from;
        byte[] raw = event.raw();
        Shape shape = lastShape;
        if (shape == null || !scanAs(shape, raw, from, to)) {
            shape = scan(raw, from, to);
            lastShape = shape;
        }
        int[] sources = shape.sources;
        int[] bounds = new int[2 * sources.length];
        int seenInRow = 0;
        int length = 0;
        for (int i = 0; i < sources.length; i++) {
            int source = sources[i];
            bounds[2 * i] = valueFrom[source];
            bounds[2 * i + 1] = valueTo[source];
            seenInRow |= seen[source];
            length += decodedLength[source];
        }
        byte[] bytes = raw;
        if (seenInRow != 0) {
            bytes = unescape(raw, shape, bounds, seenInRow, length);
        }
        EventTypes.Key key = type.key(shape.columns);
        return new RowChange(event, type.op(), key.names(), key.missing(), shape.columns, bytes, bounds, before);
    }

    /** Finds the values of a row that has the given names; false where it has others. */
    private boolean scanAs(Shape shape, byte[] raw, int from, int to) {
        byte[][] names = shape.names;
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

    /** Finds the pieces of any row, and what rows of these names look like. */
    private Shape scan(byte[] raw, int from, int to) {
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
                throw bad("a value without a column name at byte " + position(at) + " of " + part);
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
        String encodedNames = new String(names, StandardCharsets.ISO_8859_1);
        Shape known = shapes.get(encodedNames);
        if (known != null) {
            return known;
        }
        if (shapes.size() >= TakenColumns.REMEMBERED) {
            shapes.clear();
            taken.forget();
            // they remember column sets
            types.forget();
        }
        Shape made = shape(raw);
        shapes.put(encodedNames, made);
        return made;
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
                    throw bad("a second = at byte " + position(at) + " of " + part
                            + "; an = inside a value must be written %3d");
            }
        }
        value(piece, from, at, at - from - saved, flags);
        return at;
    }

    private int escape(byte[] raw, int at, int to) {
        int high = at + 1 < to ? EscapedText.HEX[raw[at + 1] & 0xff] : -1;
        int low = at + 2 < to ? EscapedText.HEX[raw[at + 2] & 0xff] : -1;
        if ((high | low) < 0) {
            throw bad("% without two hex digits at byte " + position(at) + " of " + part
                    + "; a percent sign in a value must be written %25");
        }
        if (high >= 8) {
            return ESCAPED | ESCAPED_HIGH;
        }
        return (high | low) == 0 ? ESCAPED | HAS_ZERO : ESCAPED;
    }

    /** What rows with the names of the pieces just found look like. */
    private Shape shape(byte[] raw) {
        byte[][] encoded = new byte[pieces][];
        List<String> names = new ArrayList<>(pieces);
        for (int i = 0; i < pieces; i++) {
            encoded[i] = Arrays.copyOfRange(raw, nameFrom[i], nameTo[i]);
            names.add(name(raw, nameFrom[i], nameTo[i]));
        }
        TakenColumns.Taken columns = taken.of(names);
        return new Shape(encoded, columns.sources(), columns.columns());
    }

    private String name(byte[] raw, int from, int to) {
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
        if ((flags & HAS_ZERO) != 0) {
            throw bad("%00 in the column name at byte " + position(from) + " of " + part
                    + "; PostgreSQL names cannot hold it");
        }
        byte[] bytes = new byte[to - from];
        int length = EscapedText.unescape(raw, from, to, bytes, 0);
        byte[] text = EscapedText.toUtf8(encoding, raw, from, to, flags, bytes, 0, length);
        if (text == null) {
            throw bad("the column name at byte " + position(from) + " of " + part + " is not valid " + encoding.name());
        }
        return new String(text, StandardCharsets.UTF_8);
    }

    /**
     * Decodes the values that need it; the answer holds all of the row's, and {@code bounds} say where.
     *
     * @param length the sum of the values' lengths without escapes
     */
    private byte[] unescape(byte[] raw, Shape shape, int[] bounds, int seenInRow, int length) {
        if (repair != null && (seenInRow & (RAW_HIGH | ESCAPED_HIGH | HAS_ZERO)) != 0) {
            return repaired(raw, shape, bounds);
        }
        // characters outside ASCII that are not escaped can stay where they are
        boolean inPlace = seenInRow == RAW_HIGH;
        byte[] bytes = inPlace ? raw : new byte[length];
        int at = 0;
        for (int i = 0; i < shape.sources.length; i++) {
            int from = bounds[2 * i];
            if (from < 0) {
                continue;
            }
            int to = bounds[2 * i + 1];
            int flags = seen[shape.sources[i]];
            if ((flags & HAS_ZERO) != 0) {
                throw bad("column \"" + shape.columns.names().get(i) + "\" has %00 at byte "
                        + position(EscapedText.zero(raw, from, to)) + " of " + part
                        + "; PostgreSQL text cannot hold it");
            }
            int start = inPlace ? from : at;
            int end = inPlace ? to : start + to - from;
            if ((flags & ESCAPED) != 0) {
                end = EscapedText.unescape(raw, from, to, bytes, start);
            } else if (!inPlace) {
                System.arraycopy(raw, from, bytes, start, to - from);
            }
            if ((flags & (RAW_HIGH | ESCAPED_HIGH)) != 0) {
                if (EscapedText.isUtf8(encoding, flags)) {
                    if (!Utf8.isValid(bytes, start, end)) {
                        throw notValid(shape, i, from);
                    }
                } else {
                    byte[] text = EscapedText.toUtf8(encoding, raw, from, to, flags, bytes, start, end);
                    if (text == null) {
                        throw notValid(shape, i, from);
                    }
                    int longer = text.length - (end - start);
                    bytes = longer > 0 ? Arrays.copyOf(bytes, bytes.length + longer) : bytes;
                    System.arraycopy(text, 0, bytes, start, text.length);
                    end = start + text.length;
                }
            }
            bounds[2 * i] = start;
            bounds[2 * i + 1] = end;
            at = end;
        }
        return bytes;
    }

    private byte[] repaired(byte[] raw, Shape shape, int[] bounds) {
        ByteArrayOutputStream row = new ByteArrayOutputStream();
        for (int i = 0; i < shape.sources.length; i++) {
            int from = bounds[2 * i];
            if (from < 0) {
                continue;
            }
            int to = bounds[2 * i + 1];
            byte[] value = new byte[to - from];
            int length = EscapedText.unescape(raw, from, to, value, 0);
            int flags = seen[shape.sources[i]];
            bounds[2 * i] = row.size();
            if ((flags & (RAW_HIGH | ESCAPED_HIGH | HAS_ZERO)) == 0) {
                row.write(value, 0, length);
            } else {
                byte[] text = EscapedText.toUtf8(encoding, raw, from, to, flags, value, 0, length);
                Charset charset = (flags & ESCAPED_HIGH) == 0 ? StandardCharsets.UTF_8 : encoding;
                row.writeBytes(repair.of(
                                event,
                                shape.columns.names().get(i),
                                text == null
                                        // this puts U+FFFD where bytes are no character
                                        ? new String(value, 0, length, charset)
                                        : new String(text, StandardCharsets.UTF_8),
                                text == null)
                        .getBytes(StandardCharsets.UTF_8));
            }
            bounds[2 * i + 1] = row.size();
        }
        return row.toByteArray();
    }

    private BadRowException notValid(Shape shape, int column, int from) {
        return bad("column \"" + shape.columns.names().get(column) + "\" is not valid " + encoding.name()
                + ", in the value from byte " + position(from) + " of " + part);
    }

    private int position(int at) {
        return at - partFrom + 1;
    }

    private BadRowException bad(String reason) {
        return new BadRowException(event, reason);
    }
}
