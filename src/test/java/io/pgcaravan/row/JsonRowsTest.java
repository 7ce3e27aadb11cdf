package io.pgcaravan.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every JSON object is a row, whoever wrote it, or it is refused with the place of the fault. */
class JsonRowsTest {

    private static final String INSERT = "{\"op\":\"INSERT\",\"table\":[\"public\",\"t\"],\"pkey\":[\"id\"]}";

    private final JsonRows rows = new JsonRows(RowSelection.ALL);

    @Test
    void every_kind_of_value_becomes_its_text() throws SQLException {
        assertThat(decode("""
                 { "id" : 1, "none" : null, "empty" : "", "yes":true, "no":false,
                   "big":12345678901234567890123456789.10, "small":-0.0, "exp":1E+400, "exp2": 1.50e-7,
                   "list": [1, "a\\u0000", {"x": [ ] }] , "object":{ "b":1.10 ,"a":"é" }, "text":"a \\"b\\"\\\\ \\/\\b\\f\\n\\r\\t"}
                """))
                .containsExactly(
                        entry("id", "1"),
                        entry("none", null),
                        entry("empty", ""),
                        entry("yes", "t"),
                        entry("no", "f"),
                        entry("big", "12345678901234567890123456789.10"),
                        entry("small", "-0.0"),
                        entry("exp", "1E+400"),
                        entry("exp2", "1.50e-7"),
                        entry("list", "[1, \"a\\u0000\", {\"x\": [ ] }]"),
                        entry("object", "{ \"b\":1.10 ,\"a\":\"é\" }"),
                        entry("text", "a \"b\"\\ /\b\f\n\r\t"));
    }

    @Test
    void escapes_are_characters_and_surrogates_are_one() throws SQLException {
        assertThat(decode("{\"\\u0069d\":\"\\u00e9\\u20AC\\ud834\\udd1e\\u0001x\",\"raw\":\"é€𝄞\"}"))
                .containsExactly(entry("id", "é€𝄞\u0001x"), entry("raw", "é€𝄞"));
    }

    @Test
    void the_last_of_two_values_counts_in_the_first_one_s_place() throws SQLException {
        assertThat(decode("{\"a\":1,\"b\":2,\"a\":3}")).containsExactly(entry("a", "3"), entry("b", "2"));
    }

    @Test
    void an_empty_object_is_a_row_without_columns() throws SQLException {
        assertThat(decode("{}")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    {"a":"x\\u0000y"}       | column "a" of ev_data has \\u0000
                    {"a\\u0000":1}          | a column name of ev_data has \\u0000
                    {"a":"\\ud834"}         | column "a" of ev_data has \\ud834, half of a surrogate pair
                    {"a":"\\udd1ex"}        | column "a" of ev_data has \\udd1e, half of a surrogate pair
                    [1]                     | ev_data is not a JSON object
                    "x"                     | ev_data is not a JSON object
                    {"a":1} {"b":2}         | ev_data has more text after its JSON object
                    {"a":1}}                | ev_data is not JSON, at byte
                    {"a":NaN}               | ev_data is not JSON, at byte
                    {"a":01}                | ev_data is not JSON, at byte
                    {"a":[1,2}              | ev_data is not JSON, at byte
                    {"a":tru}               | ev_data is not JSON, at byte
                    {'a':1}                 | ev_data is not JSON, at byte 2
                    {"a":1,}                | ev_data is not JSON, at byte
                    id=1&a=b                | ev_data is not JSON, at byte
                    {"a":                   | ev_data is not JSON, at byte
                    """)
    void what_is_no_row_is_refused_and_says_where(String data, String said) {
        assertThatThrownBy(() -> decode(data))
                .isInstanceOf(BadRowException.class)
                .hasMessageContaining(said)
                .hasMessageContaining("event 7");
    }

    @Test
    void a_row_after_a_bad_one_is_read_as_if_nothing_had_been() throws SQLException {
        List<BadRowException> bad = new ArrayList<>();
        OpenBatch batch = new OpenBatch(null, null, StandardCharsets.UTF_8, (open, row) -> bad.add(row));
        List<RowChange> good = rows.decode(
                batch,
                List.of(event("{\"a\":1,\"b\":\"\\u0000\"}"), event("{\"a\":2}"), event(null), event("{\"a\":3}")));
        assertThat(good).extracting(row -> row.get("a")).containsExactly("2", "3");
        assertThat(bad).hasSize(2);
        assertThat(good.get(0).columns()).isSameAs(good.get(1).columns());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"default", "{", "{}", "{\"op\":\"UPSERT\"}", "{\"op\":1}", "{\"op\":\"INSERT\"", "[\"INSERT\"]"})
    void a_type_that_the_trigger_does_not_write_is_the_producer_s_own(String type) throws SQLException {
        RowChange row = rows.decode(batch(), Event.of(7, Instant.EPOCH, type, "{\"a\":1}"));
        assertThat(row.op()).isEqualTo(Op.OTHER);
        assertThat(row.key()).isEmpty();
    }

    @Test
    void types_as_logutriga_writes_them_are_understood_too() throws SQLException {
        RowChange row = rows.decode(batch(), Event.of(7, Instant.EPOCH, "D:a,b", "{\"a\":1,\"b\":2}"));
        assertThat(row.op()).isEqualTo(Op.DELETE);
        assertThat(row.key()).containsExactly("a", "b");
    }

    @Test
    void columns_and_events_are_picked_as_from_other_events() throws SQLException {
        JsonRows picked = new JsonRows(RowSelection.of("b:two, id", null, "I, D"));
        RowChange row = picked.decode(batch(), event("{\"id\":1,\"a\":2,\"b\":3}"));
        assertThat(row).containsExactly(entry("two", "3"), entry("id", "1"));
        assertThat(row.key()).containsExactly("id");
        assertThat(picked.decode(batch(), Event.of(7, Instant.EPOCH, INSERT.replace("INSERT", "UPDATE"), "{\"id\":1}")))
                .isNull();
        RowChange keyless = new JsonRows(RowSelection.of("a", null, null)).decode(batch(), event("{\"id\":1,\"a\":2}"));
        assertThat(keyless.key()).isEmpty();
        assertThat(keyless.missingKey()).isEqualTo("id");
    }

    @Test
    void bytes_of_a_source_without_an_encoding_are_what_the_job_says() throws SQLException {
        byte[] data = "{\"ü\":\"é\",\"list\":[\"ÿ\"]}".getBytes(StandardCharsets.ISO_8859_1);
        // as they come from a database in SQL_ASCII
        String bytes = new String(data, StandardCharsets.ISO_8859_1);
        OpenBatch latin = batch(StandardCharsets.ISO_8859_1);
        latin.takeBytesAsStored();
        assertThat(rows.decode(latin, Event.raw(7, INSERT, bytes.getBytes(StandardCharsets.ISO_8859_1))))
                .containsExactly(entry("ü", "é"), entry("list", "[\"ÿ\"]"));
        OpenBatch unknown = batch(StandardCharsets.UTF_8);
        unknown.takeBytesAsStored();
        assertThatThrownBy(() -> rows.decode(unknown, Event.raw(7, INSERT, data)))
                .isInstanceOf(BadRowException.class)
                .hasMessageContaining("not valid UTF-8")
                .hasMessageContaining("encoding");
    }

    private RowChange decode(String data) throws SQLException {
        return rows.decode(batch(), event(data));
    }

    private static Event event(String data) {
        return Event.of(7, Instant.EPOCH, INSERT, data, "public.t");
    }

    private static OpenBatch batch() {
        return batch(StandardCharsets.UTF_8);
    }

    private static OpenBatch batch(Charset encoding) {
        return new OpenBatch(null, null, encoding, (open, bad) -> {
            throw bad;
        });
    }
}
