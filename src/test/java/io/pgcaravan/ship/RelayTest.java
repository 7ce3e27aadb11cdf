package io.pgcaravan.ship;

import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.IncompleteSetException;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.ship.relay.Relay;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sets that are fetched file by file into a drop directory, and those that leave one. */
class RelayTest {

    private static final SetName FIRST = new SetName("public.t", 1);

    @TempDir
    Path directory;

    private Shipping ship;
    private Path near;
    private Relay relay;
    private Importer importer;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory.resolve("far"));
        ship.table("t", "create table t (id int primary key, v text)");
        execute(ship.source, "insert into t select g, 'one' from generate_series(1, 20) g");
        ship.export("t");
        near = Files.createDirectory(directory.resolve("near"));
        relay = new Relay(new DropDirectory(near));
        importer = new Importer(ship.targetConnect(), new DropDirectory(near));
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private byte[] marker(SetName set) throws Exception {
        return Files.readAllBytes(ship.directory.resolve(set.file(SetPart.DONE)));
    }

    private void fetch(String file) throws Exception {
        Files.copy(ship.directory.resolve(file), near.resolve(file), StandardCopyOption.REPLACE_EXISTING);
    }

    private void fetch(SetName set) throws Exception {
        for (String file : relay.missing(set, marker(set)).missing()) {
            fetch(file);
        }
        assertThat(relay.received(set)).isTrue();
    }

    @Test
    void a_set_shows_when_all_of_it_is_here_and_what_came_does_not_come_again() throws Exception {
        assertThat(relay.missing(FIRST, marker(FIRST)).missing())
                .containsExactly(FIRST.file(SetPart.COLUMNS), FIRST.file(SetPart.IDS), FIRST.file(SetPart.RECORDS));
        fetch(FIRST.file(SetPart.COLUMNS));
        fetch(FIRST.file(SetPart.IDS));
        assertThatThrownBy(() -> relay.received(FIRST))
                .isInstanceOf(IncompleteSetException.class)
                .hasMessage("it waits for public.t.000000000001.records");
        assertThat(importer.importAll()).isEmpty();
        assertThat(relay.missing(FIRST, marker(FIRST)).missing()).containsExactly(FIRST.file(SetPart.RECORDS));
        fetch(FIRST.file(SetPart.RECORDS));
        assertThat(relay.received(FIRST)).isTrue();
        assertThat(importer.importAll()).extracting(Outcome::result).containsExactly(Result.APPLIED);
        ship.assertEqual("t");
    }

    @Test
    void a_set_that_has_been_here_is_not_fetched_again() throws Exception {
        fetch(FIRST);
        Relay.Incoming again = relay.missing(FIRST, marker(FIRST));
        assertThat(again.missing()).isEmpty();
        assertThat(again.names()).hasSize(4).last().isEqualTo(FIRST.file(SetPart.DONE));
        assertThat(relay.received(FIRST)).isFalse();
        assertThat(near.resolve(FIRST.file(SetPart.DONE))).exists();
        importer.importAll();
        // published once more, with a marker of its own: the table has it
        execute(ship.source, "update t set v = 'two'");
        new Exporter(ship.sourceConnect()).again(ship.request("t"), 1);
        assertThat(relay.missing(FIRST, marker(FIRST)).missing()).isEmpty();
        assertThat(relay.received(FIRST)).isFalse();
        assertThat(importer.importAll()).isEmpty();
    }

    @Test
    void a_file_that_was_damaged_on_its_way_is_fetched_again_and_never_seen() throws Exception {
        relay.missing(FIRST, marker(FIRST)).missing().forEach(file -> {
            try {
                fetch(file);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        Path records = near.resolve(FIRST.file(SetPart.RECORDS));
        Files.writeString(records, Files.readString(records).replaceFirst("one", "oNe"));
        assertThatThrownBy(() -> relay.received(FIRST)).hasMessageContaining("has other bytes than its .done says");
        assertThat(importer.importAll()).isEmpty();
        assertThat(relay.missing(FIRST, marker(FIRST)).missing()).containsExactly(FIRST.file(SetPart.RECORDS));
        fetch(FIRST.file(SetPart.RECORDS));
        assertThat(relay.received(FIRST)).isTrue();
    }

    @Test
    void a_set_that_is_fetched_again_while_it_waits_in_a_gap_shows_only_as_a_whole() throws Exception {
        fetch(FIRST);
        importer.importAll();
        execute(ship.source, "update t set v = 'two' where id = 2");
        ship.export("t");
        execute(ship.source, "update t set v = 'three' where id in (2, 3)");
        ship.export("t");
        SetName second = new SetName("public.t", 2);
        SetName third = new SetName("public.t", 3);
        fetch(third);
        assertThat(importer.importAll()).extracting(Outcome::result).containsExactly(Result.GAP);
        execute(ship.source, "update t set v = 'THREE' where id in (2, 3)");
        new Exporter(ship.sourceConnect()).again(ship.request("t"), 3);
        assertThat(relay.missing(third, marker(third)).missing()).containsExactly(third.file(SetPart.RECORDS));
        fetch(second);
        // of set 3 there are files of both sendings now, and no marker
        assertThat(importer.importAll()).extracting(Outcome::set).containsExactly(second);
        fetch(third);
        assertThat(importer.importAll()).extracting(Outcome::result).containsExactly(Result.APPLIED);
        ship.assertEqual("t");
    }

    @Test
    void markers_from_elsewhere_are_read_as_strictly_as_any() throws Exception {
        String honest = new String(marker(FIRST), java.nio.charset.StandardCharsets.UTF_8);
        for (String lie : new String[] {
            honest.replace("public.t.000000000001.records", "../../records"),
            honest.replace("\"set\" : 1", "\"set\" : 2"),
            honest.replace("\"name\" : \"t\"", "\"name\" : \"u\"")
        }) {
            assertThatThrownBy(() -> relay.missing(FIRST, lie.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
                    .isInstanceOf(ChangeSetException.class)
                    .hasMessageContaining("is refused");
        }
        assertThat(near).isEmptyDirectory();
    }

    @Test
    void a_set_that_is_published_again_while_it_is_sent_stays_to_be_sent_again() throws Exception {
        Relay far = new Relay(ship.drop);
        Relay.Outgoing outgoing = far.outgoing(FIRST, "sent");
        assertThat(outgoing.files()).hasSize(4);
        execute(ship.source, "update t set v = 'two'");
        new Exporter(ship.sourceConnect()).again(ship.request("t"), 1);
        assertThatThrownBy(() -> far.sent(FIRST, outgoing.manifest(), "sent", ""))
                .hasMessage("it was published again while it was sent");
        assertThat(ship.files("")).hasSize(4);
        Relay.Outgoing second = far.outgoing(FIRST, "sent");
        far.sent(FIRST, second.manifest(), "sent", "");
        assertThat(ship.files("")).isEmpty();
        assertThat(ship.files("sent")).hasSize(4);
        // for the second time an empty marker goes ahead
        new Exporter(ship.sourceConnect()).again(ship.request("t"), 1);
        assertThat(far.outgoing(FIRST, "sent").files()).hasSize(5).first().satisfies(file -> assertThat(file)
                .isEmptyFile()
                .hasFileName(FIRST.file(SetPart.DONE)));
    }
}
