package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.PgServer;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.exporter.SourceTable;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

/** Every change of a table is noted, whatever kind of table and of change. */
class TrackingTest {

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

    /** What was noted since the last call. */
    private List<String> noted(String table) throws SQLException {
        List<String> noted =
                query(ship.source, "select distinct coalesce(id::text, 'all') from " + table + "_dml order by 1");
        execute(ship.source, "delete from " + table + "_dml");
        return noted;
    }

    /** By somebody who wants the disk back. */
    @ParameterizedTest
    @ValueSource(strings = {"truncate t_dml", "drop table t_dml cascade"})
    void notes_that_were_thrown_away_make_a_full_set(String thrown) throws Exception {
        try (Shipping ship = new Shipping(directory.resolve("thrown"))) {
            ship.table("t", "create table t (id int primary key, v text)");
            execute(ship.source, "insert into t select g, 'a' from generate_series(1, 5) g");
            ship.ship("t");
            execute(ship.source, "update t set v = 'b' where id = 1", thrown);
            ship.track("t");
            execute(ship.source, "update t set v = 'c' where id = 2");
            ship.ship("t");
            execute(ship.source, "update t set v = 'd' where id = 3");
            assertThat(ship.exportOne("t").kind()).isEqualTo(SetKind.CHANGES);
            ship.importWell();
            ship.assertEqual("t");
        }
    }

    @Test
    void each_kind_of_statement_is_noted() throws Exception {
        ship.table("t", "create table t (id bigint primary key, v text)");
        execute(ship.source, "insert into t select g, 'a' from generate_series(1, 9) g");
        assertThat(noted("t")).hasSize(9);
        execute(ship.source, "update t set v = 'b' where id < 3");
        assertThat(noted("t")).containsExactly("1", "2");
        execute(ship.source, "update t set id = id + 100 where id = 4");
        assertThat(noted("t")).containsExactly("104", "4");
        execute(ship.source, "delete from t where id = 5");
        assertThat(noted("t")).containsExactly("5");
        execute(ship.source, "insert into t values (1, 'c'), (20, 'c') on conflict (id) do update set v = excluded.v");
        assertThat(noted("t")).containsExactly("1", "20");
        ship.source
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyIn("copy t from stdin", new java.io.StringReader("30\tx\n31\ty\n"));
        assertThat(noted("t")).containsExactly("30", "31");
        execute(
                ship.source,
                "with gone as (delete from t where id = 30 returning id) update t set v = 'z' where id = 31");
        assertThat(noted("t")).containsExactly("30", "31");
        execute(ship.source, "begin", "savepoint a", "delete from t where id = 6", "rollback to a", "commit");
        assertThat(noted("t")).isEmpty();
        if (ship.source.getMetaData().getDatabaseMajorVersion() >= 15) {
            execute(
                    ship.source,
                    "merge into t using (values (7, 'm'), (8, null), (70, 'n')) s (id, v) on t.id = s.id"
                            + " when matched and s.v is null then delete when matched then update set v = s.v"
                            + " when not matched then insert values (s.id, s.v)");
            assertThat(noted("t")).containsExactly("7", "70", "8");
        }
        execute(
                ship.source,
                "set session_replication_role = replica",
                "delete from t where id = 9",
                "reset session_replication_role");
        assertThat(noted("t")).containsExactly("9");
        execute(ship.source, "truncate t");
        assertThat(noted("t")).containsExactly("all");
    }

    @Test
    void cascaded_changes_are_noted() throws Exception {
        execute(
                ship.source,
                "create table p (id int primary key)",
                "create table c (id int primary key, p int references p on delete cascade on update cascade)");
        ship.track("p");
        ship.track("c");
        execute(ship.source, "insert into p values (1), (2)", "insert into c values (10, 1), (20, 2)");
        noted("c");
        execute(ship.source, "delete from p where id = 1", "update p set id = 3 where id = 2");
        assertThat(noted("c")).containsExactly("10", "20");
        execute(ship.source, "truncate p cascade");
        assertThat(noted("c")).containsExactly("all");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "id uuid primary key| md5(g::text)::uuid",
                "id text primary key| e'a\\tb\\\\n\\n\"''%' || g",
                "id numeric primary key| g / 10.0",
                "id text collate \"C\" primary key| 'x' || g",
                "id timestamptz primary key| '2026-01-01 00:00 Europe/Athens'::timestamptz + g * interval '1 s'",
                "a int not null, id text, b date, primary key (b, id)| g, 'k' || g, '2026-01-01'::date + g % 5",
                "id pos primary key| g",
                "xid int, id int, primary key (id, xid)| g, g",
                "id int4range primary key| int4range(g, g + 2)",
            })
    void any_primary_key_will_do(String columnsAndValues) throws Exception {
        String[] part = columnsAndValues.split("\\|", 2);
        execute(ship.source, "create domain pos as int not null check (value > 0)");
        execute(ship.target, "create domain pos as int not null check (value > 0)");
        ship.table("t", "create table t (" + part[0] + ")");
        execute(ship.source, "alter table t add extra int");
        execute(ship.target, "alter table t add extra int");
        String some = "insert into t select " + part[1] + " from generate_series(FROM, TO) g";
        execute(ship.source, some.replace("FROM", "1").replace("TO", "20"));
        ship.ship("t");
        execute(
                ship.source,
                "delete from t where ctid in (select ctid from t limit 3)",
                "update t set extra = 1",
                some.replace("FROM", "21").replace("TO", "25"));
        ship.ship("t");
        execute(ship.source, "truncate t", some.replace("FROM", "30").replace("TO", "33"));
        ship.ship("t");
    }

    @Test
    void a_key_that_only_looks_different_changes_all_the_same() throws Exception {
        ship.table("t", "create table t (id numeric primary key, v int)");
        execute(ship.source, "insert into t values (1.0, 1)");
        ship.ship("t");
        execute(ship.source, "update t set id = 1.00");
        ship.ship("t");
    }

    @Test
    void names_of_any_kind_will_do() throws Exception {
        for (String raw : List.of("Odd \"Näme\" $caravan$ ; \\ 'x' %I", "n".repeat(63), "ä".repeat(31))) {
            TableName name = new TableName("Schema '1'.", raw);
            for (Connection side : List.of(ship.source, ship.target)) {
                execute(
                        side,
                        "create schema if not exists \"Schema '1'.\"",
                        "create table " + name.quoted()
                                + " (\"the \"\"Key\" int primary key, \"select\" text, \"a,b\" int)");
            }
            Tracking tracking = new Tracking(Tracking.LEDGER, null, null, false);
            execute(ship.source, tracking.exporter(name), tracking.exporter(name));
            execute(ship.target, tracking.importer(name), tracking.importer(name));
            Exporter.Request request = new Exporter.Request(ship.to, List.of(name), ship.drop, Compression.NONE, false);
            for (String change :
                    List.of("insert into %s values (1, 'x', 2), (2, 'y', 3)", "delete from %s where \"a,b\" = 2")) {
                execute(ship.source, change.formatted(name.quoted()));
                assertThat(new Exporter(ship.sourceConnect()).export(request)).hasSize(1);
                ship.importWell();
                assertThat(query(ship.target, "select t::text from " + name.quoted() + " t order by 1"))
                        .isEqualTo(query(ship.source, "select t::text from " + name.quoted() + " t order by 1"));
            }
            execute(ship.source, tracking.reset(name, false));
            assertThat(query(
                            ship.source,
                            "select tgname from pg_trigger where tgrelid = '"
                                    + name.quoted().replace("'", "''") + "'::regclass"))
                    .isEmpty();
        }
    }

    @Test
    void long_names_fit_into_63_bytes_and_stay_apart() {
        String one = Tracking.tracking(new TableName("s", "ä".repeat(31))).name();
        String other =
                Tracking.tracking(new TableName("s", "ä".repeat(30) + "ö")).name();
        assertThat(one.getBytes(StandardCharsets.UTF_8).length).isLessThanOrEqualTo(63);
        assertThat(one).isNotEqualTo(other).endsWith("_dml");
    }

    @Test
    void partitions_are_followed_wherever_rows_are_written() throws Exception {
        String ddl = "create table p (id int, at date, v text, primary key (id, at)) partition by range (at);"
                + "create table p1 partition of p for values from ('2026-01-01') to ('2026-02-01');"
                + "create table p2 partition of p for values from ('2026-02-01') to ('2026-03-01') partition by list (at);"
                + "create table p2d partition of p2 default";
        ship.table("p", ddl);
        execute(ship.source, "insert into p select g, '2026-01-20'::date + g, 'a' from generate_series(1, 30) g");
        ship.ship("p");
        execute(
                ship.source,
                "insert into p1 values (100, '2026-01-05', 'direct')",
                "delete from p2d where id = 20",
                "update p set at = '2026-02-20' where id = 1",
                "update p2 set v = 'b' where id = 25");
        assertThat(ship.exportOne("p").kind()).isEqualTo(SetKind.CHANGES);
        ship.importWell();
        ship.assertEqual("p");

        // a partition that is made later, and one that comes with rows
        execute(
                ship.source,
                "create table p3 partition of p for values from ('2026-03-01') to ('2026-04-01')",
                "insert into p values (200, '2026-03-02', 'new')",
                "create table p4 (like p including all)",
                "insert into p4 values (300, '2026-04-02', 'attached')",
                "alter table p attach partition p4 for values from ('2026-04-01') to ('2026-05-01')");
        execute(ship.target, "create table p3 partition of p for values from ('2026-03-01') to ('2026-05-01')");
        assertThat(ship.exportOne("p").kind()).isEqualTo(SetKind.CHANGES);
        ship.importWell();
        ship.assertEqual("p");

        execute(ship.source, "truncate p1");
        assertThat(export("p").reason()).contains("truncated");
        ship.importWell();
        ship.assertEqual("p");

        // p3 came after the triggers: no trigger of its own sees this
        execute(ship.source, "truncate p3");
        assertThat(export("p").reason()).contains("p3");
        ship.importWell();
        ship.assertEqual("p");

        execute(ship.source, "alter table p detach partition p4");
        assertThat(export("p").reason()).contains("detached");
        ship.importWell();
        ship.assertEqual("p");
        assertThat(ship.export("p")).isEmpty();
    }

    private Exported export(String table) {
        List<Exported> exported = ship.export(table);
        assertThat(exported).hasSize(1);
        return exported.get(0);
    }

    @Test
    void one_partition_can_be_tracked_as_a_table() throws Exception {
        execute(
                ship.source,
                "create table p (id int primary key, v text) partition by range (id)",
                "create table p1 partition of p for values from (0) to (100)");
        execute(ship.target, "create table p1 (id int primary key, v text)");
        ship.track("p");
        ship.track("p1");
        ship.accept("p1");
        execute(ship.source, "insert into p values (1, 'a')", "insert into p1 values (2, 'b')");
        ship.ship("p1");
        execute(ship.source, "update p set v = 'c'");
        ship.ship("p1");
        execute(ship.source, "truncate p");
        ship.ship("p1");
    }

    /** On a connection of its own, which a failure leaves behind with the transaction that failed. */
    private void trackAlone(String table) throws SQLException {
        try (Connection connection = DriverManager.getConnection(ship.sourceUrl)) {
            execute(connection, new Tracking(Tracking.LEDGER, null, null, false).exporter(Shipping.table(table)));
        }
    }

    @Test
    void what_triggers_cannot_see_is_refused() throws Exception {
        execute(
                ship.source,
                "create table nokey (a int)",
                "create table parent (id int primary key)",
                "create table child (primary key (id)) inherits (parent)",
                "create unlogged table u (id int primary key)",
                "create view v as select 1 as id",
                "create extension file_fdw",
                "create server files foreign data wrapper file_fdw",
                "create foreign table f (id int) server files options (filename '/dev/null')");
        assertThatThrownBy(() -> trackAlone("nokey")).hasMessageContaining("no primary key");
        assertThatThrownBy(() -> trackAlone("parent")).hasMessageContaining("inheritance");
        assertThatThrownBy(() -> trackAlone("child")).hasMessageContaining("inheritance");
        assertThatThrownBy(() -> trackAlone("u")).hasMessageContaining("unlogged");
        assertThatThrownBy(() -> trackAlone("v")).hasMessageContaining("no table");
        assertThatThrownBy(() -> trackAlone("f")).hasMessageContaining("foreign table");
        assertThatThrownBy(() -> trackAlone("missing")).hasMessageContaining("there is no table");
        execute(
                ship.source,
                "rollback",
                "create table old (id int primary key)",
                "create table old_dml (id bigint, source_id bigint)");
        assertThatThrownBy(() -> trackAlone("old")).hasMessageContaining("old_dml");
        assertThat(query(ship.source, "select 1 from pg_namespace where nspname = 'caravan'"))
                .isEmpty();
    }

    @Test
    void a_trigger_that_is_or_was_switched_off_makes_a_full_set() throws Exception {
        ship.table("t", "create table t (id int primary key, v text)");
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        execute(
                ship.source,
                "alter table t disable trigger user",
                "update t set v = 'unseen'",
                "alter table t enable trigger user");
        ship.track("t");
        assertThat(export("t").reason()).contains("switched off");
        ship.importWell();
        ship.assertEqual("t");
        assertThat(ship.export("t")).isEmpty();
        execute(ship.source, "alter table t disable trigger user", "insert into t values (2, 'unseen')");
        assertThat(export("t").reason()).contains("missing or not ENABLE ALWAYS");
        ship.importWell();
        ship.assertEqual("t");
    }

    @Test
    void triggers_that_do_not_always_fire_make_full_sets_until_they_do() throws Exception {
        ship.table("t", "create table t (id int primary key, v text)");
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        execute(ship.source, "alter table t disable trigger user", "alter table t enable trigger user");
        assertThat(export("t").reason()).contains("not ENABLE ALWAYS");
        ship.importWell();
        execute(
                ship.source,
                "set session_replication_role = replica",
                "insert into t values (2, 'unseen')",
                "reset session_replication_role");
        assertThat(export("t").reason()).contains("ddl exporter public t");
        ship.importWell();
        ship.assertEqual("t");
        ship.track("t");
        ship.ship("t");
        assertThat(ship.export("t")).isEmpty();
    }

    @Test
    void a_composite_key_may_have_nulls_inside() throws Exception {
        String ddl = "create type pair as (a int, b int);"
                + "create table t (id pair primary key, v text); create table u (id pair, n int, v text, primary key (id, n))";
        ship.table("t", ddl);
        ship.track("u");
        ship.accept("u");
        execute(
                ship.source,
                "insert into t values ((1, null), 'a'), ((null, null), 'b'), ((3, 4), 'c')",
                "insert into u values ((null, null), 1, 'a'), ((1, 2), 1, 'b')");
        ship.ship("t", "u");
        execute(
                ship.source,
                "update t set v = 'x' where (id).a = 1",
                "update t set v = 'y' where (id).a is null",
                "update u set v = 'y' where (id).a is null");
        ship.export("t", "u");
        assertThat(query(ship.source, "select bool_or(manifest like '%\"truncated\" : true%') from caravan.export_set"))
                .containsExactly("f");
        ship.importWell();
        ship.assertEqual("t");
        ship.assertEqual("u");
        execute(ship.source, "delete from t where (id).b is null");
        ship.ship("t");
        execute(ship.source, "truncate t");
        assertThat(ship.exportOne("t").truncated()).isTrue();
        ship.importWell();
        ship.assertEqual("t");
        assertThat(query(
                                ship.source,
                                "explain select from t_dml where id is not distinct from null and xid >= '7'::xid8")
                        .toString())
                .contains("t_dml_truncations");
    }

    @Test
    void writers_need_no_rights_on_what_is_noted_and_nobody_else_has_any() throws Exception {
        String writer = "writer_" + ship.source.getCatalog();
        String exporter = "exporter_" + ship.source.getCatalog();
        execute(
                ship.source,
                "create role " + writer + " login password 'w'",
                "create role " + exporter + " login password 'e'",
                "create table t (id int primary key, v text)",
                "grant insert, update, delete, select on t to " + writer,
                new Tracking(Tracking.LEDGER, null, exporter, false).exporter(Shipping.table("t")));
        String url =
                ship.sourceUrl.replaceAll("user=[^&]*", "user=" + writer).replaceAll("password=[^&]*", "password=w");
        try (Connection connection = DriverManager.getConnection(url)) {
            execute(
                    connection,
                    "create temp table t_dml (id int, xid xid8)",
                    "insert into t values (1, 'a')",
                    "update t set id = 2");
            assertThatThrownBy(() -> query(connection, "select * from public.t_dml"))
                    .hasMessageContaining("permission");
            assertThatThrownBy(() -> query(connection, "select public.t_dml()")).hasMessageContaining("permission");
            assertThatThrownBy(() -> query(connection, "select * from caravan.export_set"))
                    .hasMessageContaining("permission");
        }
        assertThat(noted("t")).containsExactly("1", "2");
        execute(ship.source, "insert into t values (3, 'c')");
        Connect asExporter = () -> DriverManager.getConnection(
                ship.sourceUrl.replaceAll("user=[^&]*", "user=" + exporter).replaceAll("password=[^&]*", "password=e"));
        assertThat(new Exporter(asExporter).export(ship.request("t"))).hasSize(1);
        execute(ship.source, "delete from t");
        assertThat(new Exporter(asExporter).export(ship.request("t"))).hasSize(1);
        execute(ship.source, "drop owned by " + writer + ", " + exporter, "drop role " + writer + ", " + exporter);
    }

    @Test
    void twice_does_no_harm_and_reset_removes_all_of_it() throws Exception {
        execute(ship.source, "create table t (id int primary key, v text)");
        String before = String.join("\n", everything());
        ship.track("t");
        List<String> once = everything();
        ship.track("t");
        assertThat(everything()).isEqualTo(once).isNotEqualTo(before);
        execute(ship.source, "insert into t values (1, 'a')");
        ship.export("t");
        execute(ship.source, new Tracking(Tracking.LEDGER, null, null, false).importer(Shipping.table("t")));
        Tracking tracking = new Tracking(Tracking.LEDGER, null, null, false);
        execute(ship.source, tracking.reset(Shipping.table("t"), false), tracking.reset(Shipping.table("t"), false));
        assertThat(String.join("\n", everything())).isEqualTo(before);
    }

    private List<String> everything() throws SQLException {
        return query(
                ship.source,
                "select 'c ' || oid || ' ' || relname from pg_class where relnamespace::regnamespace::text in ('public', 'caravan')"
                        + " union all select 'p ' || oid || proname from pg_proc where pronamespace::regnamespace::text in ('public', 'caravan')"
                        + " union all select 't ' || oid || ' ' || xmin || tgname from pg_trigger where not tgisinternal"
                        + " union all select 'n ' || nspname from pg_namespace where nspname !~ '^pg_' order by 1");
    }

    @Test
    void tables_that_replication_writes_to_have_triggers_that_fire_for_it() throws Exception {
        String other = PgServer.get().createDatabase("ship_publisher");
        execute(ship.source, "create table t (id int primary key, v text)");
        ship.track("t");
        execute(
                ship.source,
                "create subscription nowhere connection 'host=127.0.0.1 dbname=none' publication p with (connect = false)");
        try (Connection publisher = DriverManager.getConnection(other)) {
            // what CREATE SUBSCRIPTION with a connection would have noted
            execute(
                    ship.source,
                    "insert into pg_subscription_rel (srsubid, srrelid, srsubstate) select oid, 't'::regclass, 'r' from pg_subscription where subname = 'nowhere'");
            execute(ship.source, "insert into t values (1, 'a')");
            assertThat(SourceTable.read(ship.source, Shipping.table("t")).problem())
                    .isNull();
            // as an earlier version made it
            execute(ship.source, "drop trigger t_dml_replica on t");
            assertThat(SourceTable.read(ship.source, Shipping.table("t")).problem())
                    .contains("missing");
            ship.track("t");
            assertThat(
                            query(
                                    ship.source,
                                    "select string_agg(tgenabled::text, '' order by tgname) from pg_trigger where tgrelid = 't'::regclass"))
                    .containsExactly("AAAAAA");
            noted("t");
            execute(
                    ship.source,
                    "set session_replication_role = replica",
                    "insert into t values (2, 'b')",
                    "delete from t where id = 1");
            assertThat(noted("t")).containsExactly("1", "2");
        } finally {
            execute(
                    ship.source,
                    "reset session_replication_role",
                    "delete from pg_subscription_rel",
                    "alter subscription nowhere set (slot_name = none)",
                    "drop subscription nowhere");
        }
    }
}
