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

    private final UrlEncodedScanner scanner = new UrlEncodedScanner();
    private Event event;

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
        scanner.of(event, where, from);
        byte[] raw = event.raw();
        Shape shape = lastShape;
        if (shape == null || !scanner.scanAs(shape.names, raw, from, to)) {
            shape = shape(raw, scanner.scan(raw, from, to));
            lastShape = shape;
        }
        int[] sources = shape.sources;
        int[] bounds = new int[2 * sources.length];
        int seenInRow = 0;
        int length = 0;
        for (int i = 0; i < sources.length; i++) {
            int source = sources[i];
            bounds[2 * i] = scanner.valueFrom[source];
            bounds[2 * i + 1] = scanner.valueTo[source];
            seenInRow |= scanner.seen[source];
            length += scanner.decodedLength[source];
        }
        byte[] bytes = raw;
        if (repair != null && (seenInRow & (RAW_HIGH | ESCAPED_HIGH | HAS_ZERO)) != 0
                || !EscapedText.isUtf8(encoding, seenInRow)) {
            bytes = converted(raw, shape, bounds);
        } else if (seenInRow != 0) {
            bytes = unescaped(raw, shape, bounds, seenInRow == RAW_HIGH ? raw : new byte[length]);
        }
        EventTypes.Key key = type.key(shape.columns);
        return new RowChange(event, type.op(), key.names(), key.missing(), shape.columns, bytes, bounds, before);
    }

    /** What rows with the names of the pieces just found look like. */
    private Shape shape(byte[] raw, String encodedNames) {
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
        byte[][] encoded = new byte[scanner.pieces][];
        List<String> names = new ArrayList<>(encoded.length);
        for (int i = 0; i < encoded.length; i++) {
            encoded[i] = Arrays.copyOfRange(raw, scanner.nameFrom[i], scanner.nameTo[i]);
            names.add(name(raw, scanner.nameFrom[i], scanner.nameTo[i]));
        }
        TakenColumns.Taken columns = taken.of(names);
        Shape made = new Shape(encoded, columns.sources(), columns.columns());
        shapes.put(encodedNames, made);
        return made;
    }

    private String name(byte[] raw, int from, int to) {
        int flags = scanner.nameFlags(raw, from, to);
        if ((flags & HAS_ZERO) != 0) {
            throw scanner.bad("%00 in the column name at " + scanner.at(from) + "; PostgreSQL names cannot hold it");
        }
        byte[] bytes = new byte[to - from];
        int length = EscapedText.unescape(raw, from, to, bytes, 0);
        byte[] text = EscapedText.toUtf8(encoding, raw, from, to, flags, bytes, 0, length);
        if (text == null) {
            throw scanner.bad("the column name at " + scanner.at(from) + " is not valid " + encoding.name());
        }
        return new String(text, StandardCharsets.UTF_8);
    }

    /**
     * Decodes the values that need it, where all come out in UTF-8.
     *
     * @param bytes gets all of the row's, and {@code bounds} say where; characters outside ASCII that are not escaped can stay
     *     where they are, and then it is the event's own
     */
    private byte[] unescaped(byte[] raw, Shape shape, int[] bounds, byte[] bytes) {
        int at = 0;
        for (int i = 0; i < shape.sources.length; i++) {
            int from = bounds[2 * i];
            if (from < 0) {
                continue;
            }
            int to = bounds[2 * i + 1];
            int flags = scanner.seen[shape.sources[i]];
            if ((flags & HAS_ZERO) != 0) {
                throw hasZero(shape, i, raw, from, to);
            }
            int start = bytes == raw ? from : at;
            int end = start + to - from;
            if ((flags & ESCAPED) != 0) {
                end = EscapedText.unescape(raw, from, to, bytes, start);
            } else if (bytes != raw) {
                System.arraycopy(raw, from, bytes, start, to - from);
            }
            if ((flags & (RAW_HIGH | ESCAPED_HIGH)) != 0 && !Utf8.isValid(bytes, start, end)) {
                throw notValid(shape, i, from);
            }
            bounds[2 * i] = start;
            bounds[2 * i + 1] = end;
            at = end;
        }
        return bytes;
    }

    /** Decodes values of another encoding than UTF-8, and those that are to be repaired. */
    private byte[] converted(byte[] raw, Shape shape, int[] bounds) {
        ByteArrayOutputStream row = new ByteArrayOutputStream();
        for (int i = 0; i < shape.sources.length; i++) {
            int from = bounds[2 * i];
            if (from < 0) {
                continue;
            }
            int to = bounds[2 * i + 1];
            byte[] value = new byte[to - from];
            int length = EscapedText.unescape(raw, from, to, value, 0);
            int flags = scanner.seen[shape.sources[i]];
            bounds[2 * i] = row.size();
            if ((flags & (RAW_HIGH | ESCAPED_HIGH | HAS_ZERO)) == 0) {
                row.write(value, 0, length);
            } else if (repair == null && (flags & HAS_ZERO) != 0) {
                throw hasZero(shape, i, raw, from, to);
            } else {
                byte[] text = EscapedText.toUtf8(encoding, raw, from, to, flags, value, 0, length);
                if (text == null && repair == null) {
                    throw notValid(shape, i, from);
                }
                row.writeBytes(repair == null ? text : repaired(shape, i, flags, value, length, text));
            }
            bounds[2 * i + 1] = row.size();
        }
        return row.toByteArray();
    }

    /** @param text null where the value is none */
    private byte[] repaired(Shape shape, int column, int flags, byte[] value, int length, byte[] text) {
        Charset charset = (flags & ESCAPED_HIGH) == 0 ? StandardCharsets.UTF_8 : encoding;
        // this puts U+FFFD where bytes are no character
        String readable =
                text == null ? new String(value, 0, length, charset) : new String(text, StandardCharsets.UTF_8);
        return repair.of(event, shape.columns.names().get(column), readable, text == null)
                .getBytes(StandardCharsets.UTF_8);
    }

    private BadRowException hasZero(Shape shape, int column, byte[] raw, int from, int to) {
        return scanner.bad("column \"" + shape.columns.names().get(column) + "\" has %00 at "
                + scanner.at(EscapedText.zero(raw, from, to)) + "; PostgreSQL text cannot hold it");
    }

    private BadRowException notValid(Shape shape, int column, int from) {
        return scanner.bad("column \"" + shape.columns.names().get(column) + "\" is not valid " + encoding.name()
                + ", in the value from " + scanner.at(from));
    }
}
