package io.pgcaravan.ship.compare;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.Shipping;
import io.pgcaravan.ship.compare.Comparison.Progress;
import io.pgcaravan.ship.compare.Comparison.Request;
import io.pgcaravan.ship.compare.Comparison.Result;
import io.pgcaravan.ship.exporter.Tracking;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A comparison tells each row that differs, and no other. */
class ComparisonTest {

    @TempDir
    Path directory;

    private Shipping ship;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory);
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private final List<String> found = new ArrayList<>();

    private Result compare(Request request, Duration recheck, Progress progress) {
        found.clear();
        return new Comparison(progress)
                .compare(
                        ship.sourceConnect(),
                        ship.targetConnect(),
                        request,
                        Tracking.LEDGER,
                        recheck,
                        difference -> found.add((difference.onItsWay() ? "on its way " : "") + difference.kind() + " "
                                + String.join("|", difference.key())));
    }

    private Result compare(String table) {
        return compare(new Request(Shipping.table(table), null, null), null, Progress.NONE);
    }

    private void both(String... statements) throws SQLException {
        execute(ship.source, statements);
        execute(ship.target, statements);
    }

    @Test
    void each_kind_of_difference_is_told() throws Exception {
        both(
                "create table t (id bigint primary key, v text)",
                "insert into t select g, 'v' || g from generate_series(1, 20000) g");
        execute(ship.source, "delete from t where id = 500", "update t set v = null where id in (127, 128)");
        execute(
                ship.target,
                "delete from t where id in (1, 20000)",
                "insert into t values (-7, 'x'), (9000000000, 'y')",
                "update t set v = '' where id = 127",
                "update t set v = 'v77 ' where id = 77");
        Result result = compare("t");
        assertThat(found)
                .containsExactlyInAnyOrder(
                        "MISSING 1",
                        "MISSING 20000",
                        "EXTRA 500",
                        "EXTRA -7",
                        "EXTRA 9000000000",
                        "DIFFERENT 127",
                        "DIFFERENT 128",
                        "DIFFERENT 77");
        assertThat(result.missing()).isEqualTo(2);
        assertThat(result.extra()).isEqualTo(3);
        assertThat(result.different()).isEqualTo(3);
        assertThat(result.sourceRows()).isEqualTo(19_999);
        assertThat(result.targetRows()).isEqualTo(20_000);
        assertThat(result.setsOnTheirWay()).isNull();
        // the rest stayed where it is
        assertThat(result.listed()).isBetween(14L, 6_000L);
    }

    @Test
    void equal_tables_are_equal_however_they_lie() throws Exception {
        execute(
                ship.source,
                "create table t (a int, b text, gen text generated always as (upper(b)) stored, c numeric, id int primary key)",
                "insert into t (id, a, b, c) select g, g % 3, 'b' || g, g / 7.0 from generate_series(1, 3000) g");
        execute(
                ship.target,
                "create table t (more int default 5, id int, b text, c numeric, a int) partition by range (id)",
                "create table t_1 partition of t for values from (minvalue) to (1000)",
                "create table t_2 partition of t for values from (1000) to (maxvalue)",
                "insert into t (id, a, b, c) select g, g % 3, 'b' || g, g / 7.0 from generate_series(3000, 1, -1) g");
        Result result = compare("t");
        assertThat(found).isEmpty();
        assertThat(result.wrong()).isZero();
        assertThat(result.listed()).isZero();
        assertThat(result.remarks())
                .containsExactly(
                        "generated columns are not compared: \"gen\"",
                        "further columns of the target are not compared: \"more\"");
        execute(ship.target, "truncate t");
        assertThat(compare("t").missing()).isEqualTo(3000);
        execute(ship.source, "truncate t");
        assertThat(compare("t").wrong()).isZero();
    }

    private record Values(String type, String here, String there, boolean equal) {}

    @Test
    void values_are_compared_as_they_would_be_shipped() throws Exception {
        String name = ship.target.getCatalog();
        // what a session prefers must not count
        execute(
                ship.target,
                "alter database " + name + " set timezone = 'Asia/Tokyo'",
                "alter database " + name + " set datestyle = 'German'",
                "alter database " + name + " set bytea_output = 'escape'",
                "alter database " + name + " set intervalstyle = 'iso_8601'",
                "alter database " + name + " set extra_float_digits = 0");
        int table = 0;
        for (Values values : List.of(
                new Values("numeric", "1.0", "1.00", false),
                new Values("float8", "0.1::float8", "0.1::float8 + 1e-18", true),
                new Values("float8", "0.1::float8", "0.3::float8 - 0.2::float8", false),
                new Values("timestamptz", "'2026-03-29 01:00 UTC'", "'2026-03-29 04:00 Europe/Athens'", true),
                new Values("timestamptz", "'2026-03-29 01:00 UTC'", "'2026-03-29 01:00:00.000001 UTC'", false),
                new Values("bytea", "'\\x00ff'", "'\\x00FF'", true),
                new Values("bytea", "'\\x00'", "''", false),
                new Values("json", "'{\"a\":1}'", "'{\"a\": 1}'", false),
                new Values("jsonb", "'{\"a\":1,\"b\":2}'", "'{\"b\":2, \"a\": 1}'", true),
                new Values("text[]", "array['a', null]", "array['a', 'NULL']", false),
                new Values("text[]", "array['a,b']", "array['a', 'b']", false),
                new Values("text", "'e' || chr(233)", "'ee' || chr(769)", false),
                new Values("text", "null", "''", false),
                new Values("text", "e'a\\tb\\nc\\\\'", "e'a\\tb\\nc\\\\'", true),
                new Values("interval", "'1 day'", "'24 hours'", false),
                new Values("int4range", "'[1,5]'", "'[1,6)'", true))) {
            String t = "t" + ++table;
            both("create table " + t + " (id int primary key, v " + values.type + ")");
            execute(ship.source, "insert into " + t + " values (1, " + values.here + ")");
            execute(ship.target, "insert into " + t + " values (1, " + values.there + ")");
            compare(t);
            assertThat(found).as(values.toString()).isEqualTo(values.equal ? List.of() : List.of("DIFFERENT 1"));
        }
    }

    private record Keys(String columns, String values) {}

    @Test
    void any_key_tells_rows_apart_whatever_its_order_is() throws Exception {
        execute(ship.source, "create type mood as enum ('sad', 'ok', 'glad')");
        execute(ship.target, "create type mood as enum ('glad', 'sad', 'ok')");
        both("create domain pos as int check (value > 0)");
        int table = 0;
        for (Keys keys : List.of(
                new Keys("id uuid primary key", "md5(g::text)::uuid"),
                new Keys("id text primary key", "chr(64 + g % 60) || chr(228) || e'\\t\\\\\\n\"'',' || g"),
                new Keys("id text collate \"C\" primary key", "repeat('-', g % 5) || g"),
                new Keys("id numeric primary key", "g / 10.0"),
                new Keys("id timestamptz primary key", "'2026-03-29 00:00 UTC'::timestamptz + g * interval '1 min'"),
                new Keys("a int, id text, b int, primary key (b, id)", "g % 7, 'k' || g, g"),
                new Keys("a smallint, id date, primary key (id, a)", "g % 50, '2026-01-01'::date + g / 50"),
                new Keys("id pos primary key", "g"),
                new Keys(
                        "\"I d\" mood, id int, primary key (\"I d\", id)",
                        "(array['sad', 'ok', 'glad'])[g % 3 + 1]::mood, g"))) {
            String t = "t" + ++table;
            execute(ship.source, "create table " + t + " (" + keys.columns + ")");
            execute(
                    ship.target,
                    "create table " + t + " ("
                            + keys.columns.replace("id text primary", "id text collate \"und-x-icu\" primary") + ")");
            String insert = "insert into " + t + " select " + keys.values + " from ";
            execute(ship.source, insert + "generate_series(1, 2000) g");
            execute(ship.target, insert + "generate_series(2000, 1, -1) g where g not in (1, 1000)");
            assertThat(compare(t).missing()).as(keys.toString()).isEqualTo(2);
            assertThat(found).as(keys.toString()).hasSize(2);
            execute(ship.target, insert + "unnest(array[1, 1000]) g");
            assertThat(compare(t).wrong()).as(keys.toString()).isZero();
        }
    }

    @Test
    void neighbours_that_differ_cost_little() throws Exception {
        both(
                "create table t (id bigint primary key, v int)",
                "insert into t select g * 2, g from generate_series(1, 60000) g");
        execute(ship.target, "delete from t where id between 40000 and 49999");
        Result result = compare("t");
        assertThat(result.missing()).isEqualTo(5000);
        assertThat(result.listed()).isLessThan(30_000);
    }

    @Test
    void servers_that_write_characters_differently_are_compared_all_the_same() throws Exception {
        both("create table t (id text primary key, v text)", "insert into t values ('ä', 'é'), ('b', 'ß'), ('c', 'x')");
        String latin = io.pgcaravan.PgServer.get().createDatabase("ship_latin", "LATIN1");
        try (Connection other = DriverManager.getConnection(latin)) {
            execute(
                    other,
                    "create table t (id text primary key, v text)",
                    "insert into t values ('ä', 'é'), ('b', 'ss'), ('d', 'x')");
        }
        new Comparison(Progress.NONE)
                .compare(
                        ship.sourceConnect(),
                        () -> DriverManager.getConnection(latin),
                        new Request(Shipping.table("t"), null, null),
                        Tracking.LEDGER,
                        null,
                        difference -> found.add(difference.kind() + " " + difference.key()));
        assertThat(found).containsExactlyInAnyOrder("DIFFERENT [b]", "MISSING [c]", "EXTRA [d]");
    }

    @Test
    void the_key_and_the_columns_may_be_said() throws Exception {
        both(
                "create table t (id int, v text, w text)",
                "insert into t values (1, 'a', 'b'), (2, 'a', 'b'), (2, 'a', 'c'), (null, 'n', 'n')");
        execute(ship.target, "update t set w = 'z' where id = 1", "insert into t values (2, 'a', 'b')");
        assertThatThrownBy(() -> compare("t")).hasMessageContaining("--key");
        Request request = new Request(Shipping.table("t"), null, List.of("id"));
        assertThat(compare(request, null, Progress.NONE).different()).isEqualTo(2);
        assertThat(found).containsExactlyInAnyOrder("DIFFERENT 1", "DIFFERENT 2");
        request = new Request(Shipping.table("t"), List.of("v"), List.of("id"));
        compare(request, null, Progress.NONE);
        assertThat(found).containsExactly("DIFFERENT 2");
        assertThatThrownBy(() ->
                        compare(new Request(Shipping.table("t"), List.of("nix"), List.of("id")), null, Progress.NONE))
                .hasMessageContaining("\"nix\"");
        execute(ship.target, "alter table t drop column w");
        assertThatThrownBy(() -> compare(new Request(Shipping.table("t"), null, List.of("id")), null, Progress.NONE))
                .hasMessageContaining("column(s) \"w\" are missing");
        assertThatThrownBy(() -> compare("nowhere")).hasMessageContaining("there is no table");
    }

    @Test
    void what_is_on_its_way_is_told_apart_from_what_is_wrong() throws Exception {
        ship.table("t", "create table t (id int primary key, v text)");
        execute(ship.source, "insert into t select g, 'a' from generate_series(1, 100) g");
        ship.ship("t");
        execute(ship.target, "update t set v = 'wrong' where id = 50");
        execute(ship.source, "delete from t where id = 7", "update t set v = 'b' where id = 8");
        ship.export("t");
        execute(ship.source, "insert into t values (101, 'new')");
        Result result = compare("t");
        assertThat(found)
                .containsExactlyInAnyOrder(
                        "on its way EXTRA 7", "on its way DIFFERENT 8", "on its way MISSING 101", "DIFFERENT 50");
        assertThat(result.wrong()).isEqualTo(1);
        assertThat(result.onTheirWay()).isEqualTo(3);
        assertThat(result.setsOnTheirWay()).isEqualTo(1);
        ship.importWell();
        compare("t");
        assertThat(found).containsExactlyInAnyOrder("on its way MISSING 101", "DIFFERENT 50");
        execute(ship.source, "truncate t");
        result = compare("t");
        assertThat(result.wrong()).isZero();
        assertThat(result.onTheirWay()).isEqualTo(99);
    }

    @Test
    void whoever_may_read_the_table_may_compare_it() throws Exception {
        ship.table("t", "create table t (id int primary key, v text)");
        execute(ship.source, "insert into t values (1, 'a')");
        String role = "reader_" + ship.source.getCatalog();
        execute(ship.source, "create role " + role);
        both("grant select on t to " + role);
        Connect source = () -> as(role, ship.sourceUrl);
        Connect target = () -> as(role, ship.targetUrl);
        Request request = new Request(Shipping.table("t"), null, null);
        Result result =
                new Comparison(Progress.NONE).compare(source, target, request, Tracking.LEDGER, null, difference -> {});
        assertThat(result.missing()).isEqualTo(1);
        assertThat(result.setsOnTheirWay()).isNull();
        both("drop owned by " + role);
        execute(ship.source, "drop role " + role);
    }

    private static Connection as(String role, String url) throws SQLException {
        Connection connection = DriverManager.getConnection(url);
        execute(connection, "set role " + role);
        return connection;
    }

    @Test
    void what_settles_meanwhile_is_not_told() throws Exception {
        both("create table t (id int primary key, v text)", "insert into t select g, 'a' from generate_series(1, 9) g");
        execute(ship.target, "update t set v = 'b' where id in (3, 4, 5)");
        Request request = new Request(Shipping.table("t"), null, null);
        boolean[] done = new boolean[1];
        Result result = compare(request, Duration.ofMillis(10), (doing, rows) -> {
            if (doing.startsWith("waiting") && !done[0]) {
                done[0] = true;
                try {
                    execute(ship.target, "update t set v = 'a' where id = 3", "delete from t where id = 9");
                    execute(ship.source, "update t set v = 'c' where id = 4");
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            }
        });
        assertThat(done[0]).isTrue();
        assertThat(found).containsExactly("DIFFERENT 5");
        assertThat(result.settled()).isEqualTo(2);
        assertThat(result.wrong()).isEqualTo(1);
    }

    @Test
    void writers_disturb_no_comparison_of_equal_tables() throws Exception {
        ship.table("t", "create table t (id int primary key, v int)");
        execute(ship.source, "insert into t select g, 0 from generate_series(1, 500) g");
        ship.ship("t");
        boolean[] stop = new boolean[1];
        Thread writer = new Thread(() -> {
            try (Connection connection = DriverManager.getConnection(ship.sourceUrl)) {
                for (int i = 1; !stop[0]; i++) {
                    execute(connection, "update t set v = v + 1 where id % 50 = " + i % 50);
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
        writer.start();
        try {
            for (int i = 0; i < 3; i++) {
                assertThat(compare("t").wrong()).isZero();
                ship.export("t");
                assertThat(compare("t").wrong()).isZero();
                ship.importWell();
            }
        } finally {
            stop[0] = true;
            writer.join();
        }
        assertThat(query(ship.source, "select max(v) > 0 from t")).containsExactly("t");
    }
}
