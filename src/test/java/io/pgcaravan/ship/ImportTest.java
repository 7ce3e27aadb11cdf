package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.ship.exporter.ExportLedger;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A set is applied whole, once, in its turn, or not at all. */
class ImportTest {

    @TempDir
    Path directory;

    private Shipping ship;
    private Path drop;

    @BeforeEach
    void setUp() throws Exception {
        drop = directory.resolve("drop");
        ship = new Shipping(drop);
        ship.table("t", "create table t (id int primary key, v text)");
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private Result only() {
        List<Outcome> outcomes = ship.importAll();
        assertThat(outcomes).as(outcomes.toString()).hasSize(1);
        return outcomes.get(0).result();
    }

    private String message() {
        return ship.importAll().get(0).message();
    }

    @Test
    void files_may_come_in_any_order() throws Exception {
        execute(ship.source, "insert into t values (1, 'a')");
        ship.export("t");
        for (int i = 2; i < 6; i++) {
            execute(
                    ship.source,
                    "insert into t values (" + i + ", 'b')",
                    "update t set v = v || '" + i + "' where id = " + i / 2);
            ship.export("t");
        }
        Path away = Files.createDirectories(directory.resolve("away"));
        List<String> files = new ArrayList<>(ship.files(""));
        for (String file : files) {
            Files.move(drop.resolve(file), away.resolve(file));
        }
        Collections.shuffle(files, new Random(42));
        for (String file : files) {
            Files.move(away.resolve(file), drop.resolve(file));
            assertThat(ship.importAll())
                    .extracting(Outcome::result)
                    .allMatch(r -> r == Result.APPLIED || r == Result.GAP || r == Result.INCOMPLETE);
        }
        ship.assertEqual("t");
        assertThat(ship.files("done")).hasSize(20);
    }

    @Test
    void short_and_missing_files_are_waited_for() throws Exception {
        execute(ship.source, "insert into t select g, 'a' from generate_series(1, 100) g");
        Manifest set = ship.exportOne("t");
        Path records = drop.resolve(set.name().file(SetPart.RECORDS));
        byte[] all = Files.readAllBytes(records);
        Files.write(records, java.util.Arrays.copyOf(all, all.length / 2));
        assertThat(only()).isEqualTo(Result.INCOMPLETE);
        assertThat(message()).contains("rest of public.t.000000000001.records");
        Files.delete(records);
        assertThat(only()).isEqualTo(Result.INCOMPLETE);
        assertThat(message()).contains("waits for public.t.000000000001.records");
        Files.write(records, all);
        assertThat(only()).isEqualTo(Result.APPLIED);
        ship.assertEqual("t");
    }

    @Test
    void a_gap_waits_and_says_which_set_is_missing() throws Exception {
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        for (int i = 2; i < 5; i++) {
            execute(ship.source, "insert into t values (" + i + ", 'b')");
            ship.export("t");
        }
        Path away = Files.createDirectories(directory.resolve("away"));
        for (SetPart part : List.of(SetPart.COLUMNS, SetPart.IDS, SetPart.RECORDS, SetPart.DONE)) {
            String name = "public.t.000000000002" + part.suffix();
            Files.move(drop.resolve(name), away.resolve(name));
        }
        assertThat(ship.importAll()).extracting(Outcome::result).containsExactly(Result.GAP, Result.GAP);
        assertThat(ship.importAll())
                .extracting(Outcome::message)
                .allMatch(m -> m.contains("set 2") || m.contains("sets 2 to 3"));
        for (SetPart part : List.of(SetPart.COLUMNS, SetPart.IDS, SetPart.RECORDS, SetPart.DONE)) {
            String name = "public.t.000000000002" + part.suffix();
            Files.move(away.resolve(name), drop.resolve(name));
        }
        ship.importWell();
        ship.assertEqual("t");
    }

    @Test
    void a_source_that_went_another_way_is_not_followed() throws Exception {
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        execute(
                ship.target,
                "update caravan.import_set set set_id = gen_random_uuid()",
                "delete from caravan.import_history");
        execute(ship.source, "insert into t values (2, 'a')");
        ship.export("t");
        assertThat(only()).isEqualTo(Result.DIVERGED);
        assertThat(message()).contains("--full");
        new Exporter(ship.sourceConnect())
                .export(new Exporter.Request(ship.to, List.of(Shipping.table("t")), ship.drop, Compression.NONE, true));
        ship.importAll();
        ship.assertEqual("t");
        assertThat(ship.importAll()).allMatch(o -> o.result() == Result.ALREADY_APPLIED);
    }

    @Test
    void a_ledger_that_was_lost_at_the_source_starts_over_with_a_full_set() throws Exception {
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        execute(ship.source, "insert into t values (2, 'a')");
        ship.ship("t");
        execute(ship.source, "delete from caravan.export_set", "insert into t values (3, 'a')");
        ship.ship("t");
        execute(ship.source, "insert into t values (4, 'a')");
        ship.ship("t");
    }

    @Test
    void tables_and_targets_that_are_not_meant_are_refused() throws Exception {
        execute(ship.source, "create table other (id int primary key)");
        execute(ship.target, "create table other (id int primary key)");
        ship.track("other");
        execute(ship.source, "insert into other values (1)");
        ship.export("other");
        assertThat(only()).isEqualTo(Result.REFUSED);
        assertThat(message()).contains("ddl importer public other");
        ship.accept("other");
        ship.importWell();

        execute(ship.source, "insert into t values (1, 'a')");
        ship.export("t");
        Importer elsewhere =
                new Importer(ship.targetConnect(), ship.drop, new Target("elsewhere", "db"), Importer.Progress.NONE);
        assertThat(elsewhere.importAll()).extracting(Outcome::result).containsExactly(Result.REFUSED);
        assertThat(new Importer(ship.sourceConnect(), ship.drop)
                        .importAll()
                        .get(0)
                        .result())
                .isEqualTo(Result.REFUSED);
        ship.importWell();
        ship.assertEqual("t");
    }

    @Test
    void the_target_may_have_more_columns_in_another_order() throws Exception {
        execute(ship.source, "create table c (id int primary key, a text, \"B b\" int)");
        execute(
                ship.target,
                "create table c (extra text default 'mine', \"B b\" int, id int generated always as identity primary key,"
                        + " a text, long text generated always as (a || '!') stored)");
        ship.track("c");
        ship.accept("c");
        execute(ship.source, "insert into c values (5, 'x', 1), (6, null, 2)");
        ship.export("c");
        ship.importWell();
        execute(ship.source, "update c set a = 'y' where id = 5");
        ship.export("c");
        ship.importWell();
        assertThat(Shipping.rows(ship.target, "c")).containsExactly("(mine,1,5,y,y!)", "(mine,2,6,,)");
        execute(ship.source, "alter table c add later int");
        ship.export("c");
        assertThat(only()).isEqualTo(Result.FAILED);
        assertThat(message()).contains("\"later\"").contains("missing");
        execute(ship.target, "alter table c add later int");
        ship.importWell();
    }

    @Test
    void rows_that_others_refer_to_are_updated_in_place() throws Exception {
        String ddl = "create table p (id int primary key, v text unique);"
                + "create table c (id int primary key, p int not null references p on delete cascade)";
        execute(ship.source, ddl);
        execute(ship.target, ddl);
        for (String table : List.of("p", "c")) {
            ship.track(table);
            ship.accept(table);
        }
        execute(
                ship.source,
                "insert into p select g, 'p' || g from generate_series(1, 9) g",
                "insert into c select g, g from generate_series(1, 9) g");
        ship.export("c", "p");
        assertThat(ship.importAll()).extracting(Outcome::result).containsExactly(Result.APPLIED, Result.APPLIED);
        execute(
                ship.target,
                "create table seen (what text)",
                "create function see() returns trigger language plpgsql as $$ begin insert into seen values (tg_op || ' ' || coalesce(new.id, old.id)); return null; end $$",
                "create trigger see after insert or update or delete on c for each row execute function see()");
        execute(
                ship.source,
                "update p set v = v || 'x' where id < 5",
                "delete from p where id = 9",
                "insert into p values (20, 'n')",
                "insert into c values (30, 20)",
                "update c set p = 20 where id = 8",
                "delete from p where id = 8");
        ship.export("c", "p");
        assertThat(ship.importAll()).extracting(Outcome::result).containsExactly(Result.APPLIED, Result.APPLIED);
        ship.assertEqual("p");
        ship.assertEqual("c");
        assertThat(query(ship.target, "select what from seen order by 1"))
                .containsExactly("DELETE 9", "INSERT 30", "UPDATE 8");
    }

    @Test
    void a_group_is_applied_together_or_not_at_all() throws Exception {
        ship.table("u", "create table u (id int primary key, v text)");
        execute(ship.source, "insert into t values (1, 'a')", "insert into u values (1, 'a')");
        ship.ship("t", "u");
        execute(ship.source, "insert into t values (2, 'b')", "insert into u values (2, 'b')");
        execute(
                ship.target,
                "insert into u values (77, 'in the way')",
                "create unique index on u ((id / 100)) where id in (2, 77)");
        ship.export("t", "u");
        assertThat(ship.importAll()).extracting(Outcome::result).containsExactly(Result.FAILED, Result.FAILED);
        assertThat(Shipping.rows(ship.target, "t")).containsExactly("(1,a)");
        Path done = drop.resolve("public.u.000000000002.done");
        Path away = directory.resolve("away.done");
        Files.move(done, away);
        assertThat(only()).isEqualTo(Result.INCOMPLETE);
        Files.move(away, done);
        execute(ship.target, "delete from u where id = 77");
        ship.importWell();
        ship.assertEqual("t");
        ship.assertEqual("u");
    }

    @Test
    void a_group_whose_files_leave_after_a_crash_is_already_applied() throws Exception {
        ship.table("u", "create table u (id int primary key, v text)");
        execute(ship.source, "insert into t values (1, 'a')", "insert into u values (1, 'a')");
        ship.ship("t", "u");
        for (String file : ship.files("done")) {
            if (file.startsWith("public.u")) {
                Files.copy(drop.resolve("done").resolve(file), drop.resolve(file));
            }
        }
        assertThat(only()).isEqualTo(Result.ALREADY_APPLIED);
        assertThat(ship.files("")).containsExactly("public.t.000000000001.ack", "public.u.000000000001.ack");
    }

    @Test
    void imports_of_one_directory_at_once_share_the_work() throws Exception {
        ship.table("u", "create table u (id int primary key, v text)");
        for (int i = 1; i < 40; i++) {
            execute(ship.source, "insert into t values (" + i + ", 'a')", "insert into u values (" + i + ", 'a')");
            ship.export("t", "u");
            List<Thread> threads = new ArrayList<>();
            List<Outcome> outcomes = Collections.synchronizedList(new ArrayList<>());
            for (int n = 0; n < 4; n++) {
                threads.add(new Thread(() -> outcomes.addAll(ship.importAll())));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(outcomes).allMatch(outcome -> outcome.result().good());
            ship.assertEqual("t");
            ship.assertEqual("u");
        }
        assertThat(ship.files("")).noneMatch(file -> file.endsWith(".tmp"));
    }

    @Test
    void a_chain_passes_changes_on() throws Exception {
        try (Shipping next = new Shipping(directory.resolve("next"))) {
            // B imports t from the source and exports it to the next
            execute(ship.target, new Tracking(Tracking.LEDGER, null, null, false).exporter(Shipping.table("t")));
            execute(next.target, "create table t (id int primary key, v text)");
            next.accept("t");
            Exporter second = new Exporter(ship.targetConnect());
            for (String change : List.of(
                    "insert into t select g, 'a' from generate_series(1, 50) g",
                    "update t set v = 'b' where id % 2 = 0",
                    "delete from t where id < 10",
                    "truncate t",
                    "insert into t values (1, 'z')",
                    "update t set id = 5")) {
                execute(ship.source, change);
                ship.ship("t");
                second.export(new Exporter.Request(
                        next.to, List.of(Shipping.table("t")), next.drop, Compression.NONE, false));
                next.importWell();
                assertThat(Shipping.rows(next.target, "t")).isEqualTo(Shipping.rows(ship.source, "t"));
            }
        }
    }

    @Test
    void acknowledgements_come_back() throws Exception {
        execute(ship.source, "insert into t values (1, 'a')");
        ship.ship("t");
        assertThat(ship.files("")).containsExactly("public.t.000000000001.ack");
        assertThat(ship.export("t")).isEmpty();
        assertThat(ship.files("")).isEmpty();
        ExportLedger.TargetProgress standing =
                new ExportLedger(ship.source, Tracking.LEDGER).targets().get(0);
        assertThat(standing.published()).isEqualTo(1);
        assertThat(standing.acknowledged()).isEqualTo(1);
        assertThat(standing.waiting()).isZero();
    }
}
