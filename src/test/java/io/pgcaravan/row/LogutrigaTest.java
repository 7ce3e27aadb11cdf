package io.pgcaravan.row;

import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What PgQ's own trigger writes is read as the rows were. */
class LogutrigaTest {

    @ParameterizedTest
    @CsvSource({
        "UTF8, é€日本𝄞",
        "LATIN1, é£ÿ",
        "WIN1252, é€Ž",
        "KOI8R, Жяё",
        "EUC_JP, 日本語〜あ",
        "EUC_KR, 한글",
        "LATIN8, ḂŴŷ"
    })
    void texts_come_out_right_in_every_encoding(String encoding, String letters) throws SQLException {
        // the wave dash of EUC_JP is a full-width tilde to PostgreSQL
        String storable = letters.replace('〜', '～');
        String column = "Col " + storable.charAt(0) + "&=%";
        List<String> texts = new ArrayList<>(List.of(
                "", " ", "a b+c", "a=b&c=d", "100%", "%41", "\\N\t\n\r", storable, "x" + storable + "=+" + storable));
        texts.add(null);
        try (Connection source = database(encoding)) {
            execute(source, "create table t (id int4 primary key, \"" + column + "\" text)");
            execute(
                    source,
                    "create trigger log after insert or update or delete on t for each row"
                            + " execute function pgq.logutriga('q')");
            try (PreparedStatement insert = source.prepareStatement("insert into t values (?, ?)")) {
                for (int i = 0; i < texts.size(); i++) {
                    insert.setInt(1, i);
                    insert.setString(2, texts.get(i));
                    insert.executeUpdate();
                }
            }

            List<RowChange> rows = decode(source, encoding);

            assertThat(rows).extracting(row -> row.get(column)).containsExactlyElementsOf(texts);
            assertThat(rows).allSatisfy(row -> {
                assertThat(row.op()).isEqualTo(Op.INSERT);
                assertThat(row.key()).containsExactly("id");
                assertThat(row.columns()).isSameAs(rows.get(0).columns());
            });
        }
    }

    @Test
    void all_operations_carry_their_key_and_the_old_row_where_asked() throws SQLException {
        try (Connection source = database("UTF8")) {
            execute(source, "create table t (a int4, day date, note text, primary key (a, day))");
            execute(
                    source,
                    "create trigger log after insert or update or delete on t for each row"
                            + " execute function pgq.logutriga('q', 'backup')");
            execute(
                    source,
                    "create trigger log_truncate after truncate on t for each statement"
                            + " execute function pgq.logutriga('q')");
            execute(source, "insert into t values (1, '2026-10-02', 'x y')");
            execute(source, "update t set note = null");
            execute(source, "delete from t");
            execute(source, "truncate t");

            List<RowChange> rows = decode(source, "UTF8");

            assertThat(rows).extracting(RowChange::op).containsExactly(Op.INSERT, Op.UPDATE, Op.DELETE, Op.TRUNCATE);
            assertThat(rows.subList(0, 3))
                    .allSatisfy(row -> assertThat(row.key()).containsExactly("a", "day"));
            assertThat(rows.get(0).values()).containsExactly("1", "2026-10-02", "x y");
            assertThat(rows.get(1).values()).containsExactly("1", "2026-10-02", null);
            assertThat(rows.get(1).before().values()).containsExactly("1", "2026-10-02", "x y");
            assertThat(rows.get(2).values()).containsExactly("1", "2026-10-02", null);
            assertThat(rows.get(3)).isEmpty();
        }
    }

    @Test
    void a_table_without_a_key_has_rows_without_one() throws SQLException {
        try (Connection source = database("UTF8")) {
            execute(source, "create table t (note text)");
            execute(source, "create trigger log after insert on t for each row execute function pgq.logutriga('q')");
            execute(source, "insert into t values ('x')");

            RowChange row = decode(source, "UTF8").get(0);

            assertThat(row.op()).isEqualTo(Op.INSERT);
            assertThat(row.key()).isEmpty();
            assertThat(row.missingKey()).isNull();
        }
    }

    private static Connection database(String encoding) throws SQLException {
        Connection source = DriverManager.getConnection(PgServer.get().createDatabaseWithPgq("logutriga", encoding));
        execute(source, "select pgq.create_queue('q')");
        return source;
    }

    private static List<RowChange> decode(Connection source, String encoding) throws SQLException {
        OpenBatch batch = new OpenBatch(null, null, ServerEncoding.charsetOf(encoding), (open, bad) -> {
            throw bad;
        });
        List<Event> events = new ArrayList<>();
        try (Statement statement = source.createStatement();
                ResultSet stored =
                        statement.executeQuery("select ev_id, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3,"
                                + " ev_extra4 from pgq.event_template order by ev_id")) {
            while (stored.next()) {
                events.add(Event.of(
                        stored.getLong(1),
                        Instant.EPOCH,
                        stored.getString(2),
                        stored.getString(3),
                        stored.getString(4),
                        stored.getString(5),
                        stored.getString(6),
                        stored.getString(7)));
            }
        }
        return new UrlEncodedRows(RowSelection.ALL).decode(batch, events);
    }
}
