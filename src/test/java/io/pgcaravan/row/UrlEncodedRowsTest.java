package io.pgcaravan.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UrlEncodedRowsTest {

    private final UrlEncodedRows rows = new UrlEncodedRows(RowSelection.ALL);

    @Test
    void no_equals_sign_is_null_and_nothing_behind_it_the_empty_string() throws SQLException {
        RowChange row = decode("id=1&note&title=");

        assertThat(row.columns().names()).containsExactly("id", "note", "title");
        assertThat(row.get("id")).isEqualTo("1");
        assertThat(row.get("note")).isNull();
        assertThat(row.isNull(1)).isTrue();
        assertThat(row.get("title")).isEqualTo("");
        assertThat(row.isNull(2)).isFalse();
    }

    @Test
    void a_null_may_stand_first_and_last() throws SQLException {
        assertThat(decode("a&b=1&c")).containsExactlyEntriesOf(linked("a", null, "b", "1", "c", null));
        // the same names again, by the way for rows of a known shape
        assertThat(decode("a=1&b&c=3")).containsExactlyEntriesOf(linked("a", "1", "b", null, "c", "3"));
        assertThat(decode("a&b&c")).containsExactlyEntriesOf(linked("a", null, "b", null, "c", null));
    }

    @Test
    void plus_is_a_space_and_escapes_take_either_case() throws SQLException {
        assertThat(decode("t=a+b%2b%2Bc%3d%26%25").get("t")).isEqualTo("a b++c=&%");
    }

    @Test
    void unescaped_bytes_are_taken_as_they_are() throws SQLException {
        assertThat(decode("t=12:30/é€𝄞,\"x\";{}").get("t")).isEqualTo("12:30/é€𝄞,\"x\";{}");
    }

    @Test
    void multi_byte_characters_may_be_escaped_as_a_whole_and_in_part() throws SQLException {
        assertThat(decode("t=%e2%82%ac%F0%9D%84%9E").get("t")).isEqualTo("€𝄞");
    }

    @Test
    void names_are_encoded_too_and_case_sensitive() throws SQLException {
        RowChange row = decode("Order+Id=1&order+id=2&%c3%a9%3d=3");

        assertThat(row.columns().names()).containsExactly("Order Id", "order id", "é=");
        assertThat(row.get("Order Id")).isEqualTo("1");
        assertThat(row.get("order id")).isEqualTo("2");
        assertThat(row.get("é=")).isEqualTo("3");
    }

    @Test
    void the_last_of_two_values_counts() throws SQLException {
        assertThat(decode("a=1&b=2&a=3")).containsExactlyEntriesOf(linked("a", "3", "b", "2"));
        assertThat(decode("a=1&b=2&%61")).containsExactlyEntriesOf(linked("a", null, "b", "2"));
    }

    @Test
    void empty_pieces_are_skipped() throws SQLException {
        RowChange plain = decode("a=1&b=2");
        RowChange row = decode("&&a=1&&&b=2&");

        assertThat(row).containsExactlyEntriesOf(linked("a", "1", "b", "2"));
        assertThat(row.columns()).isSameAs(plain.columns());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "&", "&&&"})
    void nothing_is_a_row_without_columns(String data) throws SQLException {
        assertThat(decode(data)).isEmpty();
        assertThat(decode(data).columns().size()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "a=b=c,            a second = at byte 4 of ev_data",
        "id=1&a=b%3d=,     a second = at byte 12 of ev_data",
        "a=%zz,            % without two hex digits at byte 3 of ev_data",
        "id=7&a=x%2,       % without two hex digits at byte 9 of ev_data",
        "a=%,              % without two hex digits at byte 3 of ev_data",
        "a=%2&b=1,         % without two hex digits at byte 3 of ev_data",
        "a=%é1,            % without two hex digits at byte 3 of ev_data",
        "a%g0=1,           % without two hex digits at byte 2 of ev_data",
        "a%6&b=1,          % without two hex digits at byte 2 of ev_data",
        "=1,               a value without a column name at byte 1 of ev_data",
        "a=1&=2,           a value without a column name at byte 5 of ev_data",
        "a=x%00y,          column \"a\" has %00 at byte 4 of ev_data; PostgreSQL text cannot hold it",
        "b%00=1,           %00 in the column name at byte 1 of ev_data",
        "a=1&b=%c3,        'column \"b\" is not valid UTF-8, in the value from byte 7 of ev_data'",
        "a=%ed%a0%80,      column \"a\" is not valid UTF-8",
        "a=%c0%80,         column \"a\" is not valid UTF-8",
        "a=%f4%90%80%80,   column \"a\" is not valid UTF-8",
        "a=é%a9,           column \"a\" is not valid UTF-8",
        "%ff=1,            the column name at byte 1 of ev_data is not valid UTF-8",
    })
    void what_cannot_be_read_is_refused_with_its_place(String data, String reason) {
        assertThatExceptionOfType(BadRowException.class)
                .isThrownBy(() -> decode(data))
                .withMessageStartingWith("event 5 (I:id): ")
                .withMessageContaining(reason);
        // whether or not rows of that shape are known
        assertThatExceptionOfType(BadRowException.class)
                .isThrownBy(() -> decode(data))
                .withMessageContaining(reason);
    }

    @Test
    void a_bad_row_among_good_ones_leaves_only_itself_out() throws SQLException {
        List<BadRowException> rejected = new ArrayList<>();
        OpenBatch batch = new OpenBatch(null, null, StandardCharsets.UTF_8, (open, bad) -> rejected.add(bad));

        List<RowChange> good = rows.decode(
                batch, List.of(event(1, "I:id", "id=1"), event(2, "I:id", "id=%zz"), event(3, "I:id", "id=3")));

        assertThat(good).extracting(row -> row.event().id()).containsExactly(1L, 3L);
        assertThat(rejected).extracting(bad -> bad.event().id()).containsExactly(2L);
    }

    @Test
    void a_zero_byte_in_a_column_that_is_not_taken_does_no_harm() throws SQLException {
        UrlEncodedRows picked = new UrlEncodedRows(RowSelection.of("id", null, null));

        assertThat(picked.decode(batch(), event(1, "I:id", "id=1&junk=%00%ff")))
                .containsExactlyEntriesOf(linked("id", "1"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"I:id", "U:id", "D:id", "I", "order"})
    void null_data_are_refused_where_a_row_is_expected(String type) {
        assertThatExceptionOfType(BadRowException.class)
                .isThrownBy(() -> rows.decode(batch(), event(5, type, null)))
                .withMessageContaining("ev_data is NULL");
    }

    @Test
    void a_truncate_has_no_row() throws SQLException {
        for (String data : new String[] {null, ""}) {
            RowChange row = rows.decode(batch(), event(5, "R", data));

            assertThat(row.op()).isEqualTo(Op.TRUNCATE);
            assertThat(row).isEmpty();
            assertThat(row.key()).isEmpty();
        }
    }

    @Test
    void types_name_the_operation_and_the_key() throws SQLException {
        assertType("I:id", Op.INSERT, "id");
        assertType("U:id,note", Op.UPDATE, "id", "note");
        assertType("D:note", Op.DELETE, "note");
        assertType("I:", Op.INSERT);
        assertType("I", Op.INSERT);
        assertType("U", Op.UPDATE);
        assertType("D", Op.DELETE);
        assertType("", Op.OTHER);
        assertType("X:id", Op.OTHER);
        assertType("IU:id", Op.OTHER);
        assertType("i:id", Op.OTHER);
        assertType("R:", Op.OTHER);
        assertType("order.created", Op.OTHER);
    }

    private void assertType(String type, Op op, String... key) throws SQLException {
        RowChange row = rows.decode(batch(), event(5, type, "id=1&note=x"));
        assertThat(row.op()).isEqualTo(op);
        assertThat(row.key()).containsExactly(key);
        assertThat(row.missingKey()).isNull();
    }

    @Test
    void more_types_and_column_lists_than_are_remembered_still_come_out_right() throws SQLException {
        for (int i = 0; i < 2500; i++) {
            RowChange row = rows.decode(batch(), event(i, "I:c" + i, "c" + i + "=" + i + "&x=1"));
            assertThat(row.key()).containsExactly("c" + i);
            assertThat(row.get("c" + i)).isEqualTo("" + i);
        }
    }

    @Test
    void an_update_carries_the_row_before_it_where_the_trigger_sends_it() throws SQLException {
        RowChange row = rows.decode(
                batch(), Event.of(5, Instant.EPOCH, "U:id", "id=1&day=2026-10-02", "public.t", "id=1&day=2026-10-01"));

        assertThat(row.before()).containsExactlyEntriesOf(linked("id", "1", "day", "2026-10-01"));
        assertThat(row.before().columns()).isSameAs(row.columns());
        assertThat(row.before().key()).containsExactly("id");
        assertThat(row.before().before()).isNull();
        assertThat(decode("id=1").before()).isNull();
        assertThatExceptionOfType(BadRowException.class)
                .isThrownBy(() -> rows.decode(batch(), Event.of(5, Instant.EPOCH, "U:id", "id=1", "public.t", "id=%q")))
                .withMessageContaining("byte 4 of ev_extra2");
    }

    @Test
    void extras_of_other_events_are_left_alone() throws SQLException {
        assertThat(rows.decode(batch(), Event.of(5, Instant.EPOCH, "I:id", "id=1", "t", "100%"))
                        .before())
                .isNull();
        assertThat(rows.decode(batch(), Event.of(5, Instant.EPOCH, "order", "id=1", "t", "100%"))
                        .before())
                .isNull();
    }

    @Test
    void rows_of_one_column_list_share_it_whatever_came_between() throws SQLException {
        RowChange first = decode("id=1&a=2");
        RowChange other = decode("id=1&b=2");
        RowChange again = decode("id=2&a=3");
        RowChange escaped = decode("i%64=2&%61=3");

        assertThat(other.columns()).isNotSameAs(first.columns());
        assertThat(again.columns()).isSameAs(first.columns());
        assertThat(escaped.columns()).isSameAs(first.columns());
    }

    @Test
    void a_name_that_only_starts_like_a_known_one_is_another() throws SQLException {
        decode("id=1&ab=2");
        assertThat(decode("id=1&abc=2")).containsExactlyEntriesOf(linked("id", "1", "abc", "2"));
        assertThat(decode("id=1&a=2")).containsExactlyEntriesOf(linked("id", "1", "a", "2"));
        assertThat(decode("id=1")).containsExactlyEntriesOf(linked("id", "1"));
        assertThat(decode("id=1&ab=2&c=3")).containsExactlyEntriesOf(linked("id", "1", "ab", "2", "c", "3"));
    }

    @Test
    void a_row_without_escapes_is_not_copied() throws SQLException {
        Event event = event(5, "I:id", "id=1&note=é");

        assertThat(rows.decode(batch(), event).bytes()).isSameAs(event.raw());
    }

    @Test
    void fields_choose_rename_and_order_columns() throws SQLException {
        UrlEncodedRows picked = new UrlEncodedRows(RowSelection.of(" note , id : order_id", null, null));

        RowChange row = picked.decode(batch(), event(5, "U:id", "id=1&extra=x&note=a+b"));

        assertThat(row.columns().names()).containsExactly("note", "order_id");
        assertThat(row).containsExactlyEntriesOf(linked("note", "a b", "order_id", "1"));
        assertThat(row.key()).containsExactly("order_id");
    }

    @Test
    void a_row_that_lacks_a_chosen_column_is_a_bad_row_but_for_a_delete() throws SQLException {
        UrlEncodedRows picked = new UrlEncodedRows(RowSelection.of("id, note:text", null, null));
        assertThatExceptionOfType(BadRowException.class)
                .isThrownBy(() -> picked.decode(
                        batch(), Event.of(5, Instant.EPOCH, "U:id", "id=1", "public.orders", "id=1&note=x")))
                .withMessageContaining("event 5 (U:id)")
                .withMessageContaining("table public.orders has no column \"note\"");
        assertThat(picked.decode(batch(), event(5, "D:id", "id=1"))).containsExactlyEntriesOf(linked("id", "1"));
        assertThat(picked.decode(batch(), event(5, "I:id", "id=1&note")))
                .containsExactlyEntriesOf(linked("id", "1", "text", null));
        UrlEncodedRows lenient =
                new UrlEncodedRows(RowSelection.of("id, note:text", null, null, OnMissingField.IGNORE));
        assertThat(lenient.decode(batch(), event(5, "I:id", "id=1"))).containsExactlyEntriesOf(linked("id", "1"));
    }

    @Test
    void one_column_may_go_into_two() throws SQLException {
        UrlEncodedRows picked = new UrlEncodedRows(RowSelection.of("a, a:copy", null, null));

        assertThat(picked.decode(batch(), event(5, "I:a", "a=x%20y")))
                .containsExactlyEntriesOf(linked("a", "x y", "copy", "x y"));
    }

    @Test
    void columns_can_be_skipped() throws SQLException {
        UrlEncodedRows all = new UrlEncodedRows(RowSelection.of("*", "b, c", null));
        UrlEncodedRows some = new UrlEncodedRows(RowSelection.of("a,b:x", "b", null));

        assertThat(all.decode(batch(), event(5, "I:a", "a=1&b=2&c=3&d=4")))
                .containsExactlyEntriesOf(linked("a", "1", "d", "4"));
        assertThat(some.decode(batch(), event(5, "I:a", "a=1&b=2"))).containsExactlyEntriesOf(linked("a", "1"));
    }

    @Test
    void a_key_column_that_is_not_taken_is_told() throws SQLException {
        UrlEncodedRows picked = new UrlEncodedRows(RowSelection.of("id,note", null, null));

        RowChange row = picked.decode(batch(), event(5, "U:id,day", "id=1&day=2026-10-02&note=x"));

        assertThat(row.key()).isEmpty();
        assertThat(row.missingKey()).isEqualTo("day");
        assertThat(decode("note=1").missingKey()).isEqualTo("id");
    }

    @Test
    void event_types_can_be_chosen() throws SQLException {
        UrlEncodedRows chosen = new UrlEncodedRows(RowSelection.of(null, null, "I, U,my:type"));

        assertThat(chosen.decode(
                        batch(),
                        List.of(
                                event(1, "I:id", "id=1"),
                                event(2, "U", "id=1"),
                                event(3, "D:id", "id=%zz"),
                                event(4, "R", null),
                                event(5, "my:type", "id=1"),
                                event(6, "other", "id=1"))))
                .extracting(row -> row.event().id())
                .containsExactly(1L, 2L, 5L);
    }

    @Test
    void escaped_bytes_are_in_the_source_databases_encoding() throws SQLException {
        assertThat(in("ISO-8859-1", "t=caf%e9").get("t")).isEqualTo("café");
        assertThat(in("windows-1252", "t=%80+5").get("t")).isEqualTo("€ 5");
        assertThat(in("KOI8-R", "t=%f0%d2%c9").get("t")).isEqualTo("При");
        assertThat(in("EUC-JP", "t=%c6%fc%cb%dc&u=1").get("t")).isEqualTo("日本");
        // the second byte of such a character may be one that needs no escape
        assertThat(in("windows-31j", "t=%83A").get("t")).isEqualTo("ア");
        assertThat(in("ISO-8859-1", "%e9t%e9=1").columns().names()).containsExactly("été");
        // unescaped, the server converted it already
        assertThat(in("ISO-8859-1", "t=café+x").get("t")).isEqualTo("café x");
        assertThat(in("ISO-8859-1", "t=é%e9é&u=%e9&v=x").values()).containsExactly("ééé", "é", "x");
    }

    @Test
    void bytes_that_are_no_text_in_that_encoding_are_refused() {
        for (String data : List.of("a=1&t=%81", "t=%81&a=1", "t=日%e9", "%81=1")) {
            assertThatExceptionOfType(BadRowException.class)
                    .isThrownBy(() -> in("windows-1252", data))
                    .withMessageContaining("is not valid windows-1252");
        }
        assertThatExceptionOfType(BadRowException.class)
                .isThrownBy(() -> in("EUC-JP", "t=%c6"))
                .withMessageContaining("column \"t\" is not valid EUC-JP");
    }

    @Test
    void another_source_encoding_reads_the_same_names_anew() throws SQLException {
        assertThat(rows.decode(batch("ISO-8859-1"), event(5, "I", "%e9=1")).get("é"))
                .isEqualTo("1");
        assertThat(rows.decode(batch("KOI8-R"), event(5, "I", "%e9=1")).get("И"))
                .isEqualTo("1");
    }

    private RowChange decode(String data) throws SQLException {
        return rows.decode(batch(), event(5, "I:id", data));
    }

    private RowChange in(String encoding, String data) throws SQLException {
        return rows.decode(batch(encoding), event(5, "I:id", data));
    }

    private static Event event(long id, String type, String data) {
        return Event.of(id, Instant.EPOCH, type, data);
    }

    private static OpenBatch batch() {
        return batch("UTF-8");
    }

    /** A batch of a job that stops at bad rows. */
    static OpenBatch batch(String encoding) {
        return new OpenBatch(null, null, Charset.forName(encoding), (open, bad) -> {
            throw bad;
        });
    }

    private static Map<String, Object> linked(String... namesAndValues) {
        Map<String, Object> map = new java.util.LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            map.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return map;
    }
}
