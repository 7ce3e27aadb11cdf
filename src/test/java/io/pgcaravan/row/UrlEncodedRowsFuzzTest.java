package io.pgcaravan.row;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.nio.charset.Charset;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is written by logutriga's rules, in any of the ways producers write it, is read back as it was. */
class UrlEncodedRowsFuzzTest {

    private static final int ROWS = 8_000;

    private final Random random = new Random(20261002);

    /** How a producer writes bytes. */
    private enum Writing {
        /** As logutriga does. */
        LOGUTRIGA,
        UPPER_CASE,
        /** Every byte is an escape. */
        EVERYTHING,
        /** Only what must be escaped is. */
        LEAST,
        /** Anything goes. */
        MIXED
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-8", "ISO-8859-1", "KOI8-R", "windows-1252", "EUC-JP", "windows-31j", "GBK"})
    void rows_come_back_as_they_were_written(String encoding) throws SQLException {
        Charset charset = Charset.forName(encoding);
        String alphabet = alphabet(charset);
        UrlEncodedRows rows = new UrlEncodedRows(RowSelection.ALL);
        List<String> names = new ArrayList<>();
        for (int n = 0; n < ROWS; n++) {
            // most rows are like the one before
            if (n % 10 == 0) {
                names = new ArrayList<>();
                for (int i = random.nextInt(8); i > 0; i--) {
                    names.add(text(alphabet, 1 + random.nextInt(4)));
                }
            }
            Writing writing = Writing.values()[random.nextInt(Writing.values().length)];
            Map<String, Object> expected = new LinkedHashMap<>();
            StringBuilder data = new StringBuilder();
            for (String name : names) {
                String value = random.nextInt(6) == 0 ? null : text(alphabet, random.nextInt(12));
                expected.put(name, value);
                data.append(data.isEmpty() ? "" : "&").append(encode(name, charset, writing));
                if (value != null) {
                    data.append('=').append(encode(value, charset, writing));
                }
            }
            Event event = Event.of(n, Instant.EPOCH, "I:", data.toString());

            assertThat(rows.decode(batch(charset), event))
                    .as("%s in %s: %s", writing, encoding, data)
                    .containsExactlyEntriesOf(expected);
        }
    }

    @Test
    void all_bytes_of_a_single_byte_encoding_come_through() throws SQLException {
        Charset latin1 = Charset.forName("ISO-8859-1");
        UrlEncodedRows rows = new UrlEncodedRows(RowSelection.ALL);
        for (int i = 1; i < 256; i++) {
            String text = "" + (char) i;
            for (Writing writing : Writing.values()) {
                String data = "a=" + encode(text, latin1, writing) + "&b=x";
                assertThat(rows.decode(batch(latin1), Event.of(i, Instant.EPOCH, "I:", data)))
                        .containsEntry("a", text)
                        .containsEntry("b", "x");
            }
        }
    }

    @Test
    void garbage_is_a_row_or_a_bad_row_and_nothing_else() throws SQLException {
        String pieces = "ab=&%+012fFzé\u0000 ";
        List<BadRowException> bad = new ArrayList<>();
        OpenBatch batch = new OpenBatch(null, null, Charset.forName("UTF-8"), (open, row) -> bad.add(row));
        UrlEncodedRows rows = new UrlEncodedRows(RowSelection.of("a,b,aa:c", null, null, OnMissingField.IGNORE));
        int good = 0;
        for (int n = 0; n < 100_000; n++) {
            String data = text(pieces, random.nextInt(12));
            RowChange row = rows.decode(batch, Event.of(n, Instant.EPOCH, "U:a", data, "t", text(pieces, 3)));
            if (row != null) {
                good++;
                for (Object value : row.values()) {
                    assertThat(value == null || !value.toString().contains("\u0000"))
                            .isTrue();
                }
            }
        }
        assertThat(good).isPositive();
        assertThat(bad).hasSize(100_000 - good);
    }

    private static String alphabet(Charset charset) {
        StringBuilder alphabet = new StringBuilder("abzAZ09_.-&=%+ :/\\\n\t\u0001\u007f'\"");
        for (char c : "éßÿ€Жяあア日本語表中国".toCharArray()) {
            if (charset.newEncoder().canEncode(c)) {
                alphabet.append(c);
            }
        }
        return charset.name().equals("UTF-8") ? alphabet + "𝄞" : alphabet.toString();
    }

    private String text(String alphabet, int length) {
        int[] points = alphabet.codePoints().toArray();
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.appendCodePoint(points[random.nextInt(points.length)]);
        }
        return text.toString();
    }

    /** The encoder that the decoder has to undo, written for its clearness. */
    private String encode(String text, Charset charset, Writing writing) {
        StringBuilder encoded = new StringBuilder();
        text.codePoints().forEach(point -> {
            String character = Character.toString(point);
            byte[] bytes = character.getBytes(charset);
            boolean safe = character.matches("[A-Za-z0-9_.-]");
            boolean must = "&=%+".contains(character);
            boolean raw =
                    switch (writing) {
                        case LOGUTRIGA, UPPER_CASE -> safe;
                        case EVERYTHING -> false;
                        case LEAST -> !must && point != ' ';
                        case MIXED -> !must && random.nextBoolean();
                    };
            if (raw) {
                encoded.append(character);
            } else if (point == ' '
                    && (writing != Writing.EVERYTHING && random.nextBoolean() || writing == Writing.LOGUTRIGA)) {
                encoded.append('+');
            } else {
                for (byte b : bytes) {
                    boolean literal = writing != Writing.EVERYTHING
                            && bytes.length > 1
                            && ("" + (char) (b & 0xff)).matches("[A-Za-z0-9_.-]");
                    boolean upper = writing == Writing.UPPER_CASE || writing == Writing.MIXED && random.nextBoolean();
                    // logutriga looks at bytes: the second one of a character may need no escape
                    encoded.append(literal ? "" + (char) b : String.format(upper ? "%%%02X" : "%%%02x", b));
                }
            }
        });
        return encoded.toString();
    }

    private static OpenBatch batch(Charset encoding) {
        return new OpenBatch(null, null, encoding, (open, bad) -> {
            throw bad;
        });
    }
}
