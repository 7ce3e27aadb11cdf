package io.pgcaravan.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.RowChange;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Texts that another setting would read as other values do not reach PostgreSQL; whatever the pinned style writes does. */
class TextStyleTest {

    /** A column of each type that is read by settings, also inside others. */
    private static final String COLUMNS =
            "id int primary key, d date, ts timestamp, tz timestamptz, tt timetz, i interval,"
                    + " m money, ds date[], r daterange, tr tstzrange[], mr datemultirange, dd day, days day[], v visit, vs visit[]";

    private LoadTarget target;
    private final Changes changes = new Changes("id");

    @BeforeEach
    void connect() throws SQLException {
        target = new LoadTarget("style");
        target.execute(
                "create domain day as date",
                "create type visit as (at date, what text, took interval)",
                "create table t (" + COLUMNS + ")",
                "create table s (" + COLUMNS + ")",
                // as a job has it
                "set datestyle = 'ISO, DMY'",
                "set intervalstyle = 'postgres'",
                "set lc_monetary = 'C'",
                "set time zone 'UTC'");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private void load(RowMode mode, RowChange... rows) throws SQLException {
        OpenBatch batch = target.open();
        batch.participant(
                        this,
                        () -> new Loader(
                                batch, LoadSettings.of("t", mode), new TargetColumns(), mode == RowMode.APPEND))
                .load(List.of(rows));
        target.commit(batch);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "d  | 02/01/2026",
                "d  | 02.01.2026",
                "d  | 01-02-2026",
                "d  | 2026-1-2",
                "d  | today",
                "d  | 20260102",
                "ts | 02/01/2026 05:04:03",
                "ts | Fri Jan 02 05:04:03 2026",
                "ts | 2026-01-02 05:04 PM",
                "tz | 02.01.2026 05:04:03 EET",
                "tz | 2026-01-02 05:04:03 IST",
                "tt | 05:04:03 EET",
                "i  | -1 2:03:04",
                "i  | +1-2 -3 +4:05:06",
                "i  | 1-2",
                "i  | 0",
                "i  | 3 4:05:06",
                "m  | 1.234,50 €",
                "m  | 1.235",
                "m  | 1.234,50",
                "m  | 1,235",
                "ds | {2026-01-02,02/01/2026}",
                "r  | [02/01/2026,05/01/2026)",
                "mr | {[2026-01-02,03/01/2026)}",
                "tr | {\"[\\\"2026-01-02 00:00:00+00\\\",\\\"02/01/2026 01:00:00 UTC\\\")\"}",
                "dd | 02/01/2026",
                "days | {02/01/2026}",
                "v  | (02/01/2026,\"a, \"\"b\"\"\",01:00:00)",
                "v  | (2026-01-02,x,\"-1 2:03:04\")",
                "vs | {\"(2026-01-02,x,)\",\"(02/01/2026,x,)\"}"
            })
    void text_of_another_style_is_a_bad_row(String column, String text) throws SQLException {
        for (RowMode mode : List.of(RowMode.APPEND, RowMode.KEEP_LATEST)) {
            target.rejected.clear();

            load(mode, changes.insert(null, "id", 1, column, text), changes.update(null, "id", 2, column, text));

            assertThat(target.rejected)
                    .as(mode.name())
                    .hasSize(2)
                    .allSatisfy(bad -> assertThat(bad)
                            .hasMessageContaining("column \"" + column + "\"")
                            .hasMessageContaining("has \"" + text.charAt(0)))
                    .allMatch(bad -> "22007".equals(bad.sqlState()));
            assertThat(target.rows("select * from t")).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(RowMode.class)
    void whatever_the_pinned_style_writes_is_loaded_as_it_was(RowMode mode) throws SQLException {
        target.execute(
                """
                insert into s select g, d, d + time '05:04:03.123', d + time '05:04:03.5', '05:04:03.25+05:30', i, m, array[d, null],
                       daterange(d, 'infinity'), array[tstzrange(d, d + 1), 'empty', tstzrange(null, d)],
                       datemultirange(daterange(d, d + 5), daterange(d + 7, null)), d, '[0:1]={2026-01-02,NULL}',
                       (d, 'a, "b" (c) \\', i)::visit, array[(d, null, i)::visit, null, (null, '02/01/2026', i)::visit]
                from (values (1, date '2026-01-02', interval '-1 year -2 mons +3 days -04:05:06.7', 1234567.5::money),
                             (2, '0044-03-15 BC', '-1 day -02:03:04', '-0.05'), (3, '52217-12-31', '00:00:00', '0'),
                             (4, '0001-01-01', '1 day -00:00:00.000001', null)) x (g, d, i, m)""",
                "insert into s (id, d, ts, tz, ds, vs) values (5, 'infinity', '-infinity', 'infinity', '{}', '{{\"(2026-01-02,,)\"}}')");
        List<String> names = List.of("d", "ts", "tz", "tt", "i", "m", "ds", "r", "tr", "mr", "dd", "days", "v", "vs");
        for (int id = 1; id <= 5; id++) {
            List<Object> row = new java.util.ArrayList<>(List.of("id", id));
            for (String name : names) {
                String text = target.rows("select " + name + "::text from s where id = " + id)
                        .get(0);
                row.add(name);
                row.add(text.equals("null") ? null : text);
            }
            load(mode, changes.insert(null, row.toArray()));
        }
        assertThat(target.rejected).isEmpty();
        assertThat(target.rows("select * from t order by id")).isEqualTo(target.rows("select * from s order by id"));
    }

    @ParameterizedTest
    @CsvSource({
        "i, P-1DT-2H-3M-4S",
        "i, @ 1 day 2 hours ago",
        "i, 90 minutes",
        "tz, 2026-01-02T05:04:03Z",
        "tz, 2026-01-02 05:04",
        "tt, 05:04",
        "m, 1234.5",
        "d, 2026-01-02 05:04:03+02"
    })
    void text_that_every_setting_reads_alike_is_loaded(String column, String text) throws SQLException {
        load(RowMode.APPEND, changes.insert(null, "id", 1, column, text));

        assertThat(target.rejected).isEmpty();
        assertThat(target.rows("select count(" + column + ") from t")).containsExactly("1");
    }

    @Test
    void texts_of_other_types_are_never_looked_at() throws SQLException {
        target.execute("create type mood as enum ('02/01/2026')", "alter table t add e mood, add x text, add a text[]");

        load(RowMode.APPEND, changes.insert(null, "id", 1, "e", "02/01/2026", "x", "02/01/2026", "a", "{02/01/2026}"));

        assertThat(target.rejected).isEmpty();
        assertThat(target.rows("select e, x, a from t")).containsExactly("02/01/2026|02/01/2026|{02/01/2026}");
    }
}
