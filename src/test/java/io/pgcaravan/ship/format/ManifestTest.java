package io.pgcaravan.ship.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A marker is read as it was written, and anything else is refused by the name of the field. */
class ManifestTest {

    private static final SetName NAME = new SetName("public.t", 1);

    private static String json() {
        Manifest.FileSum one = new Manifest.FileSum("public.t.000000000001.columns", 1, 3, 3, "0".repeat(64));
        Manifest.FileSum none = new Manifest.FileSum("public.t.000000000001.ids", 0, 0, 0, "0".repeat(64));
        Manifest.FileSum rows = new Manifest.FileSum("public.t.000000000001.records", 2, 9, 9, "0".repeat(64));
        return new Manifest(
                        StrictJson.FORMAT,
                        new Manifest.Source("7", "shop", "here"),
                        new Target("branch", "shop"),
                        new TableName("public", "t"),
                        List.of("id"),
                        1,
                        UUID.fromString("0b9c1c3e-0000-4000-8000-000000000001"),
                        null,
                        SetKind.FULL,
                        false,
                        "10:12:11",
                        Instant.parse("2026-01-02T03:04:05.120Z"),
                        Compression.NONE,
                        new Manifest.DataFiles(one, none, rows),
                        null,
                        null)
                .toJson();
    }

    private static Manifest read(String json) throws MalformedException {
        return Manifest.read(NAME, Manifest.sealed(json).getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void what_was_written_is_read() throws Exception {
        assertThat(json()).startsWith("{\n  \"format\" : 1,\n  \"source\" : {\n    \"system\" : \"7\",");
        assertThat(json()).contains("\"key\" : [ \"id\" ],\n  \"set\" : 1,", "\"kind\" : \"full\"");
        assertThat(json()).contains("\"exportedAt\" : \"2026-01-02T03:04:05.120Z\",\n  \"compression\" : \"none\"");
        assertThat(read(json()).toJson()).isEqualTo(json());
        assertThat(read(json()).name()).isEqualTo(NAME);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"system\" : \"7\" | \"system\" : 7 | source.system",
                "\"set\" : 1, | \"set\" : \"1\", | \"set\"",
                "\"truncated\" : false | \"truncated\" : \"false\" | truncated",
                "\"truncated\" : false | \"truncated\" : 0 | truncated",
                "\"truncated\" : false | \"truncated\" : null | truncated",
                "\"kind\" : \"full\" | \"kind\" : \"FULL\" | kind",
                "\"kind\" : \"full\" | \"kind\" : 0 | kind",
                "\"kind\" : \"full\" | \"kind\" : \"\" | kind",
                "[ \"id\" ] | \"id\" | key",
                "[ \"id\" ] | [ 1 ] | key",
                "\"rows\" : 2 | \"rows\" : 2.0 | files.records.rows",
                "\"rows\" : 2 | \"rows\" : 9223372036854775808 | files.records.rows",
                "\"rows\" : 2, |  | files.records",
                "\"rows\" : 2, | \"rows\" : 2, \"more\" : 1, | files.records.more",
                "\"host\" : \"branch\" | \"host\" : \"\" | target",
                "\"database\" : \"shop\" | \"database\" : null | database",
                "0b9c1c3e-0000-4000-8000-000000000001 | 0B9C1C3E-0000-4000-8000-000000000001 | setId",
                "2026-01-02T03:04:05.120Z | yesterday | exportedAt",
                "\"group\" : null | \"group\" : \"\" | group",
                "\"format\" : 1 | \"format\" : 2 | format 2",
            })
    void a_value_of_another_type_is_refused_by_its_name(String from, String to, String named) {
        assertThat(json()).contains(from);
        assertThatThrownBy(() -> read(json().replace(from, to == null ? "" : to)))
                .isInstanceOf(MalformedException.class)
                .isNotInstanceOf(UnfinishedException.class)
                .hasMessageContaining(named);
    }

    @Test
    void a_marker_that_breaks_off_is_waited_for() {
        String json = json();
        for (int length = 0; length < json.lastIndexOf('}'); length++) {
            String part = json.substring(0, length);
            assertThatThrownBy(() -> Manifest.read(NAME, part.getBytes(StandardCharsets.UTF_8)))
                    .as(part)
                    .isInstanceOf(UnfinishedException.class);
        }
    }
}
