package io.pgcaravan.ship.format;

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.PrettyPrinter;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The JSON in files that travel, as records: a field for each component. What others wrote is read strictly: every field, no
 * other one, none twice, each of its own type.
 */
public final class StrictJson {

    /** What is written and read. */
    public static final int FORMAT = 1;

    /** Longer texts are refused before they are read. */
    public static final int MOST_BYTES = 1 << 20;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(8)
                    .maxNumberLength(19)
                    .maxStringLength(200_000)
                    .maxNameLength(100)
                    .build())
            .build();

    private static final JsonMapper MAPPER = JsonMapper.builder(FACTORY)
            .visibility(PropertyAccessor.ALL, Visibility.NONE)
            .visibility(PropertyAccessor.FIELD, Visibility.ANY)
            .visibility(PropertyAccessor.CREATOR, Visibility.ANY)
            .enable(
                    DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES,
                    DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES,
                    DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES,
                    DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS,
                    DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .defaultSetterInfo(JsonSetter.Value.construct(Nulls.FAIL, Nulls.FAIL))
            .withCoercionConfigDefaults(coercions -> Arrays.stream(CoercionInputShape.values())
                    .forEach(shape -> coercions.setCoercion(shape, CoercionAction.Fail)))
            .addModule(new SimpleModule()
                    .addSerializer(Instant.class, ToStringSerializer.instance)
                    .addDeserializer(Instant.class, new TextOf<>(Instant.class, Instant::parse))
                    .addDeserializer(UUID.class, new TextOf<>(UUID.class, StrictJson::uuid)))
            .build();

    private static final PrettyPrinter LINES =
            new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n"));

    private StrictJson() {}

    /** In one line, without its end. */
    public static String line(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A field a line. */
    static String lines(Object value) {
        try {
            return MAPPER.writer(LINES).writeValueAsString(value) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** @throws UnfinishedException where it only is not all there */
    static JsonNode parse(byte[] bytes) throws MalformedException {
        if (bytes.length > MOST_BYTES) {
            throw new MalformedException("is longer than " + MOST_BYTES + " bytes");
        }
        try {
            JsonNode tree = MAPPER.readTree(bytes);
            if (tree.isMissingNode()) {
                throw new UnfinishedException();
            }
            return tree;
        } catch (JsonEOFException e) {
            throw new UnfinishedException();
        } catch (IOException e) {
            if (e instanceof JsonParseException wrong
                    && breaksOff(bytes, wrong.getLocation().getByteOffset())) {
                throw new UnfinishedException();
            }
            throw new MalformedException("cannot be read as JSON: "
                    + e.getMessage().lines().findFirst().orElse(""));
        }
    }

    /** Whether the text ends within a word, and is right up to there. */
    private static boolean breaksOff(byte[] bytes, long wrongFrom) {
        int begins = bytes.length;
        while (begins > 0 && Character.isLetter(bytes[begins - 1])) {
            begins--;
        }
        String word = new String(bytes, begins, bytes.length - begins, StandardCharsets.US_ASCII);
        return wrongFrom >= begins && Stream.of("null", "true", "false").anyMatch(one -> one.startsWith(word));
    }

    /**
     * Reads a record.
     *
     * @throws MalformedException that names the field which is not as it should be
     */
    public static <T> T read(byte[] bytes, Class<T> type) throws MalformedException {
        JsonNode tree = parse(bytes);
        JsonNode format = tree.findValue("format");
        if (format != null && format.isInt() && format.intValue() != FORMAT) {
            throw new MalformedException("has format " + format + "; this version reads format " + FORMAT);
        }
        try {
            return MAPPER.treeToValue(tree, type);
        } catch (UnrecognizedPropertyException e) {
            throw new MalformedException("has an unknown field \"" + path(e) + "\" for format " + FORMAT);
        } catch (JsonMappingException e) {
            String why = e.getCause() instanceof IllegalArgumentException
                    ? e.getCause().getMessage()
                    : null;
            throw new MalformedException("has a missing or invalid "
                    + (e.getPath().isEmpty() ? "field" : "\"" + path(e) + "\"")
                    + (why == null ? "" : ": " + printable(why)));
        } catch (JsonProcessingException e) {
            throw new MalformedException("cannot be read: " + e.getOriginalMessage());
        }
    }

    private static String path(JsonMappingException e) {
        return printable(e.getPath().stream()
                .map(at -> at.getFieldName() == null ? String.valueOf(at.getIndex()) : at.getFieldName())
                .collect(Collectors.joining(".")));
    }

    private static UUID uuid(String text) {
        UUID id = UUID.fromString(text);
        if (!id.toString().equals(text)) {
            throw new IllegalArgumentException(text);
        }
        return id;
    }

    /** What may be shown of a text from elsewhere. */
    static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }

    /** A value that is written as a text. */
    private static final class TextOf<T> extends StdScalarDeserializer<T> {
        private static final long serialVersionUID = 1L;
        private final transient Function<String, T> parse;

        TextOf(Class<T> type, Function<String, T> parse) {
            super(type);
            this.parse = parse;
        }

        @Override
        public T deserialize(JsonParser json, DeserializationContext context) throws IOException {
            String text = json.getValueAsString();
            try {
                return parse.apply(text == null ? "" : text);
            } catch (IllegalArgumentException | DateTimeException e) {
                throw context.weirdStringException(text, handledType(), "not written as such");
            }
        }
    }
}
