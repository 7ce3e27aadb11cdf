package io.pgcaravan.row;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever is written by JSON's rules, in any of the ways producers write it, is read back as it was. */
class JsonRowsFuzzTest {

    private static final String INSERT = "{\"op\":\"INSERT\",\"table\":[\"public\",\"t\"],\"pkey\":[]}";
    private static final int[] ALPHABET =
            "abzAZ09_.-&=%+ :/\\\"',{}[]\n\t\r\b\f\u0001\u001f\u007f\u0080éßÿ€Жあ\uffff𝄞\u2028"
                    .codePoints()
                    .toArray();

    private final Random random = new Random(20261002);

    @Test
    void rows_come_back_as_they_were_written() throws SQLException {
        JsonRows rows = new JsonRows(RowSelection.ALL);
        List<String> names = new ArrayList<>();
        for (int n = 0; n < 30_000; n++) {
            // most rows are like the one before
            if (n % 10 == 0) {
                names = new ArrayList<>();
                for (int i = random.nextInt(40); i > 0; i--) {
                    names.add(text(1 + random.nextInt(4)));
                }
            }
            Map<String, Object> expected = new LinkedHashMap<>();
            StringBuilder data = new StringBuilder(space()).append('{');
            for (String name : names) {
                data.append(data.charAt(data.length() - 1) == '{' ? "" : ",").append(space());
                data.append(string(name)).append(space()).append(':').append(space());
                String written;
                String value;
                switch (random.nextInt(6)) {
                    case 0 -> {
                        written = "null";
                        value = null;
                    }
                    case 1 -> {
                        boolean yes = random.nextBoolean();
                        written = String.valueOf(yes);
                        value = yes ? "t" : "f";
                    }
                    case 2 -> {
                        written = number();
                        value = written;
                    }
                    case 3 -> {
                        written = nested(3);
                        value = written;
                    }
                    default -> {
                        value = text(random.nextInt(12));
                        written = string(value);
                    }
                }
                expected.put(name, value);
                data.append(written).append(space());
            }
            data.append('}').append(space());
            Event event = Event.of(n, Instant.EPOCH, INSERT, data.toString());

            assertThat(rows.decode(batch(), event)).as("%s", data).containsExactlyEntriesOf(expected);
        }
    }

    @Test
    void garbage_is_a_row_or_a_bad_row_and_nothing_else() throws SQLException {
        String[] pieces = {
            "{",
            "}",
            "[",
            "]",
            "\"",
            ":",
            ",",
            "\"a\"",
            "\"b\":",
            "1",
            "-",
            "e5",
            ".",
            "true",
            "null",
            "\\",
            "\\u0000",
            "\\ud834",
            "\\u00e9",
            "é",
            " ",
            "\u0000",
            "{\"a\":1}"
        };
        List<BadRowException> bad = new ArrayList<>();
        OpenBatch batch = new OpenBatch(null, null, StandardCharsets.UTF_8, (open, row) -> bad.add(row));
        JsonRows rows = new JsonRows(RowSelection.of("a,b:c", null, null, OnMissingField.IGNORE));
        int good = 0;
        for (int n = 0; n < 200_000; n++) {
            StringBuilder data = new StringBuilder(random.nextInt(4) == 0 ? "" : "{\"a\":");
            for (int i = random.nextInt(8); i > 0; i--) {
                data.append(pieces[random.nextInt(pieces.length)]);
            }
            data.append(random.nextInt(4) == 0 ? "" : "}");
            RowChange row = rows.decode(
                    batch,
                    Event.of(
                            n,
                            Instant.EPOCH,
                            "{\"op\":\"UPDATE\",\"pkey\":[\"a\"]}",
                            data.toString(),
                            "t",
                            "{\"a\":1}"));
            if (row != null) {
                good++;
                for (Object value : row.values()) {
                    assertThat(value == null || value.toString().indexOf(0) < 0).isTrue();
                }
            }
        }
        assertThat(good).isGreaterThan(1000);
        assertThat(bad).hasSize(200_000 - good);
    }

    @Test
    void bytes_that_are_no_text_are_a_bad_row() throws SQLException {
        List<BadRowException> bad = new ArrayList<>();
        OpenBatch batch = new OpenBatch(null, null, StandardCharsets.UTF_8, (open, row) -> bad.add(row));
        JsonRows rows = new JsonRows(RowSelection.ALL);
        byte[] data = "{\"a\":\"éあ𝄞\",\"b\":[\"é\"]}".getBytes(StandardCharsets.UTF_8);
        int good = 0;
        for (int n = 0; n < 20_000; n++) {
            byte[] changed = data.clone();
            changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
            RowChange row = rows.decode(batch, Event.raw(n, INSERT, changed));
            if (row != null) {
                good++;
                for (int i = 0; i < row.size(); i++) {
                    assertThat(row.isNull(i) || Utf8.isValid(row.bytes(), row.from(i), row.to(i)))
                            .isTrue();
                }
            }
        }
        assertThat(good).isPositive();
        assertThat(bad).hasSize(20_000 - good);
    }

    private String space() {
        return " \t\n\r".substring(0, random.nextInt(3) == 0 ? random.nextInt(4) : 0);
    }

    private String text(int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.appendCodePoint(ALPHABET[random.nextInt(ALPHABET.length)]);
        }
        return text.toString();
    }

    private String number() {
        String number = (random.nextBoolean() ? "-" : "")
                + (random.nextBoolean() ? "0" : "1" + "0123456789".repeat(random.nextInt(6)));
        if (random.nextBoolean()) {
            number += "." + random.nextInt(1000) + "0".repeat(random.nextInt(3));
        }
        if (random.nextBoolean()) {
            number += (random.nextBoolean() ? "e" : "E")
                    + new String[] {"", "+", "-"}[random.nextInt(3)]
                    + random.nextInt(400);
        }
        return number;
    }

    /** Nested values keep the text they were written in. */
    private String nested(int depth) {
        StringBuilder nested = new StringBuilder();
        boolean object = random.nextBoolean();
        nested.append(object ? '{' : '[').append(space());
        for (int i = random.nextInt(3); i > 0; i--) {
            nested.append(object ? string(text(2)) + ":" : "")
                    .append(depth > 0 && random.nextBoolean() ? nested(depth - 1) : string(text(3)))
                    .append(i > 1 ? "," : "");
        }
        return nested.append(object ? '}' : ']').toString();
    }

    /** The writer that the decoder has to undo, written for its clearness. */
    private String string(String text) {
        StringBuilder written = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            int at = "\"\\/\b\f\n\r\t".indexOf(c);
            boolean must = c == '"' || c == '\\' || c < ' ';
            if (at >= 0 && (must || random.nextBoolean()) && random.nextInt(4) > 0) {
                written.append('\\').append("\"\\/bfnrt".charAt(at));
            } else if (must || random.nextInt(8) == 0) {
                written.append(String.format(random.nextBoolean() ? "\\u%04x" : "\\u%04X", (int) c));
            } else {
                written.append(c);
            }
        }
        // a surrogate of which only one half is escaped is no text that could be sent
        String result = written.append('"').toString();
        return halfEscaped(result) ? '"' + escapedWhole(text) + '"' : result;
    }

    private static boolean halfEscaped(String written) {
        return !StandardCharsets.UTF_8.newEncoder().canEncode(written);
    }

    private static String escapedWhole(String text) {
        StringBuilder written = new StringBuilder();
        text.chars().forEach(c -> written.append(String.format("\\u%04x", c)));
        return written.toString();
    }

    private static OpenBatch batch() {
        return new OpenBatch(null, null, StandardCharsets.UTF_8, (open, bad) -> {
            throw bad;
        });
    }
}
