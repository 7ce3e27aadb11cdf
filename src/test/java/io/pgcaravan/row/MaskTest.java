package io.pgcaravan.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.queue.Batch;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each rule makes of a value what it says, and a mistaken mask lets nothing through. */
class MaskTest {

    private static final OpenBatch BATCH = new OpenBatch(
            new Batch("q", "c", 1, 2, Instant.EPOCH, 0, 1, Instant.EPOCH, 0),
            null,
            StandardCharsets.UTF_8,
            (batch, badRow) -> {
                throw badRow;
            });

    private static MaskedRows rows(String mask, String fields) {
        RowSelection selection = RowSelection.of(fields, null, null);
        RowDecoder rows = new UrlEncodedRows(selection);
        return new MaskedRows(
                rows,
                rows,
                selection,
                Mask.of(mask, "salt"),
                new UrlEncodedRows(RowSelection.ALL),
                RowText.URL_ENCODED);
    }

    private static RowChange read(String mask, String type, String data) {
        return rows(mask, "*").read(BATCH, Event.of(1, Instant.EPOCH, type, data));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        bool    | f       | t
        mask    | john    | ***
        first1  | john    | j***
        first1  | j       | ***
        last4   | 12345678| ***5678
        last4   | 1234567 | ***
        first1  | ūdens   | ū***
        domain  | a%40b.c | ***@b.c
        domain  | nobody  | ***
        =n/a    | john    | n/a
        """)
    void a_value_becomes(String rule, String value, String masked) {
        RowChange row = read("v:" + rule, "I:id", "id=1&v=" + value + "&w=x");
        assertThat(row)
                .containsEntry("v", masked)
                .containsEntry("id", "1")
                .containsEntry("w", "x")
                .hasSize(3);
    }

    @Test
    void hashes_are_stable_fit_their_types_and_depend_on_the_secret() {
        RowChange row = read("a:hash, b:hash64, c:hash32, d:hash, e:null", "I:id", "id=1&a=x&b=x&c=x&d=x&e=x");

        assertThat((String) row.get("a")).matches("[0-9a-f]{32}").isEqualTo(row.get("d"));
        long longer = Long.parseLong((String) row.get("b"));
        int shorter = Integer.parseInt((String) row.get("c"));
        assertThat("%016x".formatted(longer)).isEqualTo(((String) row.get("a")).substring(0, 16));
        assertThat("%08x".formatted(shorter)).isEqualTo(((String) row.get("a")).substring(0, 8));
        assertThat(row.get("e")).isNull();
        Map<String, Object> other = new HashMap<>(new MaskedRows(
                        new UrlEncodedRows(RowSelection.ALL),
                        new UrlEncodedRows(RowSelection.ALL),
                        RowSelection.ALL,
                        Mask.of("a:hash", "another"),
                        new UrlEncodedRows(RowSelection.ALL),
                        RowText.URL_ENCODED)
                .read(BATCH, Event.of(1, Instant.EPOCH, "I:id", "id=1&a=x")));
        assertThat(other.get("a")).isNotEqualTo(row.get("a"));
    }

    @Test
    void null_stays_null_and_the_row_before_is_masked_too() {
        RowChange row = rows("v:hash, w:=fixed", "*")
                .read(BATCH, Event.of(1, Instant.EPOCH, "U:id", "id=1&v&w", null, "id=1&v=old&w=x"));

        assertThat(row.get("v")).isNull();
        assertThat(row.get("w")).isNull();
        assertThat((String) row.before().get("v")).hasSize(32);
        assertThat(row.before()).containsEntry("w", "fixed");
    }

    @Test
    void a_copied_column_is_masked_under_all_its_names() {
        RowChange row =
                rows("v:mask", "id, v, v:again").read(BATCH, Event.of(1, Instant.EPOCH, "I:id", "id=1&v=secret"));

        assertThat(row).containsEntry("v", "***").containsEntry("again", "***");
    }

    @Test
    void a_key_survives_only_rules_that_keep_values_apart() {
        assertThat(read("id:hash", "U:id", "id=1").key()).containsExactly("id");
        assertThat(read("id:hash64", "U:id", "id=1").key()).containsExactly("id");
        for (String rule : new String[] {"hash32", "null", "mask", "last4", "domain", "bool", "=1"}) {
            RowChange row = read("id:" + rule, "U:id", "id=1");
            assertThat(row.key()).as(rule).isEmpty();
            assertThat(row.missingKey()).isEqualTo("id");
        }
    }

    @Test
    void a_row_without_the_masked_column_and_one_that_cannot_be_decoded_are_bad_rows_that_show_nothing() {
        assertThatThrownBy(() -> read("emial:hash", "I:id", "id=1&email=secret"))
                .isInstanceOf(BadRowException.class)
                .hasMessageContaining("the row has no column \"emial\", which is to be masked")
                .message()
                .doesNotContain("secret");
        assertThatThrownBy(() -> read("email:hash", "I:id", "id=1&email=secret%zz"))
                .isInstanceOf(BadRowException.class)
                .hasMessageContaining("cannot be decoded")
                .hasNoCause()
                .message()
                .doesNotContain("secret");
    }

    @Test
    void an_event_is_kept_masked_and_not_masked_again() {
        MaskedRows rows = rows("email:hash, name:first1", "id, email:mail, name");
        Event event = Event.of(
                7,
                Instant.EPOCH,
                "U:id",
                "id=1&email=j%40x.org&name=J%c3%b6hn+%26+co&other=+%3d",
                "public.people",
                "id=1&email=old&name&other",
                "secret of a trigger",
                "another");
        RowChange row = rows.read(BATCH, event);

        Event kept = event.redacted(BATCH);

        assertThat(kept.masked()).isTrue();
        assertThat(kept.data()).isEqualTo("id=1&email=" + row.get("mail") + "&name=J%2a%2a%2a&other=+%3d");
        assertThat(kept.extra(1)).isEqualTo("public.people");
        assertThat(kept.extra(2))
                .startsWith("id=1&email=")
                .doesNotContain("old")
                .endsWith("&name&other");
        assertThat(kept.extra(3)).isNull();
        assertThat(kept.extra(4)).isNull();
        assertThat(new HashMap<>(rows.read(BATCH, kept))).isEqualTo(new HashMap<>(row));
        assertThat(kept.redacted(BATCH)).isSameAs(kept);

        Event broken = Event.of(8, Instant.EPOCH, "I:id", "id=1&email=j%zz&name=John");
        assertThatThrownBy(() -> rows.read(BATCH, broken)).isInstanceOf(BadRowException.class);
        assertThat(broken.redacted(BATCH).data()).isNull();
        assertThatThrownBy(() -> rows.read(BATCH, broken.redacted(BATCH)))
                .hasMessageContaining("they could not be masked");
    }

    @Test
    void all_mistakes_are_listed() {
        assertThatThrownBy(() -> Mask.of("a:hash, b:rot13, :null, c, a:null, d:hash64", null))
                .hasMessageContaining("maskSecret is missing")
                .hasMessageContaining("column \"b\" has the unknown rule \"rot13\"; allowed are hash, hash32")
                .hasMessageContaining("invalid mask \":null\"")
                .hasMessageContaining("invalid mask \"c\"")
                .hasMessageContaining("names column \"a\" twice");
        assertThatThrownBy(() -> rows("x:null", "id, email"))
                .hasMessageContaining("mask names column \"x\", which fields or skipFields leave out");
        assertThat(Mask.of(" ", null)).isNull();
    }
}
