package io.pgcaravan.ship;

import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.IncompleteSetException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.UnfinishedException;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.ship.relay.Relay;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Carriers without rename: files appear under their names at once and grow, each at its own pace, the marker as well. */
class GrowingFilesTest {

    /** What a marker holds beyond ASCII takes several bytes, between which it may break off. */
    private static final String TABLE = "public.größe";

    @TempDir
    Path directory;

    private Shipping ship;
    private Path arrivals;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory.resolve("drop"));
        arrivals = Files.createDirectory(directory.resolve("arrivals"));
        ship.table(TABLE, "create table \"größe\" (id int primary key, v text)");
        execute(ship.source, "insert into \"größe\" select g, md5(g::text) from generate_series(1, 50) g");
        ship.export(TABLE);
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    /** Lets the files of the set grow from nothing, and asks a question after each piece. */
    private void grow(long seed, Question question) throws Exception {
        Map<String, byte[]> left = new HashMap<>();
        for (String file : ship.files("")) {
            left.put(file, Files.readAllBytes(ship.directory.resolve(file)));
        }
        Random random = new Random(seed);
        while (!left.isEmpty()) {
            List<String> names = new ArrayList<>(left.keySet());
            String name = names.get(random.nextInt(names.size()));
            byte[] bytes = left.remove(name);
            int piece = Math.min(bytes.length, random.nextInt(600));
            try (OutputStream out = Files.newOutputStream(
                    arrivals.resolve(name), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
                out.write(bytes, 0, piece);
            }
            if (piece < bytes.length) {
                left.put(name, Arrays.copyOfRange(bytes, piece, bytes.length));
            }
            // the line end of a marker is not missed
            boolean whole = left.entrySet().stream()
                    .allMatch(rest ->
                            rest.getValue().length == 0 && !rest.getKey().endsWith(".ids")
                                    || rest.getKey().endsWith(".done") && rest.getValue().length < 2);
            if (!whole) {
                question.ask();
            }
        }
    }

    private interface Question {
        void ask() throws Exception;
    }

    @Test
    void the_import_waits_for_files_that_grow_in_any_order() throws Exception {
        Importer importer = new Importer(ship.targetConnect(), new DropDirectory(arrivals));
        for (long seed = 1; seed <= 3; seed++) {
            execute(ship.target, "drop schema caravan cascade", "truncate \"größe\"");
            ship.accept(TABLE);
            grow(seed, () -> assertThat(importer.importAll())
                    .extracting(Outcome::result)
                    .allMatch(result -> result == Result.INCOMPLETE));
            assertThat(importer.importAll()).extracting(Outcome::result).containsExactly(Result.APPLIED);
            ship.assertEqual(TABLE);
        }
        assertThat(arrivals.resolve("failed")).doesNotExist();
    }

    @Test
    void a_relay_waits_for_files_that_grow_in_any_order() throws Exception {
        Relay relay = new Relay(new DropDirectory(arrivals));
        SetName set = SetName.of(Shipping.table(TABLE), 1);
        for (long seed = 1; seed <= 20; seed++) {
            grow(seed, () -> assertThatThrownBy(() -> relay.outgoing(set, "sent"))
                    .isInstanceOf(IncompleteSetException.class));
            assertThat(relay.outgoing(set, "").files())
                    .hasSize(4)
                    .last()
                    .asString()
                    .endsWith(".done");
            relay.sent(set, null, "", "");
            assertThat(arrivals).isDirectoryNotContaining(file -> Files.isRegularFile(file));
        }
    }

    @Test
    void a_marker_is_waited_for_wherever_it_breaks_off() throws Exception {
        SetName set = SetName.of(Shipping.table(TABLE), 1);
        byte[] whole = Files.readAllBytes(ship.directory.resolve(set.file(SetPart.DONE)));
        assertThat(new String(whole, java.nio.charset.StandardCharsets.UTF_8)).contains("größe");
        assertThat(Manifest.read(set, whole).number()).isEqualTo(1);
        for (int length = 0; length < whole.length - 2; length++) {
            byte[] part = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> Manifest.read(set, part))
                    .as("%d bytes", length)
                    .isInstanceOf(UnfinishedException.class);
        }
    }

    @Test
    void a_set_that_is_sent_again_is_not_judged_by_files_of_both_sendings() throws Exception {
        ship.importWell();
        execute(ship.source, "update \"größe\" set v = 'two' where id < 20");
        ship.export(TABLE);
        SetName set = SetName.of(Shipping.table(TABLE), 2);
        // the records of the second sending are here, its marker is not: the first one was taken away before
        Path records = ship.directory.resolve(set.file(SetPart.RECORDS));
        Files.writeString(records, Files.readString(records).replace("two", "TWO"));
        Path done = ship.directory.resolve(set.file(SetPart.DONE));
        byte[] marker = Files.readAllBytes(done);
        Files.write(done, new byte[0]);
        assertThat(ship.importAll()).extracting(Outcome::result).containsExactly(Result.INCOMPLETE);
        // with its own marker it would have been damaged
        Files.write(done, marker);
        assertThat(ship.importAll()).extracting(Outcome::result).containsExactly(Result.DAMAGED);
        new Exporter(ship.sourceConnect()).again(ship.request(TABLE), 2);
        ship.importWell();
        ship.assertEqual(TABLE);
    }
}
