package io.pgcaravan.row;

import static io.pgcaravan.PgServer.value;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pgcaravan.PgServer;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What PgQ's JSON trigger writes is read as the rows were: as the url-encoding trigger has them. */
class JsontrigaTest {

    @ParameterizedTest
    @ValueSource(strings = {"UTF8", "LATIN1", "WIN1252", "KOI8R", "EUC_JP", "EUC_KR"})
    void rows_are_those_of_logutriga_on_the_same_table(String encoding) throws SQLException {
        try (Connection source = database(encoding)) {
            execute(
                    source,
                    "create table t (id int8, \"K\"\"ey\\, &=%\" text, b bool, i int2, n numeric, f float8, j json, jb jsonb,"
                            + " a text[], d interval, bytes bytea, o oid, u uuid, e text, primary key (id, \"K\"\"ey\\, &=%\"))",
                    trigger("logutriga", "backup"),
                    trigger("jsontriga", "backup"));
            try (PreparedStatement insert = source.prepareStatement(
                    "insert into t values (?, ?, true, -3, 123456789012345678901234567890.12340, 1e300,"
                            + " '{\"a\": [1, \"\\u00e9\"]}', '{\"x\": 1.10}', array['1', null, 'x\"y'], '3 days', '\\xdeadbeef',"
                            + " 4294967295, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '')")) {
                List<String> texts =
                        List.of("x y", "\"\\/</script>", "\b\f\n\r\t\u0001\u001f\u007f", letters(encoding));
                for (int i = 0; i < texts.size(); i++) {
                    insert.setLong(1, Long.MAX_VALUE - i);
                    insert.setString(2, texts.get(i));
                    insert.executeUpdate();
                }
            }
            execute(
                    source,
                    "update t set b = false, i = null, n = 'NaN', f = '-Infinity', a = '{}', jb = 'true', e = null",
                    "delete from t");

            List<RowChange> encoded =
                    decode(source, encoding, new UrlEncodedRows(RowSelection.ALL), "I:%", "U:%", "D:%");
            List<RowChange> json = decode(source, encoding, new JsonRows(RowSelection.ALL), "{%");

            assertThat(json).hasSize(12).hasSameSizeAs(encoded);
            for (int i = 0; i < json.size(); i++) {
                RowChange one = json.get(i);
                RowChange other = encoded.get(i);
                assertThat(one.op()).isEqualTo(other.op());
                assertThat(one.key()).isEqualTo(List.of("id", "K\"ey\\, &=%"));
                assertThat(one.entrySet()).containsExactlyElementsOf(other.entrySet());
                if (other.before() == null) {
                    assertThat(one.before()).isNull();
                } else {
                    assertThat(one.before().entrySet())
                            .containsExactlyElementsOf(other.before().entrySet());
                }
            }
            assertThat(json.get(0).get("id")).isEqualTo("9223372036854775807");
            assertThat(json.get(0).get("n")).isEqualTo("123456789012345678901234567890.12340");
            assertThat(json.get(0).get("b")).isEqualTo("t");
            assertThat(json.get(4).before().get("b")).isEqualTo("t");
        }
    }

    @Test
    void options_of_the_trigger_change_what_a_row_has() throws SQLException {
        try (Connection source = database("UTF8")) {
            execute(
                    source,
                    "create table t (id int4 primary key, region text, secret text, at timestamptz)",
                    trigger(
                            "jsontriga",
                            "backup', 'ignore=secret', 'pkey=region', 'ev_extra3=''hash=''||hashtext(region)"),
                    "create trigger t_truncate after truncate on t for each statement execute function pgq.jsontriga('q')",
                    "insert into t values (1, 'eu', 'x', '2026-10-02 05:04:03.25+00'), (2, 'us', null, null)",
                    "update t set secret = 'only this'",
                    "update t set at = '2026-10-03 00:00:00+00' where id = 1",
                    "truncate t",
                    "create table keyless (a text)",
                    "create trigger log after insert on keyless for each row execute function pgq.jsontriga('q')",
                    "insert into keyless values ('x')");

            List<RowChange> rows = decode(source, "UTF8", new JsonRows(RowSelection.ALL), "%");

            assertThat(rows)
                    .extracting(RowChange::op)
                    .containsExactly(Op.INSERT, Op.INSERT, Op.UPDATE, Op.TRUNCATE, Op.INSERT);
            assertThat(rows.get(0).key()).containsExactly("region");
            assertThat(rows.get(0).keySet()).containsExactly("id", "region", "at");
            assertThat(rows.get(0).get("at")).asString().startsWith("2026-10-02T05:04:03.25");
            assertThat(rows.get(0).event().extra(3)).startsWith("hash=");
            assertThat(rows.get(1).get("at")).isNull();
            assertThat(rows.get(2).before().get("at")).asString().startsWith("2026-10-02T05:04:03.25");
            assertThat(rows.get(3)).isEmpty();
            assertThat(rows.get(4).key()).isEmpty();
            assertThat(rows.get(4).missingKey()).isNull();
        }
    }

    private static String letters(String encoding) {
        return switch (encoding) {
            case "UTF8" -> "é€日本𝄞\u2028";
            case "LATIN1" -> "é£ÿ";
            case "WIN1252" -> "é€Ž";
            case "KOI8R" -> "Жяё";
            case "EUC_JP" -> "日本語あ";
            default -> "한글";
        };
    }

    private static String trigger(String function, String options) {
        return "create trigger log_" + function
                + " after insert or update or delete on t for each row execute function pgq." + function + "('q', '"
                + options + "')";
    }

    private static Connection database(String encoding) throws SQLException {
        Connection source = DriverManager.getConnection(PgServer.get().createDatabaseWithPgq("jsontriga", encoding));
        execute(source, "select pgq.create_queue('q')");
        assumeTrue(
                value(source, "select string_to_array(pgq.version(), '.')::int[] >= array[3, 5]")
                        .equals("t"),
                "before PgQ 3.5 the backup of jsontriga is not JSON");
        return source;
    }

    private static List<RowChange> decode(Connection source, String encoding, RowDecoder decoder, String... types)
            throws SQLException {
        OpenBatch batch = new OpenBatch(null, null, ServerEncoding.charsetOf(encoding), (open, bad) -> {
            throw bad;
        });
        List<Event> events = new ArrayList<>();
        try (PreparedStatement statement = source.prepareStatement("""
                select ev_id, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3 from pgq.event_template
                where ev_type like any (?) order by ev_id""")) {
            statement.setArray(1, source.createArrayOf("text", types));
            try (ResultSet stored = statement.executeQuery()) {
                while (stored.next()) {
                    events.add(Event.of(
                            stored.getLong(1),
                            Instant.EPOCH,
                            stored.getString(2),
                            stored.getString(3),
                            stored.getString(4),
                            stored.getString(5),
                            stored.getString(6)));
                }
            }
        }
        return decoder.decode(batch, events);
    }
}
