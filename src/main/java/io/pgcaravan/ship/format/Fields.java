package io.pgcaravan.ship.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonEOFException;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The fields of a JSON object that somebody else wrote, each to be asked for once, and each within its limits.
 */
public final class Fields {

    /** Longer ones are refused before they are read. */
    public static final int MOST_BYTES = 1 << 20;

    private static final int LONGEST_NAME = 63 * 4;

    private static final Pattern SNAPSHOT = Pattern.compile("\\d{1,19}:\\d{1,19}:(\\d{1,19}(,\\d{1,19})*)?");

    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(8)
                    .maxNumberLength(19)
                    .maxStringLength(200_000)
                    .maxNameLength(100)
                    .maxDocumentLength(MOST_BYTES)
                    .build())
            .build();

    private final Map<String, Object> values;

    private Fields(Map<String, Object> values) {
        this.values = values;
    }

    public static Fields parse(byte[] bytes) throws MalformedException {
        if (bytes.length > MOST_BYTES) {
            throw new MalformedException("is longer than " + MOST_BYTES + " bytes");
        }
        String text = decode(bytes);
        if (text.isEmpty()) {
            throw new UnfinishedException();
        }
        try (JsonParser json = JSON.createParser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new MalformedException("is no JSON object");
            }
            Fields fields = new Fields(object(json));
            if (json.nextToken() != null) {
                throw new MalformedException("goes on after its end");
            }
            return fields;
        } catch (JsonEOFException e) {
            throw new UnfinishedException();
        } catch (JsonParseException e) {
            if (breaksOff(text, e.getLocation().getCharOffset())) {
                throw new UnfinishedException();
            }
            throw new MalformedException("is no JSON that can be read: "
                    + e.getMessage().lines().findFirst().orElse(""));
        } catch (IOException e) {
            throw new MalformedException("is no JSON that can be read: "
                    + e.getMessage().lines().findFirst().orElse(""));
        }
    }

    /** Whether a text that is no JSON, from some character on, would be if it went on: it ends within a word or number. */
    private static boolean breaksOff(String text, long wrongFrom) {
        int begins = text.length();
        while (begins > 0 && Character.isLetter(text.charAt(begins - 1))) {
            begins--;
        }
        String word = text.substring(begins);
        return wrongFrom >= begins && Stream.of("null", "true", "false").anyMatch(one -> one.startsWith(word));
    }

    private static String decode(byte[] bytes) throws MalformedException {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer text = CharBuffer.allocate(bytes.length);
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        if (decoder.decode(in, text, false).isError()) {
            throw new MalformedException("is not UTF-8");
        }
        if (in.hasRemaining()) {
            // the first bytes of a character
            throw new UnfinishedException();
        }
        return text.flip().toString();
    }

    private static Map<String, Object> object(JsonParser json) throws IOException {
        Map<String, Object> values = new LinkedHashMap<>();
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String name = json.currentName();
            json.nextToken();
            values.put(name, value(json));
        }
        return values;
    }

    private static Object value(JsonParser json) throws IOException {
        return switch (json.currentToken()) {
            case START_OBJECT -> object(json);
            case START_ARRAY -> {
                List<Object> items = new ArrayList<>();
                while (json.nextToken() != JsonToken.END_ARRAY) {
                    items.add(value(json));
                }
                yield items;
            }
            case VALUE_NUMBER_INT -> json.getLongValue();
            case VALUE_TRUE -> Boolean.TRUE;
            case VALUE_FALSE -> Boolean.FALSE;
            case VALUE_STRING -> json.getText();
            case VALUE_NULL -> null;
            default -> throw new IOException("a value that no field has");
        };
    }

    private <T> T take(String field, Class<T> type, boolean orNull) throws MalformedException {
        if (!values.containsKey(field)) {
            throw new MalformedException("lacks \"" + field + "\"");
        }
        Object value = values.remove(field);
        if (value == null && orNull) {
            return null;
        }
        if (!type.isInstance(value)) {
            throw new MalformedException("has no proper \"" + field + "\"");
        }
        return type.cast(value);
    }

    public void end() throws MalformedException {
        if (!values.isEmpty()) {
            throw new MalformedException(
                    "has a field \"" + printable(values.keySet().iterator().next()) + "\", which format "
                            + Manifest.FORMAT + " does not know");
        }
    }

    public long number(String field, long least, long most) throws MalformedException {
        long value = take(field, Long.class, false);
        if (value < least || value > most) {
            throw new MalformedException("has " + value + " in \"" + field + "\"");
        }
        return value;
    }

    public boolean flag(String field) throws MalformedException {
        return take(field, Boolean.class, false);
    }

    public String text(String field, int longest) throws MalformedException {
        return checked(field, take(field, String.class, false), longest);
    }

    private static String checked(String field, String value, int longest) throws MalformedException {
        if (value.isEmpty() || value.length() > longest || value.indexOf('\0') >= 0) {
            throw new MalformedException("has no proper \"" + field + "\"");
        }
        return value;
    }

    /** A name of something in PostgreSQL. */
    public String name(String field) throws MalformedException {
        return text(field, LONGEST_NAME);
    }

    public TableName table(String field) throws MalformedException {
        Fields table = object(field);
        TableName name = new TableName(table.name("schema"), table.name("name"));
        table.end();
        return name;
    }

    /** A name of something in PostgreSQL, or nothing. */
    public String textOrNull(String field) throws MalformedException {
        String text = take(field, String.class, true);
        return text == null ? null : checked(field, text, LONGEST_NAME);
    }

    public UUID uuid(String field) throws MalformedException {
        return uuid(field, take(field, String.class, false));
    }

    public UUID uuidOrNull(String field) throws MalformedException {
        String text = take(field, String.class, true);
        return text == null ? null : uuid(field, text);
    }

    private static UUID uuid(String field, String text) throws MalformedException {
        try {
            UUID id = UUID.fromString(text);
            if (id.toString().equals(text)) {
                return id;
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        throw new MalformedException("has no proper \"" + field + "\"");
    }

    public Instant instant(String field) throws MalformedException {
        try {
            return Instant.parse(text(field, 40));
        } catch (DateTimeException e) {
            throw new MalformedException("has no proper \"" + field + "\"");
        }
    }

    public Fields object(String field) throws MalformedException {
        return new Fields(map(take(field, Map.class, false)));
    }

    public Fields objectOrNull(String field) throws MalformedException {
        Map<?, ?> value = take(field, Map.class, true);
        return value == null ? null : new Fields(map(value));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Map<?, ?> value) {
        return (Map<String, Object>) value;
    }

    private List<?> items(String field, int most) throws MalformedException {
        List<?> items = take(field, List.class, false);
        if (items.isEmpty() || items.size() > most) {
            throw new MalformedException("has " + items.size() + " items in \"" + field + "\"");
        }
        return items;
    }

    public List<Fields> objects(String field, int most) throws MalformedException {
        List<Fields> objects = new ArrayList<>();
        for (Object item : items(field, most)) {
            if (!(item instanceof Map<?, ?> object)) {
                throw new MalformedException("has no proper \"" + field + "\"");
            }
            objects.add(new Fields(map(object)));
        }
        return objects;
    }

    public List<String> texts(String field, int most) throws MalformedException {
        List<String> texts = new ArrayList<>();
        for (Object item : items(field, most)) {
            if (!(item instanceof String text)) {
                throw new MalformedException("has no proper \"" + field + "\"");
            }
            texts.add(checked(field, text, LONGEST_NAME));
        }
        return texts;
    }

    /** A {@code pg_snapshot} as PostgreSQL prints it. */
    public String snapshot(String field) throws MalformedException {
        String snapshot = text(field, 100_000);
        if (!SNAPSHOT.matcher(snapshot).matches()) {
            throw new MalformedException("has no snapshot in \"" + field + "\"");
        }
        return snapshot;
    }

    /** What may be shown of a text from elsewhere. */
    static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
