package io.pgcaravan.row;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.TakenColumns.Taken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Decodes the events of {@code pgq.jsontriga()}, and JSON objects that producers insert by hand.
 *
 * <p>{@code ev_data} is an object of column names and values. Strings are the values' text, numbers are taken digit by digit
 * as they are written, {@code true} and {@code false} become {@code t} and {@code f} as PostgreSQL writes them, {@code null}
 * is NULL, and an object or array is its own text. Of a name that comes twice the last value counts. So a row comes out as
 * {@link UrlEncodedRows} gives it for {@code pgq.logutriga()} on the same table, but for dates and times: jsontriga always writes
 * them in ISO style, with a {@code T} before the time.
 *
 * <p>{@code ev_type} is an object with {@code op} (INSERT, UPDATE, DELETE or TRUNCATE) and {@code pkey}, or a type as
 * logutriga writes it; any other type is a row of the producer's own. The row in {@code ev_extra2} of an update ({@code
 * backup} of the trigger) becomes {@link RowChange#before()}.
 *
 * <p>JSON can say what PostgreSQL text cannot hold: {@code \\u0000}, and half of a surrogate pair. Such values, and
 * everything that is not one JSON object, are bad rows. Byte positions in messages count from 1.
 */
public final class JsonRows implements RowDecoder {

    /** Values are as long as PostgreSQL lets them be. */
    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNumberLength(Integer.MAX_VALUE)
                    .maxNameLength(Integer.MAX_VALUE)
                    .maxNestingDepth(10_000)
                    .build())
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            // it is UTF-8, whatever its first bytes look like
            .disable(JsonFactory.Feature.CHARSET_DETECTION)
            .build();

    private final TakenColumns taken;
    private final EventTypes types;
    private final EventTypes.RowReader reader = this::row;
    private final Map<List<String>, Taken> shapes = new HashMap<>();
    private List<String> lastNames;
    private Taken lastShape;

    private final CharsetEncoder utf8 = StandardCharsets.UTF_8.newEncoder();

    // the row being decoded
    private Event event;
    private Charset encoding;
    private String part;
    private final List<String> names = new ArrayList<>();
    private int[] bounds = new int[64];
    private byte[] bytes;
    private int end;

    public JsonRows(RowSelection selection) {
        this.taken = new TakenColumns(selection);
        this.types = new EventTypes(selection, true);
    }

    @Override
    public Op op(Event of) {
        return types.of(of.type()).op();
    }

    @Override
    public RowChange read(OpenBatch batch, Event next) {
        event = next;
        encoding = batch.bytesAsStored() ? batch.sourceEncoding() : StandardCharsets.UTF_8;
        try {
            return types.read(next, reader);
        } finally {
            event = null;
            bytes = null;
        }
    }

    private RowChange row(EventTypes.Type type, String where, int from, int to, RowChange before) {
        part = where;
        byte[] raw = event.raw();
        if (!encoding.equals(StandardCharsets.UTF_8)) {
            raw = inUtf8(raw, from, to);
            from = 0;
            to = raw.length;
        } else if (!Utf8.isValid(raw, from, to)) {
            throw bad(where + " is not valid UTF-8; where the source database is in SQL_ASCII, name its encoding in"
                    + " encoding of pgq:");
        }
        // No value is longer in UTF-8 than in JSON.
        bytes = new byte[to - from];
        end = 0;
        names.clear();
        try (JsonParser parser = JSON.createParser(raw, from, to - from)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw bad(where + " is not a JSON object");
            }
            for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
                value(name, parser, raw, from);
            }
            if (parser.nextToken() != null) {
                throw bad(where + " has more text after its JSON object");
            }
        } catch (JsonProcessingException e) {
            throw bad(where + " is not JSON, at byte " + (e.getLocation().getByteOffset() + 1) + ": "
                    + e.getOriginalMessage());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Taken shape = shape();
        int[] sources = shape.sources();
        int[] own = new int[2 * sources.length];
        for (int i = 0; i < sources.length; i++) {
            own[2 * i] = bounds[2 * sources[i]];
            own[2 * i + 1] = bounds[2 * sources[i] + 1];
        }
        EventTypes.Key key = type.key(shape.columns());
        return new RowChange(event, type.op(), key.names(), key.missing(), shape.columns(), bytes, own, before);
    }

    private void value(String name, JsonParser parser, byte[] raw, int from) throws IOException {
        JsonToken token = parser.nextToken();
        int piece = names.size();
        names.add(name);
        if (2 * piece == bounds.length) {
            bounds = Arrays.copyOf(bounds, 4 * piece);
        }
        int start = end;
        switch (token) {
            case VALUE_NULL -> start = -1;
            case VALUE_TRUE -> bytes[end++] = 't';
            case VALUE_FALSE -> bytes[end++] = 'f';
            case START_OBJECT, START_ARRAY -> {
                int first = from + (int) parser.currentTokenLocation().getByteOffset();
                parser.skipChildren();
                int length = from + (int) parser.currentLocation().getByteOffset() - first;
                System.arraycopy(raw, first, bytes, end, length);
                end += length;
            }
            // a string, or a number as it is written
            default -> text(name, parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
        }
        bounds[2 * piece] = start;
        bounds[2 * piece + 1] = start < 0 ? -1 : end;
    }

    /** Appends characters in UTF-8. */
    private void text(String name, char[] text, int from, int length) {
        for (int i = from; i < from + length; i++) {
            if (text[i] == 0) {
                throw bad("column \"" + name + "\" of " + part + " has \\u0000; PostgreSQL text cannot hold it");
            }
        }
        CharBuffer in = CharBuffer.wrap(text, from, length);
        ByteBuffer out = ByteBuffer.wrap(bytes, end, bytes.length - end);
        if (utf8.reset().encode(in, out, true).isMalformed()) {
            throw bad("column \"" + name + "\" of " + part + " has " + String.format("\\u%04x", (int) in.get())
                    + ", half of a surrogate pair");
        }
        end = out.position();
    }

    private Taken shape() {
        if (names.equals(lastNames)) {
            return lastShape;
        }
        Taken known = shapes.get(names);
        List<String> kept = List.copyOf(names);
        if (known == null) {
            if (kept.stream().anyMatch(name -> name.indexOf(0) >= 0)) {
                throw bad("a column name of " + part + " has \\u0000; PostgreSQL names cannot hold it");
            }
            if (shapes.size() >= TakenColumns.REMEMBERED) {
                shapes.clear();
                taken.forget();
                // they remember column sets
                types.forget();
            }
            known = taken.of(kept);
            shapes.put(kept, known);
        }
        lastNames = kept;
        lastShape = known;
        return known;
    }

    private byte[] inUtf8(byte[] raw, int from, int to) {
        try {
            return encoding.newDecoder()
                    .decode(ByteBuffer.wrap(raw, from, to - from))
                    .toString()
                    .getBytes(StandardCharsets.UTF_8);
        } catch (CharacterCodingException e) {
            throw bad(part + " is not valid " + encoding.name());
        }
    }

    private BadRowException bad(String reason) {
        return new BadRowException(event, reason);
    }
}
