package io.pgcaravan.row;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
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

    /** Distinct column lists to remember; there are a handful unless a producer makes them up. */
    private static final int REMEMBERED = 1000;

    /** What a byte of ev_data means to the scanner; 0 is an ordinary byte. */
    private static final byte[] KINDS = new byte[256];

    private static final byte[] HEX = new byte[256];

    private static final byte SEPARATOR = 1;
    private static final byte EQUALS = 2;
    private static final byte PERCENT = 3;
    private static final byte PLUS = 4;
    private static final byte HIGH = 5;
    private static final byte ZERO = 6;

    // what the scanner saw in a value, as bits
    private static final int ESCAPED = 1;
    private static final int RAW_HIGH = 2;
    private static final int ESCAPED_HIGH = 4;
    private static final int HAS_ZERO = 8;

    static {
        KINDS['&'] = SEPARATOR;
        KINDS['='] = EQUALS;
        KINDS['%'] = PERCENT;
        KINDS['+'] = PLUS;
        KINDS[0] = ZERO;
        Arrays.fill(KINDS, 128, 256, HIGH);
        for (int i = 0; i < 256; i++) {
            HEX[i] = (byte) Character.digit(i < 128 ? i : 0, 16);
        }
    }

    /**
     * Rows whose encoded names are the same, in the same order.
     *
     * @param names the encoded names
     * @param sources for each column taken, which of the row's pieces has it
     */
    private record Shape(byte[][] names, int[] sources, ColumnSet columns) {}

    private final RowSelection selection;
    private final CharacterRepair repair;
    private final EventTypes types;
    private final EventTypes.RowReader reader = this::row;
    private final Map<String, Shape> shapes = new HashMap<>();
    private final Map<List<String>, ColumnSet> columnSets = new HashMap<>();
    private Shape lastShape;
    private Charset encoding = StandardCharsets.UTF_8;
    private boolean utf8 = true;

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
        this.selection = selection;
        this.repair = repair;
        this.types = EventTypes.logutriga(selection);
    }

    @Override
    public Op op(Event of) {
        return types.of(of.type()).op();
    }

    @Override
    public RowChange read(OpenBatch batch, Event next) {
        if (batch.sourceEncoding() != encoding) {
            useEncoding(batch.sourceEncoding());
        }
        event = next;
        try {
            return types.read(next, reader);
        } finally {
            event = null;
        }
    }

    private void useEncoding(Charset charset) {
        boolean same = charset.equals(encoding);
        encoding = charset;
        if (same) {
            return;
        }
        utf8 = charset.equals(StandardCharsets.UTF_8);
        // the same bytes may be other names now
        shapes.clear();
        lastShape = null;
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
        if (shapes.size() >= REMEMBERED) {
            shapes.clear();
            columnSets.clear();
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
        valueFrom[piece] = -1;
        valueTo[piece] = -1;
        decodedLength[piece] = 0;
        seen[piece] = 0;
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
        valueFrom[piece] = from;
        valueTo[piece] = at;
        decodedLength[piece] = at - from - saved;
        seen[piece] = flags;
        return at;
    }

    private int escape(byte[] raw, int at, int to) {
        int high = at + 1 < to ? HEX[raw[at + 1] & 0xff] : -1;
        int low = at + 2 < to ? HEX[raw[at + 2] & 0xff] : -1;
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
        Map<String, Integer> last = new LinkedHashMap<>();
        for (int i = 0; i < pieces; i++) {
            encoded[i] = Arrays.copyOfRange(raw, nameFrom[i], nameTo[i]);
            last.put(name(raw, nameFrom[i], nameTo[i]), i);
        }
        List<String> names = new ArrayList<>();
        List<Integer> sources = new ArrayList<>();
        selection.pick(last, (target, piece) -> {
            names.add(target);
            sources.add(piece);
        });
        ColumnSet columns =
                names.isEmpty() ? ColumnSet.NONE : columnSets.computeIfAbsent(List.copyOf(names), ColumnSet::new);
        return new Shape(encoded, sources.stream().mapToInt(Integer::intValue).toArray(), columns);
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
        int length = unescape(raw, from, to, bytes, 0);
        if ((flags & (RAW_HIGH | ESCAPED_HIGH)) != 0) {
            byte[] text = toUtf8(raw, from, to, flags, bytes, 0, length);
            if (text == null) {
                throw bad("the column name at byte " + position(from) + " of " + part + " is not valid "
                        + encoding.name());
            }
            return new String(text, StandardCharsets.UTF_8);
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
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
        // characters outside ASCII that nobody escaped can stay where they are
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
                        + position(zero(raw, from, to)) + " of " + part + "; PostgreSQL text cannot hold it");
            }
            if (inPlace) {
                if (flags != 0 && !Utf8.isValid(raw, from, to)) {
                    throw notValid(shape, i, from);
                }
                continue;
            }
            int end;
            if ((flags & ESCAPED) == 0) {
                end = at + to - from;
                System.arraycopy(raw, from, bytes, at, to - from);
            } else {
                end = unescape(raw, from, to, bytes, at);
            }
            if ((flags & (RAW_HIGH | ESCAPED_HIGH)) != 0) {
                if (utf8 || (flags & ESCAPED_HIGH) == 0) {
                    if (!Utf8.isValid(bytes, at, end)) {
                        throw notValid(shape, i, from);
                    }
                } else {
                    byte[] text = toUtf8(raw, from, to, flags, bytes, at, end);
                    if (text == null) {
                        throw notValid(shape, i, from);
                    }
                    int longer = text.length - (end - at);
                    if (longer > 0) {
                        bytes = Arrays.copyOf(bytes, bytes.length + longer);
                    }
                    System.arraycopy(text, 0, bytes, at, text.length);
                    end = at + text.length;
                }
            }
            bounds[2 * i] = at;
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
            int length = unescape(raw, from, to, value, 0);
            int flags = seen[shape.sources[i]];
            bounds[2 * i] = row.size();
            if ((flags & (RAW_HIGH | ESCAPED_HIGH | HAS_ZERO)) == 0) {
                row.write(value, 0, length);
            } else {
                byte[] text = toUtf8(raw, from, to, flags, value, 0, length);
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

    /** Decodes escapes that were checked before; returns the end of what it wrote. */
    private static int unescape(byte[] raw, int from, int to, byte[] out, int start) {
        int end = start;
        for (int at = from; at < to; at++) {
            byte b = raw[at];
            if (b == '%') {
                b = (byte) (HEX[raw[at + 1] & 0xff] << 4 | HEX[raw[at + 2] & 0xff]);
                at += 2;
            } else if (b == '+') {
                b = ' ';
            }
            out[end++] = b;
        }
        return end;
    }

    /**
     * A value in UTF-8, null where its bytes are no text in the source's encoding.
     *
     * @param raw holds the encoded value from {@code from} to {@code to}
     * @param bytes holds the same without escapes, from {@code start} to {@code end}
     */
    private byte[] toUtf8(byte[] raw, int from, int to, int flags, byte[] bytes, int start, int end) {
        if (utf8 || (flags & ESCAPED_HIGH) == 0) {
            return Utf8.isValid(bytes, start, end) ? Arrays.copyOfRange(bytes, start, end) : null;
        }
        try {
            ByteBuffer source = (flags & RAW_HIGH) == 0
                    ? ByteBuffer.wrap(bytes, start, end - start)
                    : inSourceEncoding(raw, from, to);
            CharBuffer text = encoding.newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(source);
            return text.toString().getBytes(StandardCharsets.UTF_8);
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    /** The bytes of a partly escaped value as the source database stored them. */
    private ByteBuffer inSourceEncoding(byte[] raw, int from, int to) throws CharacterCodingException {
        ByteArrayOutputStream source = new ByteArrayOutputStream(to - from);
        byte[] piece = new byte[to - from];
        int at = from;
        while (at < to) {
            int end = at;
            while (end < to && raw[end] < 0) {
                end++;
            }
            if (end > at) {
                CharBuffer characters = StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT)
                        .decode(ByteBuffer.wrap(raw, at, end - at));
                ByteBuffer encoded = encoding.newEncoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT)
                        .encode(characters);
                source.write(encoded.array(), encoded.arrayOffset(), encoded.remaining());
                at = end;
            }
            while (end < to && raw[end] >= 0) {
                end++;
            }
            source.write(piece, 0, unescape(raw, at, end, piece, 0));
            at = end;
        }
        return ByteBuffer.wrap(source.toByteArray());
    }

    private static int zero(byte[] raw, int from, int to) {
        for (int at = from; at < to; at++) {
            if (raw[at] == 0 || raw[at] == '%' && raw[at + 1] == '0' && raw[at + 2] == '0') {
                return at;
            }
        }
        return from;
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
