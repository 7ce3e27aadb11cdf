package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pgcaravan.PgServer;
import io.pgcaravan.server.PrivateCluster;
import io.pgcaravan.ship.compare.Comparison;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Request;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.ship.importer.WaitingSets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sets of a source that was restored, or of another one, never pass for those that the target has. */
class RestoredSourceTest {

    @TempDir
    Path directory;

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    private static void change(Shipping ship, int from, int to) throws SQLException {
        for (int i = from; i <= to; i++) {
            execute(ship.source, "insert into t values (" + i + ", 'set')");
            ship.export("t");
        }
    }

    private static Request full(Shipping ship, long after) {
        return new Request(ship.to, List.of(Shipping.table("t")), ship.drop, Compression.NONE, true, after);
    }

    @Test
    void sets_after_a_restore_are_diverged_and_a_numbered_full_set_mends_it() throws Exception {
        PrivateCluster cluster = PgServer.another(Map.of());
        assumeTrue(cluster != null);
        try (cluster) {
            String url = cluster.createDatabase("shop", "UTF8");
            String data = cluster.directory().resolve("data").toString();
            String backup = cluster.directory().resolve("backup").toString();
            String targetUrl = PgServer.get().createDatabase("ship_target");
            try (Shipping ship = new Shipping(directory, url, targetUrl)) {
                ship.table("t", "create table t (id int primary key, v text)");
                change(ship, 1, 2);
                ship.importWell();
                // acknowledged, so that the backup's ledger knows that
                ship.export("t");
            }
            cluster.stop(false);
            run("cp", "-a", data, backup);
            cluster.startAgain();
            try (Shipping ship = new Shipping(directory, url, targetUrl)) {
                change(ship, 3, 6);
                ship.importWell();
                ship.export("t");
            }
            cluster.stop(false);
            run("rm", "-rf", data);
            run("mv", backup, data);
            cluster.startAgain();
            try (Shipping ship = new Shipping(directory, url, targetUrl)) {
                change(ship, 103, 104);
                new Exporter(ship.sourceConnect()).export(full(ship, 0));
                List<Outcome> outcomes = ship.importAll();
                assertThat(outcomes).hasSize(3).allMatch(outcome -> outcome.result() == Result.DIVERGED);
                assertThat(outcomes.get(2).message()).contains("restored").contains("--full --after 6");
                assertThat(ship.files("")).noneMatch(file -> file.endsWith(".ack"));
                assertThat(query(ship.target, "select max(id) from t")).containsExactly("6");
                assertThat(WaitingSets.of(ship.target, ship.drop, null).get(0).diverged())
                        .contains("--after 6");
                Comparison.Result compared = new Comparison(Comparison.Progress.NONE)
                        .compare(
                                ship.sourceConnect(),
                                ship.targetConnect(),
                                new Comparison.Request(Shipping.table("t"), null, null),
                                Tracking.LEDGER,
                                null,
                                difference -> {});
                assertThat(compared.wrong()).isEqualTo(6);
                assertThat(compared.remarks()).anyMatch(remark -> remark.contains("restored"));
                // nothing was taken for received
                assertThat(query(
                                ship.source,
                                "select set_number from caravan.export_set where acknowledged_at is null order by 1"))
                        .containsExactly("3", "4", "5");

                new Exporter(ship.sourceConnect()).export(full(ship, 6));
                assertThat(ship.importAll()).hasSize(4).allMatch(outcome -> outcome.result()
                        .good());
                ship.assertEqual("t");
                change(ship, 105, 105);
                ship.importWell();
                ship.assertEqual("t");
            }
        }
    }

    @Test
    void notes_of_another_cluster_never_fire() throws Exception {
        try (Shipping ship = new Shipping(directory)) {
            ship.table("t", "create table t (id int primary key, v text)");
            execute(ship.source, "insert into t select g, 'a' from generate_series(1, 9) g");
            ship.ship("t");
            // as pg_restore leaves it: ledger and notes of a cluster that had come further
            execute(
                    ship.source,
                    "update caravan.export_set set source_system = '1'",
                    "insert into t_dml (id, xid) values (null, (pg_current_xact_id()::text::bigint + 12)::text::xid8),"
                            + " (null, (pg_current_xact_id()::text::bigint + 1000)::text::xid8)");
            assertThat(ship.exportOne("t").kind()).isEqualTo(SetKind.FULL);
            ship.importWell();
            assertThat(query(ship.source, "select count(*) from t_dml")).containsExactly("0");
            // and one that stands by in a database that has sets of its own
            execute(
                    ship.source,
                    "insert into t_dml (id, xid) values (null, (pg_current_xact_id()::text::bigint + 300)::text::xid8)");
            for (int i = 10; i < 400; i++) {
                execute(ship.source, "insert into t values (" + i + ", 'b')");
                if (i % 50 == 0) {
                    assertThat(ship.exportOne("t").truncated()).isFalse();
                }
            }
            ship.export("t");
            ship.importWell();
            ship.assertEqual("t");
        }
    }

    @Test
    void a_late_set_that_a_full_one_holds_is_already_applied() throws Exception {
        try (Shipping ship = new Shipping(directory)) {
            ship.table("t", "create table t (id int primary key, v text)");
            change(ship, 1, 1);
            ship.importWell();
            change(ship, 2, 3);
            Path away = directory.resolve("away");
            run("mkdir", away.toString());
            run("sh", "-c", "mv " + directory + "/public.t.00000000000[23].* " + away);
            new Exporter(ship.sourceConnect()).export(full(ship, 0));
            ship.importWell();
            run("sh", "-c", "mv " + away + "/* " + directory);
            assertThat(ship.importAll()).hasSize(2).extracting(Outcome::result).containsOnly(Result.ALREADY_APPLIED);
            ship.assertEqual("t");
        }
    }

    @Test
    void a_late_set_below_a_full_one_waits_for_those_between() throws Exception {
        try (Shipping ship = new Shipping(directory)) {
            ship.table("t", "create table t (id int primary key, v text)");
            change(ship, 1, 1);
            ship.importWell();
            change(ship, 2, 4);
            Path away = directory.resolve("away");
            run("mkdir", away.toString());
            run("sh", "-c", "mv " + directory + "/public.t.00000000000[24].* " + away);
            new Exporter(ship.sourceConnect()).export(full(ship, 0));
            List<Outcome> outcomes = ship.importAll();
            assertThat(outcomes).extracting(Outcome::result).containsExactly(Result.GAP, Result.APPLIED);
            assertThat(outcomes.get(0).message()).contains("it waits for set 4").doesNotContain("restored");
            assertThat(WaitingSets.of(ship.target, ship.drop, null).toString()).doesNotContain("restored");
            run("sh", "-c", "mv " + away + "/* " + directory);
            assertThat(ship.importAll()).hasSize(3).extracting(Outcome::result).containsOnly(Result.ALREADY_APPLIED);
            ship.assertEqual("t");
        }
    }

    @Test
    void a_full_set_that_was_on_its_way_when_the_source_was_restored_is_not_applied() throws Exception {
        Path late = directory.resolve("late");
        String sourceUrl = PgServer.get().createDatabase("ship_source");
        String targetUrl = PgServer.get().createDatabase("ship_target");
        String name;
        try (Shipping ship = new Shipping(directory, sourceUrl, targetUrl)) {
            name = ship.source.getCatalog();
            ship.table("t", "create table t (id int primary key, v text)");
            ship.source.close();
            execute(ship.target, "create database copy_of_" + name + " template " + name);
        }
        try (Shipping ship = new Shipping(directory, sourceUrl, targetUrl)) {
            change(ship, 1, 2);
            ship.importWell();
            new Exporter(ship.sourceConnect()).export(full(ship, 0));
            run("mkdir", late.toString());
            run("sh", "-c", "mv " + directory + "/public.t.* " + late);
            ship.source.close();
            execute(
                    ship.target,
                    "drop database " + name + " with (force)",
                    "alter database copy_of_" + name + " rename to " + name);
        }
        try (Shipping ship = new Shipping(directory, sourceUrl, targetUrl)) {
            change(ship, 7, 8);
            ship.importWell();
            run("sh", "-c", "mv " + late + "/public.t.000000000003.* " + directory);
            List<Outcome> outcomes = ship.importAll();
            assertThat(outcomes).extracting(Outcome::result).containsExactly(Result.DIVERGED);
            assertThat(outcomes.get(0).message())
                    .contains("the source was restored")
                    .contains("--full --after 3");
            ship.assertEqual("t");
            new Exporter(ship.sourceConnect()).export(full(ship, 3));
            assertThat(ship.importAll()).extracting(Outcome::result).contains(Result.APPLIED);
            ship.assertEqual("t");
        }
    }

    @Test
    void sets_of_a_group_of_which_one_table_got_a_full_set_meanwhile_are_applied() throws Exception {
        try (Shipping ship = new Shipping(directory)) {
            ship.table("t", "create table t (id int primary key, v text)");
            ship.table("u", "create table u (id int primary key, v text)");
            Path away = directory.resolve("away");
            run("mkdir", away.toString());
            for (int i = 1; i <= 4; i++) {
                execute(ship.source, "insert into t values (" + i + ", 'a')", "insert into u values (" + i + ", 'a')");
                ship.export("t", "u");
                if (i == 1) {
                    ship.importWell();
                } else {
                    run("sh", "-c", "mv " + directory + "/public.[tu].00000000000" + i + ".* " + away);
                }
            }
            new Exporter(ship.sourceConnect()).export(full(ship, 0));
            ship.importWell();
            run("sh", "-c", "mv " + away + "/* " + directory);
            for (int i = 0; i < 3; i++) {
                ship.importAll();
            }
            ship.assertEqual("u");
            ship.assertEqual("t");
        }
    }

    @Test
    void a_clone_of_the_source_is_another_source_until_the_target_is_reset() throws Exception {
        try (Shipping one = new Shipping(directory.resolve("one"))) {
            one.table("t", "create table t (id int primary key, v text)");
            change(one, 1, 2);
            one.importWell();
            execute(one.target, new Tracking(Tracking.LEDGER, null, null, false).exporter(Shipping.table("t")));
            String name = one.source.getCatalog();
            one.source.close();
            execute(one.target, "create database clone_of_" + name + " template " + name);
            try (Shipping clone = new Shipping(
                    directory.resolve("clone"), one.sourceUrl.replace(name, "clone_of_" + name), one.targetUrl)) {
                change(clone, 11, 11);
                assertThat(clone.importAll().get(0).message()).contains("ddl reset --import-only");
                execute(one.target, new Tracking(Tracking.LEDGER, null, null, false).reset(Shipping.table("t"), true));
                clone.accept("t");
                clone.importWell();
                clone.assertEqual("t");
                assertThat(query(one.target, "select count(*) > 0 from t_dml")).containsExactly("t");
            }
        }
    }

    /**
     * A dump with its ledger, restored elsewhere: the source itself after its loss, or a copy of it while it goes on. The two cannot be
     * told apart until both have written a set; from then on only one of them is followed.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void what_was_restored_into_another_cluster_is_taken_by_a_full_set_or_not_at_all(boolean originalGoesOn)
            throws Exception {
        PrivateCluster cluster = PgServer.another(Map.of());
        assumeTrue(cluster != null);
        try (cluster;
                Shipping one = new Shipping(directory)) {
            one.table("t", "create table t (id int primary key, v text)");
            change(one, 1, 2);
            one.importWell();
            change(one, 3, 3);
            try (Shipping clone = new Shipping(directory, cluster.createDatabase("clone", "UTF8"), one.targetUrl)) {
                execute(clone.source, "create table t (id int primary key, v text)");
                clone.track("t");
                for (String table : List.of("t", "caravan.export_set")) {
                    for (String row : query(one.source, "select to_jsonb(r)::text from " + table + " r")) {
                        execute(
                                clone.source,
                                "insert into " + table + " select * from jsonb_populate_record(null::" + table + ", '"
                                        + row.replace("'", "''") + "')");
                    }
                }
                if (originalGoesOn) {
                    change(one, 4, 4);
                }
                one.importWell();
                execute(clone.source, "insert into t values (11, 'clone')");
                Exporter.Exported exported = clone.export("t").get(0);
                assertThat(exported.manifest().kind()).isEqualTo(SetKind.FULL);
                assertThat(exported.reason()).contains("in another cluster now");
                Outcome outcome = clone.importAll().get(0);
                if (originalGoesOn) {
                    assertThat(outcome.result()).as(outcome.message()).isEqualTo(Result.DIVERGED);
                    assertThat(outcome.message()).contains("a table follows one source");
                    one.assertEqual("t");
                } else {
                    assertThat(outcome.result()).as(outcome.message()).isEqualTo(Result.APPLIED);
                    clone.assertEqual("t");
                    execute(one.source, "insert into t values (12, 'late')");
                    one.export("t");
                    Outcome late = one.importAll().get(0);
                    assertThat(late.result()).as(late.message()).isEqualTo(Result.DIVERGED);
                    assertThat(late.message()).contains("a table follows one source");
                    clone.assertEqual("t");
                }
            }
        }
    }

    @Test
    void another_database_of_the_cluster_is_another_source() throws Exception {
        String targetUrl = PgServer.get().createDatabase("ship_target");
        try (Shipping one =
                        new Shipping(directory.resolve("one"), PgServer.get().createDatabase("shop"), targetUrl);
                Shipping other =
                        new Shipping(directory.resolve("other"), PgServer.get().createDatabase("shop"), targetUrl)) {
            one.table("t", "create table t (id int primary key, v text)");
            execute(other.source, "create table t (id int primary key, v text)");
            other.track("t");
            change(one, 1, 1);
            one.importWell();
            change(other, 11, 11);
            new Exporter(other.sourceConnect()).export(full(other, 0));
            assertThat(other.importAll())
                    .hasSize(2)
                    .allMatch(outcome -> outcome.result() == Result.DIVERGED)
                    .allMatch(outcome -> outcome.message().contains("a table follows one source"));
            one.assertEqual("t");
            Comparison.Result compared = new Comparison(Comparison.Progress.NONE)
                    .compare(
                            other.sourceConnect(),
                            other.targetConnect(),
                            new Comparison.Request(Shipping.table("t"), null, null),
                            Tracking.LEDGER,
                            null,
                            difference -> {});
            assertThat(compared.wrong()).isEqualTo(2);
            assertThat(compared.onTheirWay()).isZero();
        }
    }
}
