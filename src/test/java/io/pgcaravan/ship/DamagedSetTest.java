package io.pgcaravan.ship;

import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever happens to files on their way, the table does not change wrongly, and goes on when the right file comes. */
class DamagedSetTest {

    private static final String SET = "public.t.000000000002";

    @TempDir
    Path directory;

    private Shipping ship;
    private Path drop;
    private Path kept;
    private List<String> before;

    @BeforeEach
    void setUp() throws Exception {
        drop = directory.resolve("drop");
        kept = Files.createDirectory(directory.resolve("kept"));
        ship = new Shipping(drop);
        ship.table("t", "create table t (id int primary key, v text)");
        execute(ship.source, "insert into t select g, 'a' from generate_series(1, 100) g");
        ship.ship("t");
        execute(ship.source, "update t set v = 'b'", "delete from t where id < 20");
        ship.export("t");
        before = Shipping.rows(ship.target, "t");
        keep();
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private void keep() throws Exception {
        for (String file : ship.files("")) {
            Files.copy(drop.resolve(file), kept.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** The right file comes, alone. */
    private void bring(String file) throws Exception {
        Files.copy(kept.resolve(file), drop.resolve(file), StandardCopyOption.REPLACE_EXISTING);
    }

    private Outcome only() {
        List<Outcome> outcomes = ship.importAll();
        assertThat(outcomes).as(outcomes.toString()).hasSize(1);
        return outcomes.get(0);
    }

    private void mustBeUntouched() throws Exception {
        assertThat(Shipping.rows(ship.target, "t")).isEqualTo(before);
    }

    private void mustEndWell() throws Exception {
        ship.importWell();
        ship.assertEqual("t");
        assertThat(ship.files("")).containsExactly(SET + ".ack");
        assertThat(ship.files("failed")).isEmpty();
        assertThat(ship.files("done")).hasSize(8);
    }

    @Test
    void of_a_group_the_damaged_member_is_named_and_the_others_wait_for_it() throws Exception {
        ship.importWell();
        ship.table("u", "create table u (id int primary key, v text)");
        execute(ship.source, "update t set v = 'c'", "insert into u values (1, 'a')");
        ship.export("t", "u");
        String t = "public.t.000000000003";
        String u = "public.u.000000000001";
        for (SetPart part : new SetPart[] {SetPart.RECORDS, SetPart.DONE}) {
            Path file = drop.resolve(u + part.suffix());
            byte[] right = Files.readAllBytes(file);
            byte[] bytes = right.clone();
            bytes[bytes.length / 2] ^= 1;
            Files.write(file, bytes);
            for (int i = 0; i < 2; i++) {
                for (Outcome outcome : ship.importAll()) {
                    if (outcome.set().toString().equals(u)) {
                        assertThat(outcome.result()).as(outcome.toString()).isIn(Result.DAMAGED, Result.INCOMPLETE);
                    } else {
                        assertThat(outcome.result()).as(outcome.toString()).isEqualTo(Result.INCOMPLETE);
                        assertThat(outcome.message())
                                .contains("it waits for")
                                .contains(u)
                                .doesNotContain("refused");
                    }
                }
            }
            Files.write(file, right);
        }
        for (Outcome outcome : ship.importAll()) {
            assertThat(outcome.result()).as(outcome.toString()).isEqualTo(Result.APPLIED);
        }
        ship.assertEqual("t");
        ship.assertEqual("u");
    }

    @ParameterizedTest
    @EnumSource(
            value = SetPart.class,
            names = {"COLUMNS", "IDS", "RECORDS"})
    void one_flipped_bit_is_found_and_the_right_file_alone_is_enough(SetPart part) throws Exception {
        String name = SET + part.suffix();
        byte[] bytes = Files.readAllBytes(drop.resolve(name));
        bytes[bytes.length / 2] ^= 1;
        Files.write(drop.resolve(name), bytes);
        Outcome damaged = only();
        assertThat(damaged.result()).isEqualTo(Result.DAMAGED);
        assertThat(damaged.message()).contains(name + " is damaged").contains("waits for the right one");
        assertThat(ship.files("failed")).containsExactlyInAnyOrder(name, SET + ".error");
        assertThat(Files.readString(drop.resolve("failed/" + SET + ".error"))).contains("SHA-256");
        Outcome waits = only();
        assertThat(waits.result()).isEqualTo(Result.INCOMPLETE);
        assertThat(waits.message())
                .contains("waits for " + name)
                .contains("failed/")
                .contains("--again");
        mustBeUntouched();
        bring(name);
        mustEndWell();
    }

    @Test
    void a_set_that_was_damaged_may_come_again_as_a_whole() throws Exception {
        Files.writeString(drop.resolve(SET + ".ids"), "x", java.nio.file.StandardOpenOption.APPEND);
        assertThat(only().message()).contains("bytes, and its .done says");
        execute(ship.source, "update t set v = 'c' where id = 50");
        new Exporter(ship.sourceConnect()).again(ship.request("t"), 2);
        ship.importWell();
        assertThat(ship.files("failed")).isEmpty();
        ship.ship("t");
    }

    /** What comes again may have other bytes, and its .done comes last: until then its files are judged by the former one. */
    @Test
    void files_of_a_set_that_comes_again_are_not_lost_while_its_former_marker_is_still_there() throws Exception {
        Files.delete(drop.resolve(SET + ".records"));
        assertThat(only().result()).isEqualTo(Result.INCOMPLETE);
        execute(ship.source, "update t set v = 'another length' where id < 50");
        new Exporter(ship.sourceConnect()).again(ship.request("t"), 2);
        Path again = Files.createDirectory(directory.resolve("again"));
        for (String file : ship.files("")) {
            Files.move(drop.resolve(file), again.resolve(file));
        }
        bring(SET + ".done");
        for (String part : List.of(".columns", ".ids", ".records")) {
            Files.move(again.resolve(SET + part), drop.resolve(SET + part));
            ship.importAll();
        }
        assertThat(ship.files("failed")).contains(SET + ".records");
        mustBeUntouched();
        Files.move(again.resolve(SET + ".done"), drop.resolve(SET + ".done"), StandardCopyOption.REPLACE_EXISTING);
        mustEndWell();
    }

    @Test
    void a_marker_that_is_damaged_or_has_another_sets_name_is_replaced_by_the_right_one() throws Exception {
        byte[] marker = Files.readAllBytes(drop.resolve(SET + ".done"));
        Files.write(drop.resolve(SET + ".done"), Arrays.copyOf(marker, marker.length / 2));
        assertThat(only().result()).isEqualTo(Result.INCOMPLETE);
        marker[marker.length / 2] ^= 1;
        for (byte[] wrong : List.of(marker, Files.readAllBytes(drop.resolve("done/public.t.000000000001.done")))) {
            Files.write(drop.resolve(SET + ".done"), wrong);
            assertThat(only().result()).isEqualTo(Result.DAMAGED);
            assertThat(ship.files("failed")).contains(SET + ".done", SET + ".ids", SET + ".error");
            assertThat(ship.importAll()).isEmpty();
            mustBeUntouched();
        }
        bring(SET + ".done");
        mustEndWell();
    }

    @Test
    void files_of_two_sets_that_changed_names_are_told_apart() throws Exception {
        execute(ship.source, "update t set v = 'd' where id < 60");
        ship.export("t");
        keep();
        Path one = drop.resolve(SET + ".records");
        Path other = drop.resolve("public.t.000000000003.records");
        Path aside = directory.resolve("aside");
        Files.move(one, aside);
        Files.move(other, one);
        Files.move(aside, other);
        assertThat(ship.importAll()).extracting(Outcome::result).allMatch(r -> r != Result.APPLIED);
        mustBeUntouched();
        bring(SET + ".records");
        bring("public.t.000000000003.records");
        ship.importWell();
        ship.assertEqual("t");
        assertThat(ship.files("failed")).isEmpty();
    }

    @Test
    void files_that_were_delivered_twice_and_under_other_names_change_nothing() throws Exception {
        Files.copy(drop.resolve(SET + ".records"), drop.resolve(SET + ".records (1)"));
        Files.copy(drop.resolve(SET + ".done"), drop.resolve(SET + " (1).done"));
        Files.copy(drop.resolve(SET + ".done"), drop.resolve("public.t.000000000004.done"));
        Map<SetName, Result> results = new TreeMap<>();
        ship.importAll().forEach(outcome -> results.put(outcome.set(), outcome.result()));
        assertThat(results.values()).containsExactly(Result.APPLIED, Result.DAMAGED);
        ship.assertEqual("t");
        for (String file : List.of(".columns", ".ids", ".records", ".done")) {
            bring(SET + file);
        }
        assertThat(only().result()).isEqualTo(Result.ALREADY_APPLIED);
        ship.assertEqual("t");
    }

    /** Many sets; each delivery may be cut off, flipped, doubled, held back; what is right comes in the end, in any order. */
    @Test
    void a_carrier_that_does_everything_wrong_ends_in_equal_tables() throws Exception {
        for (int i = 0; i < 5; i++) {
            execute(
                    ship.source,
                    "update t set v = v || '" + i + "' where id % 5 = " + i,
                    "delete from t where id % 17 = " + i,
                    "insert into t values (" + (200 + i) + ", 'n')");
            if (i == 3) {
                execute(ship.source, "truncate t", "insert into t values (1, 'after')");
            }
            ship.export("t");
        }
        keep();
        List<String> files = new ArrayList<>(ship.files(""));
        for (String file : files) {
            Files.delete(drop.resolve(file));
        }
        List<String> states = new ArrayList<>();
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 40; round++) {
            String file = files.get(random.nextInt(files.size()));
            byte[] bytes = Files.readAllBytes(kept.resolve(file));
            switch (random.nextInt(4)) {
                case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
                case 1 -> {
                    if (bytes.length > 0) {
                        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                    }
                }
                case 2 -> file = files.get(random.nextInt(files.size()));
                default -> {}
            }
            Files.write(drop.resolve(file), bytes);
            for (Outcome outcome : ship.importAll()) {
                states.add(outcome.toString());
                if (outcome.result() == Result.APPLIED) {
                    assertThat(outcome.manifest().setId())
                            .as("seed " + seed)
                            .isEqualTo(Manifest.read(
                                            outcome.set(), Files.readAllBytes(kept.resolve(outcome.set() + ".done")))
                                    .setId());
                }
            }
        }
        Collections.shuffle(files, random);
        for (String file : files) {
            bring(file);
            ship.importAll();
        }
        // what was put aside because of a marker that was wrong may be needed once more
        for (String file : files) {
            bring(file);
        }
        ship.importAll();
        assertThat(Shipping.rows(ship.target, "t"))
                .as("seed " + seed + ": " + String.join("\n", states))
                .isEqualTo(Shipping.rows(ship.source, "t"));
    }
}
