package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.ship.exporter.ExportLedger;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.exporter.Exporter.Request;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.ship.importer.WaitingSets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which changes a set holds, and for whom. */
class ExportTest {

    @TempDir
    Path directory;

    private Shipping ship;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory.resolve("drop"));
        ship.table("t", "create table t (id int primary key, v text)");
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private Connection another() throws Exception {
        Connection connection = DriverManager.getConnection(ship.sourceUrl);
        connection.setAutoCommit(false);
        return connection;
    }

    private Request request(String host, Path where) throws Exception {
        return new Request(
                new Target(host, ship.to.database()),
                List.of(Shipping.table("t")),
                new DropDirectory(Files.createDirectories(where)),
                Compression.NONE,
                false);
    }

    @Test
    void a_transaction_that_commits_late_is_in_the_next_set() throws Exception {
        execute(ship.source, "insert into t values (1, 'a'), (2, 'a'), (3, 'a')");
        ship.ship("t");
        try (Connection early = another();
                Connection late = another()) {
            execute(early, "update t set v = 'early' where id = 1");
            execute(late, "update t set v = 'late' where id = 2");
            execute(ship.source, "update t set v = 'between' where id = 3");
            Manifest set = ship.exportOne("t");
            assertThat(set.file(SetPart.IDS).rows()).isEqualTo(1);
            late.commit();
            execute(ship.source, "insert into t values (4, 'after')");
            ship.exportOne("t");
            early.commit();
            ship.exportOne("t");
            ship.importWell();
            ship.assertEqual("t");
        }
    }

    @Test
    void a_key_that_changes_often_is_there_once() throws Exception {
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        for (int i = 0; i < 5; i++) {
            execute(ship.source, "update t set v = v || 'x'", "delete from t", "insert into t values (1, 'b')");
        }
        Manifest set = ship.exportOne("t");
        assertThat(set.file(SetPart.IDS).rows()).isEqualTo(1);
        assertThat(set.file(SetPart.RECORDS).rows()).isEqualTo(1);
        ship.importWell();
    }

    @Test
    void dozens_of_writers_lose_nothing() throws Exception {
        execute(ship.source, "insert into t select g, 'a' from generate_series(1, 200) g");
        ship.ship("t");
        AtomicBoolean stop = new AtomicBoolean();
        List<Exception> failures = new ArrayList<>();
        List<Thread> writers = new ArrayList<>();
        for (int w = 0; w < 24; w++) {
            int seed = w;
            Thread writer = new Thread(() -> {
                Random random = new Random(seed);
                try (Connection connection = another();
                        PreparedStatement write = connection.prepareStatement(
                                "insert into t values (?, ?) on conflict (id) do update set v = excluded.v");
                        PreparedStatement delete = connection.prepareStatement("delete from t where id = ?")) {
                    while (!stop.get()) {
                        // each has rows of its own, so that none waits for another
                        for (int i = random.nextInt(4); i >= 0; i--) {
                            write.setInt(1, seed * 10 + random.nextInt(10));
                            write.setString(2, "w" + random.nextInt());
                            write.executeUpdate();
                            delete.setInt(1, seed * 10 + random.nextInt(10));
                            delete.executeUpdate();
                            if (random.nextInt(3) == 0) {
                                Thread.sleep(random.nextInt(30));
                            }
                        }
                        if (random.nextInt(5) == 0) {
                            connection.rollback();
                        } else {
                            connection.commit();
                        }
                    }
                    connection.rollback();
                } catch (Exception e) {
                    synchronized (failures) {
                        failures.add(e);
                    }
                }
            });
            writer.start();
            writers.add(writer);
        }
        for (int i = 0; i < 40; i++) {
            ship.export("t");
            ship.importWell();
        }
        stop.set(true);
        for (Thread writer : writers) {
            writer.join();
        }
        assertThat(failures).isEmpty();
        ship.export("t");
        ship.importWell();
        ship.assertEqual("t");
        assertThat(ship.export("t")).isEmpty();
    }

    @Test
    void each_target_has_its_own_position_and_rows_go_when_every_target_has_them() throws Exception {
        Exporter exporter = new Exporter(ship.sourceConnect());
        Request fast = ship.request("t");
        Request slow = request("slow", directory.resolve("slow"));
        execute(ship.source, "insert into t values (1, 'a')");
        exporter.export(fast);
        exporter.export(slow);
        for (int i = 2; i < 6; i++) {
            execute(ship.source, "insert into t values (" + i + ", 'b')");
            exporter.export(fast);
            ship.importWell();
        }
        assertThat(exporter.export(fast)).isEmpty();
        assertThat(query(ship.source, "select count(*) from t_dml where id > 1"))
                .containsExactly("4");
        List<Exported> set = exporter.export(slow);
        assertThat(set).hasSize(1);
        assertThat(set.get(0).manifest().file(SetPart.IDS).rows()).isEqualTo(4);
        assertThat(set.get(0).manifest().number()).isEqualTo(2);

        // a target that nobody collects for would hold everything back
        try (Connection connection = another()) {
            assertThat(new ExportLedger(connection, Tracking.LEDGER).forget(slow.target(), null))
                    .hasSize(1);
            connection.commit();
        }
        execute(ship.source, "insert into t values (10, 'c')");
        exporter.export(fast);
        ship.importWell();
        execute(ship.source, "insert into t values (11, 'd')");
        exporter.export(fast);
        assertThat(query(ship.source, "select id from t_dml order by id")).containsExactly("11");
        List<Exported> again = exporter.export(slow);
        assertThat(again.get(0).reason()).contains("forgotten");
        assertThat(again.get(0).manifest().number()).isEqualTo(3);
    }

    @Test
    void a_lost_set_comes_again() throws Exception {
        execute(ship.source, "insert into t values (1, 'a'), (2, 'a')");
        ship.ship("t");
        execute(ship.source, "update t set v = 'b' where id = 1");
        Manifest lost = ship.exportOne("t");
        for (String file : ship.files("")) {
            Files.delete(directory.resolve("drop").resolve(file));
        }
        execute(ship.source, "delete from t where id = 1", "update t set v = 'c' where id = 2");
        ship.exportOne("t");
        assertThat(ship.importAll()).extracting(Importer.Outcome::result).containsExactly(Result.GAP);
        assertThat(ship.importAll().get(0).message()).contains("set 2");
        List<Exported> again = new Exporter(ship.sourceConnect()).again(ship.request("t"), 2);
        assertThat(again.get(0).manifest().setId()).isEqualTo(lost.setId());
        assertThat(again.get(0).manifest().file(SetPart.IDS).rows()).isEqualTo(1);
        ship.importWell();
        ship.assertEqual("t");
        execute(ship.source, "insert into t values (9, 'z')");
        ship.ship("t");
        // its tracking rows went with the acknowledgement
        assertThatThrownBy(() -> new Exporter(ship.sourceConnect()).again(ship.request("t"), 2))
                .hasMessageContaining("set 2 of public.t for branch/")
                .hasMessageContaining("a later set of every target that is still listed was acknowledged")
                .hasMessageContaining("--full");
        assertThatThrownBy(() -> new Exporter(ship.sourceConnect()).again(ship.request("t"), 9))
                .hasMessageContaining("it is not published; the last one that the ledger has is 4");
        execute(ship.source, "delete from caravan.export_set where set_number = 1");
        assertThatThrownBy(() -> new Exporter(ship.sourceConnect()).again(ship.request("t"), 1))
                .hasMessageContaining("the ledger no longer has it, only later ones, up to 4")
                .hasMessageContaining("--full");
        execute(ship.source, "delete from caravan.export_set");
        assertThatThrownBy(() -> new Exporter(ship.sourceConnect()).again(ship.request("t"), 1))
                .hasMessageContaining("the ledger has no set of this table for this target");
    }

    @Test
    void a_full_set_is_made_where_changes_would_not_do() throws Exception {
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        assertThat(full("alter table t add w int default 7", "alter table public.t add w int"))
                .contains("columns");
        assertThat(full("alter table t rename v to vv", "alter table public.t rename v to vv"))
                .contains("columns");
        assertThat(full("alter table t alter w type bigint using w + 1", "select 1"))
                .contains("columns");
        assertThat(full("alter table t drop column vv", "select 1")).contains("columns");
        // reordered, as far as PostgreSQL can
        assertThat(full(
                        "create table n (w bigint, id int primary key); insert into n select w, id from t; drop table t;"
                                + " drop table t_dml; alter table n rename to t",
                        "select 1"))
                .contains("made anew");
        assertThat(full("update caravan.export_set set source_system = '1'", "select 1"))
                .contains("cluster");
        assertThat(full("update caravan.export_set set to_snapshot = '900000000:900000000:'", "select 1"))
                .contains("earlier time");
        assertThat(new Exporter(ship.sourceConnect())
                        .export(new Request(ship.to, List.of(Shipping.table("t")), ship.drop, Compression.NONE, true))
                        .get(0)
                        .reason())
                .contains("asked for");
        ship.importWell();
        assertThat(ship.export("t")).isEmpty();
    }

    @Test
    void values_that_are_rewritten_make_a_full_set() throws Exception {
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        assertThat(full("alter table t alter v type text using upper(v)", "select 1"))
                .contains("rewritten");
        assertThat(full("alter table t drop column v; alter table t add v text default 'again'", "select 1"))
                .contains("dropped and added again");
        // empties it without a trigger, where the server crashes in between
        assertThat(full("alter table t set unlogged; alter table t set logged", "select 1"))
                .contains("rewritten");
        // a TRUNCATE is noted and ships what is left
        execute(ship.source, "truncate t", "insert into t values (2, 'b')");
        assertThat(ship.exportOne("t").truncated()).isTrue();
        ship.importWell();
        ship.assertEqual("t");

        String types = "create type mood as enum ('low', 'high'); create domain moods as mood;"
                + " create type pair as (a moods[], b int);";
        ship.table("e", types + "create table e (id int primary key, v pair)");
        execute(ship.source, "insert into e values (1, row(array['low', 'high']::moods[], 1))");
        ship.ship("e");
        execute(ship.source, "alter type mood add value 'middle' before 'high'");
        assertThat(ship.export("e")).isEmpty();
        execute(ship.target, "alter type mood rename value 'low' to 'down'", "alter type mood add value 'middle'");
        execute(ship.source, "alter type mood rename value 'low' to 'down'");
        assertThat(ship.exportOne("e").kind()).isEqualTo(SetKind.FULL);
        ship.importWell();
        execute(ship.source, "alter type pair add attribute c int");
        execute(ship.target, "alter type pair add attribute c int");
        assertThat(ship.exportOne("e").kind()).isEqualTo(SetKind.FULL);
        ship.importWell();
        ship.assertEqual("e");
    }

    @Test
    void a_partition_that_is_rewritten_makes_a_full_set() throws Exception {
        ship.table(
                "p",
                "create table p (id int primary key, v text) partition by range (id);"
                        + "create table p1 partition of p for values from (0) to (100);"
                        + "create table p2 partition of p for values from (100) to (200)");
        execute(ship.source, "insert into p values (1, 'a'), (101, 'b')");
        ship.ship("p");
        execute(ship.source, "alter table p alter v type text using upper(v)");
        assertThat(ship.exportOne("p").kind()).isEqualTo(SetKind.FULL);
        ship.importWell();
        ship.assertEqual("p");
        execute(ship.source, "alter table p2 set unlogged", "alter table p2 set logged");
        assertThat(ship.exportOne("p").kind()).isEqualTo(SetKind.FULL);
        execute(ship.source, "alter table p2 set unlogged");
        assertThat(ship.exportOne("p").kind()).isEqualTo(SetKind.FULL);
    }

    @Test
    void operators_that_others_have_planted_do_not_run() throws Exception {
        ship.table(
                "p",
                "create table p (id text primary key, v varchar) partition by list (id);"
                        + "create table p1 partition of p default");
        for (var side : List.of(ship.source, ship.target)) {
            int n = 0;
            for (String left : List.of("text", "varchar", "name", "\"char\"")) {
                for (String right : List.of("varchar", "text", "name")) {
                    for (String operator : List.of("=", "<>", "||", "~")) {
                        String function = "public.planted_" + n++;
                        if (!(left.equals(right) && !left.equals("varchar"))) {
                            execute(
                                    side,
                                    "create function " + function + "(" + left + ", " + right
                                            + ") returns boolean language plpgsql as $$ begin raise exception 'planted'; end $$",
                                    "create operator public." + operator + " (leftarg = " + left + ", rightarg = "
                                            + right + ", function = " + function + ")");
                        }
                    }
                }
            }
        }
        execute(ship.source, "insert into t values (1, 'a')", "insert into p values ('x', 'a')");
        ship.export("t", "p");
        ship.importWell();
        execute(ship.source, "update t set v = 'b'", "delete from p");
        ship.export("t", "p");
        ship.importWell();
        assertThat(WaitingSets.of(ship.target, ship.drop, null)).isEmpty();
        new io.pgcaravan.ship.compare.Comparison(io.pgcaravan.ship.compare.Comparison.Progress.NONE)
                .compare(
                        ship.sourceConnect(),
                        ship.targetConnect(),
                        new io.pgcaravan.ship.compare.Comparison.Request(Shipping.table("t"), null, null),
                        Tracking.LEDGER,
                        null,
                        difference -> {});
    }

    @Test
    void time_outs_of_the_role_do_not_stop_exports_and_imports() throws Exception {
        for (var side : List.of(ship.source, ship.target)) {
            for (String setting : List.of("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")) {
                execute(side, "alter database " + side.getCatalog() + " set " + setting + " = '300ms'");
            }
        }
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        execute(ship.source, "update t set v = 'b'");
        try (Connection writer = another();
                Connection reader = DriverManager.getConnection(ship.targetUrl)) {
            execute(writer, "set statement_timeout = 0", "set idle_in_transaction_session_timeout = 0");
            execute(writer, "lock table t in access exclusive mode");
            execute(reader, "set idle_in_transaction_session_timeout = 0", "begin", "lock table t");
            Thread held = new Thread(() -> {
                try {
                    Thread.sleep(1500);
                    writer.commit();
                    Thread.sleep(1500);
                    execute(reader, "commit");
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            held.start();
            ship.export("t");
            ship.importWell();
            held.join();
        }
        ship.assertEqual("t");
        execute(ship.source, "alter database " + ship.source.getCatalog() + " set statement_timeout = '1ms'");
        // so short that it may strike the statement that lifts it
        for (int i = 0; i < 100; i++) {
            try {
                new Exporter(this::opened).export(ship.request("t"));
            } catch (ChangeSetException e) {
                assertThat(e.getMessage()).contains("statement_timeout").contains("role \"postgres\"");
            }
        }
    }

    /** The time-out may also strike the driver's own first statements, before there is a session. */
    private Connection opened() throws SQLException {
        while (true) {
            try {
                return ship.sourceConnect().open();
            } catch (SQLException e) {
                assertThat(e.getSQLState()).isEqualTo("57014");
            }
        }
    }

    private String full(String atSource, String atTarget) throws Exception {
        execute(ship.source, atSource);
        execute(ship.target, atTarget);
        ship.track("t");
        List<Exported> exported = ship.export("t");
        assertThat(exported).hasSize(1);
        assertThat(exported.get(0).manifest().kind()).isEqualTo(SetKind.FULL);
        ship.importWell();
        assertThat(query(ship.target, "select id from t order by 1"))
                .isEqualTo(query(ship.source, "select id from t order by 1"));
        return exported.get(0).reason();
    }

    @Test
    void generated_columns_stay_at_home_and_values_do_not_depend_on_settings() throws Exception {
        String ddl = "create table g (id int primary key, a int, twice int generated always as (a * 2) stored,"
                + " at timestamptz, d date, i interval, f float8, b bytea, m money, arr text[], j jsonb, r regclass, n numeric)";
        ship.table("g", ddl);
        String name = ship.source.getCatalog();
        execute(
                ship.source,
                "alter database " + name + " set datestyle = 'German, DMY'",
                "alter database " + name + " set intervalstyle = 'sql_standard'",
                "alter database " + name + " set timezone = 'Asia/Kolkata'",
                "alter database " + name + " set extra_float_digits = -5",
                "alter database " + name + " set bytea_output = 'escape'");
        execute(
                ship.source,
                "insert into g (id, a, at, d, i, f, b, m, arr, j, r, n) values (1, 5, '2026-02-01 05:04:03.123456+02', '2026-03-04',"
                        + " '-1 day 02:03:04.5', 0.1::float8 + 0.2, '\\x00ff5c0a', 12.34, array['a', null, 'NULL', e'x\\ty\\\\'], '{\"a\": \"\\u00e4\"}', 't', 'NaN'),"
                        + " (2, null, 'infinity', '0044-03-15 BC', null, 'NaN', '', null, '{}', 'null', null, 1.50)");
        ship.export("g");
        ship.importWell();
        execute(
                ship.source,
                "set datestyle = iso",
                "set intervalstyle = postgres",
                "set timezone = utc",
                "set extra_float_digits = 1",
                "set bytea_output = hex");
        execute(ship.target, "set timezone = utc");
        ship.assertEqual("g");
    }

    @Test
    void both_compressions_travel() throws Exception {
        for (Compression compression : List.of(Compression.GZIP, Compression.ZSTD)) {
            execute(
                    ship.source,
                    "insert into t select g, repeat('x', 50) from generate_series(1, 5000) g on conflict (id) do update set v = t.v || 'y'");
            List<Exported> exported = new Exporter(ship.sourceConnect())
                    .export(new Request(ship.to, List.of(Shipping.table("t")), ship.drop, compression, false));
            assertThat(exported.get(0).manifest().totalBytes()).isLessThan(100_000);
            ship.importWell();
            ship.assertEqual("t");
        }
    }

    @Test
    void what_is_exported_can_be_imported() throws Exception {
        execute(ship.source, "insert into t values (1, repeat('x', 50000000))");
        new Exporter(ship.sourceConnect())
                .export(new Request(ship.to, List.of(Shipping.table("t")), ship.drop, Compression.ZSTD, false));
        ship.importWell();
        assertThat(query(ship.target, "select length(v) from t")).containsExactly("50000000");
        ship.table("n", "create table n (\"the\nkey\" int primary key, \"a,\"\"b\n\" text)");
        execute(ship.source, "insert into n values (1, 'a')");
        ship.ship("n");
        // what the reader's limits exclude is refused by name
        Target far = new Target("h".repeat(1025), "db");
        assertThatThrownBy(() -> new Exporter(ship.sourceConnect())
                        .export(new Request(
                                far,
                                List.of(Shipping.table("t")),
                                new DropDirectory(Files.createDirectory(directory.resolve("far"))),
                                Compression.NONE,
                                false)))
                .hasMessageContaining("no import would take it")
                .hasMessageContaining("\"host\"");
    }

    @Test
    void what_keeps_files_from_being_written_is_told_and_the_set_comes_later() throws Exception {
        Path drop = directory.resolve("drop");
        execute(ship.source, "insert into t values (1, 'a')");
        Files.createDirectory(drop.resolve("public.t.000000000001.records"));
        assertThatThrownBy(() -> ship.export("t")).hasMessageContaining("in the way");
        Files.delete(drop.resolve("public.t.000000000001.records"));
        Files.move(drop, directory.resolve("elsewhere"));
        assertThatThrownBy(() -> ship.export("t")).hasMessageContaining("is missing");
        Files.createFile(drop);
        assertThatThrownBy(() -> ship.export("t")).hasMessageContaining("must be a directory");
        Files.delete(drop);
        Files.move(directory.resolve("elsewhere"), drop);
        assertThat(query(ship.source, "select count(*) from caravan.export_set"))
                .containsExactly("0");
        assertThat(ship.exportOne("t").number()).isEqualTo(1);
        ship.importWell();
        ship.assertEqual("t");
        assertThatThrownBy(() -> new Exporter(ship.sourceConnect()).export(ship.request("missing")))
                .hasMessageContaining("there is no table");
        execute(ship.source, "create table untracked (id int primary key)");
        assertThatThrownBy(() -> ship.export("untracked")).hasMessageContaining("ddl exporter public untracked");
    }

    @Test
    void a_directory_with_sets_for_another_target_is_refused() throws Exception {
        execute(ship.source, "insert into t values (1, 'a')");
        ship.exportOne("t");
        assertThatThrownBy(() -> new Exporter(ship.sourceConnect()).export(request("other", directory.resolve("drop"))))
                .hasMessageContaining("a drop directory of its own");
    }

    @Test
    void a_second_export_at_the_same_time_leaves_it_to_the_first() throws Exception {
        execute(ship.source, "insert into t values (1, 'a')");
        try (Connection other = another()) {
            ExportLedger ledger = new ExportLedger(other, Tracking.LEDGER);
            assertThat(ledger.lock(ship.to, Shipping.table("t"))).isTrue();
            assertThatThrownBy(() -> ship.export("t")).hasMessageContaining("is at work");
        }
        ship.ship("t");
    }
}
