package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.ship.Shipping;
import io.pgcaravan.ship.exporter.ExportLedger;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.sql.Query;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The SFTP routes in routes/examples as they are, between two databases, by way of a real SSH server. */
class SftpExamplesTest {

    private static final Path PUSH = example("push-sftp");
    private static final Path PULL = example("pull-sftp");
    private static final Path PUSH_ACKS = example("push-acks-sftp");
    private static final Path PULL_ACKS = example("pull-acks-sftp");

    /** Needs percent signs in file names. */
    private static final String TABLE = Shipping.ODD;

    @TempDir
    Path directory;

    private Shipping ship;
    private Path root;
    private SftpServer server;

    private static Path example(String name) {
        return Path.of("routes/examples", name + ".camel.yaml");
    }

    @AfterEach
    void tearDown() throws Exception {
        server.close();
        ship.close();
    }

    @BeforeEach
    void setUp() throws Exception {
        root = directory.resolve("server");
        server = new SftpServer(root, directory.resolve("keys"));
    }

    /** A table whose records take many packets, and a first set of it. */
    private void source(Path drop) throws Exception {
        ship = Shipping.ofOddTable(drop);
    }

    /** Set 2, of a few rows. */
    private void change() throws Exception {
        Query.execute(
                ship.source,
                "update \"Odd, Name\" set note = 'x' where id < 10",
                "delete from \"Odd, Name\" where id > 4900");
        ship.export(TABLE);
    }

    private Map<String, String> push() throws Exception {
        source(directory.resolve("out"));
        return settings("push-sftp", ship.directory, "incoming", Files.createDirectories(root.resolve("incoming")));
    }

    private Map<String, String> pull() throws Exception {
        source(root.resolve("outgoing"));
        return settings(
                "pull-sftp", Files.createDirectory(directory.resolve("in")), "outgoing", directory.resolve("in"));
    }

    private Map<String, String> settings(String example, Path drop, String remote, Path imported) {
        Map<String, String> settings = ShipRoutesTest.settings(ship, TABLE);
        settings.put(example + ".enabled", "true");
        settings.put("push-acks-sftp.enabled", "true");
        settings.put("pull-acks-sftp.enabled", "true");
        settings.put(example + ".directory", drop.toString());
        settings.put(example + ".server", server.address());
        settings.put(example + ".remoteDirectory", remote);
        settings.put(example + ".privateKeyFile", server.privateKey().toString());
        settings.put(example + ".knownHostsFile", server.knownHosts().toString());
        settings.put(example + ".period", "200");
        settings.put("import.directory", imported.toString());
        return settings;
    }

    private Job job(Map<String, String> settings, Path... routes) throws Exception {
        return new Job(ship.sourceUrl, ship.targetUrl, settings, null, routes);
    }

    static String digest(java.sql.Connection database) throws Exception {
        return Shipping.query(
                        database, "select md5(string_agg(t::text, ',' order by id)) || count(*) from \"Odd, Name\" t")
                .toString();
    }

    private void awaitEqual() {
        await().atMost(Duration.ofSeconds(60)).until(() -> digest(ship.target).equals(digest(ship.source)));
    }

    @Test
    void sets_are_pushed() throws Exception {
        try (Job job = job(push(), PUSH, ShipRoutesTest.IMPORT)) {
            awaitEqual();
            change();
            awaitEqual();
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> ship.files("").isEmpty() && ship.files("sent").size() == 8);
        }
    }

    @Test
    void a_push_that_is_cut_in_the_middle_of_a_file_is_done_again() throws Exception {
        Map<String, String> settings = push();
        server.cutIn(".records");
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(settings, PUSH, ShipRoutesTest.IMPORT)) {
            awaitEqual();
            assertThat(server.wasCut()).isTrue();
            // nothing was seen that had not come whole
            assertThat(log.text()).contains("cannot be handed on").doesNotContain("it waits for");
        }
    }

    @Test
    void a_push_that_is_killed_between_the_data_files_and_the_marker_is_done_again() throws Exception {
        Map<String, String> settings = push();
        server.standStillBefore(".done");
        try (RoutesProcess process = RoutesProcess.start(ship.sourceUrl, ship.targetUrl, settings, null, PUSH)) {
            assertThat(server.stopped.await(60, TimeUnit.SECONDS))
                    .as(process.output())
                    .isTrue();
            process.kill();
        }
        assertThat(root.resolve("incoming"))
                .isDirectoryContaining(file -> file.toString().endsWith(".records"));
        assertThat(ship.files("")).hasSize(4);
        try (Job job = job(settings, PUSH, ShipRoutesTest.IMPORT)) {
            awaitEqual();
        }
    }

    @Test
    void sets_that_come_twice_are_applied_once() throws Exception {
        Map<String, String> settings = push();
        try (Job job = job(settings, PUSH, ShipRoutesTest.IMPORT)) {
            awaitEqual();
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> ship.files("sent").size() == 4);
            for (String file : ship.files("sent").stream()
                    .sorted((a, b) -> Boolean.compare(a.endsWith(".done"), b.endsWith(".done")))
                    .toList()) {
                Files.copy(ship.directory.resolve("sent").resolve(file), ship.directory.resolve(file));
            }
            await().atMost(Duration.ofSeconds(60)).until(() -> ship.files("").isEmpty());
            change();
            awaitEqual();
            assertThat(root.resolve("incoming/failed")).doesNotExist();
        }
    }

    @Test
    void a_marker_that_comes_before_its_data_waits_at_each_host() throws Exception {
        Map<String, String> settings = push();
        Path later = Files.createDirectory(directory.resolve("later"));
        for (String file : ship.files("")) {
            if (!file.endsWith(".done")) {
                Files.move(ship.directory.resolve(file), later.resolve(file));
            }
        }
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(settings, PUSH, ShipRoutesTest.IMPORT)) {
            log.await("it waits for");
            assertThat(root.resolve("incoming")).isEmptyDirectory();
            try (var files = Files.list(later)) {
                for (Path file : files.toList()) {
                    Files.move(file, ship.directory.resolve(file.getFileName()));
                }
            }
            awaitEqual();
        }
    }

    @Test
    void sets_are_pulled() throws Exception {
        try (Job job = job(pull(), PULL, ShipRoutesTest.IMPORT)) {
            awaitEqual();
            change();
            awaitEqual();
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> ship.files("").isEmpty() && ship.files("sent").size() == 8);
        }
    }

    @Test
    void a_pull_that_is_cut_in_the_middle_of_a_file_goes_on_where_it_was() throws Exception {
        Map<String, String> settings = pull();
        server.cutIn(".records");
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(settings, PULL, ShipRoutesTest.IMPORT)) {
            awaitEqual();
            assertThat(server.wasCut()).isTrue();
            // nothing was seen that had not come whole
            assertThat(log.text().lines()).hasSize(1).first().asString().contains("it waits for", ".records");
        }
    }

    @Test
    void a_marker_that_lies_there_before_its_data_is_fetched_last() throws Exception {
        Map<String, String> settings = pull();
        String records = ship.files("").stream()
                .filter(file -> file.endsWith(".records"))
                .findFirst()
                .orElseThrow();
        byte[] bytes = Files.readAllBytes(ship.directory.resolve(records));
        Files.delete(ship.directory.resolve(records));
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(settings, PULL, ShipRoutesTest.IMPORT)) {
            log.await("it waits for " + records);
            // a carrier without rename: the file grows
            Files.write(ship.directory.resolve(records), java.util.Arrays.copyOf(bytes, 1000));
            log.await("it waits for the rest of " + records);
            Files.write(ship.directory.resolve(records), bytes);
            awaitEqual();
        }
    }

    /** The last set that the export side knows to have arrived; what caravan target list shows. */
    private long acknowledged() throws Exception {
        ship.export(TABLE);
        ship.source.setAutoCommit(false);
        try {
            return new ExportLedger(ship.source, Tracking.LEDGER)
                    .targets()
                    .get(0)
                    .acknowledged();
        } finally {
            ship.source.rollback();
            ship.source.setAutoCommit(true);
        }
    }

    private void awaitAcknowledged(long set) {
        await().atMost(Duration.ofSeconds(30)).until(() -> acknowledged() == set);
    }

    @Test
    void answers_to_pushed_sets_are_fetched() throws Exception {
        try (Job job = job(push(), PUSH, PULL_ACKS, ShipRoutesTest.IMPORT)) {
            awaitAcknowledged(1);
            change();
            awaitAcknowledged(2);
            assertThat(ship.files("")).isEmpty();
            assertThat(root.resolve("incoming"))
                    .isDirectoryNotContaining(file -> file.toString().endsWith(".ack"));
        }
    }

    @Test
    void answers_to_pulled_sets_are_brought() throws Exception {
        try (Job job = job(pull(), PULL, PUSH_ACKS, ShipRoutesTest.IMPORT)) {
            awaitAcknowledged(1);
            change();
            awaitAcknowledged(2);
            assertThat(ship.files("")).isEmpty();
            assertThat(directory.resolve("in"))
                    .isDirectoryNotContaining(file -> file.toString().endsWith(".ack"));
        }
    }

    @Test
    void a_host_in_the_middle_needs_no_database_and_may_rest() throws Exception {
        source(directory.resolve("out"));
        Path middle = Files.createDirectories(root.resolve("middle"));
        Path far = Files.createDirectories(root.resolve("incoming"));
        Map<String, String> settings = settings("push-sftp", ship.directory, "middle", far);
        Map<String, String> onwards = settings("push-sftp", middle, "incoming", far);
        String nowhere = "jdbc:postgresql://127.0.0.1:1/nowhere";
        try (Job here = job(settings, PUSH, PULL_ACKS)) {
            change();
            // it is not there yet
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> ship.files("sent").size() == 8);
            assertThat(far).isEmptyDirectory();
            try (Job between = new Job(nowhere, nowhere, onwards, null, PUSH, PULL_ACKS);
                    Job there = job(settings, ShipRoutesTest.IMPORT)) {
                awaitEqual();
                awaitAcknowledged(2);
            }
            // and away again while the next set and its answer are on their way
            Query.execute(ship.source, "update \"Odd, Name\" set note = 'y' where id < 10");
            ship.export(TABLE);
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> ship.files("sent").size() == 12);
            try (Job between = new Job(nowhere, nowhere, onwards, null, PUSH)) {
                await().atMost(Duration.ofSeconds(30)).until(() -> Files.list(far)
                        .anyMatch(file -> file.toString().endsWith(".done")));
            }
            try (Job there = job(settings, ShipRoutesTest.IMPORT)) {
                awaitEqual();
            }
            assertThat(acknowledged()).isEqualTo(2);
            try (Job between = new Job(nowhere, nowhere, onwards, null, PUSH, PULL_ACKS)) {
                awaitAcknowledged(3);
            }
        }
        assertThat(far.resolve("failed")).doesNotExist();
    }

    @Test
    void a_set_that_waits_in_a_gap_may_be_sent_again() throws Exception {
        Map<String, String> settings = push();
        Path far = root.resolve("incoming");
        Path lost = Files.createDirectory(directory.resolve("lost"));
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(settings, PUSH, ShipRoutesTest.IMPORT)) {
            awaitEqual();
            await().atMost(Duration.ofSeconds(30)).until(() -> ship.files("").isEmpty());
            String base = SetName.of(Shipping.table(TABLE), 1).base();
            String third = base.substring(0, base.length() - 1) + "3";
            Query.execute(ship.source, "update \"Odd, Name\" set note = 'two' where id < 10");
            // set 2 never leaves
            new Exporter(ship.sourceConnect())
                    .export(new Exporter.Request(
                            ship.to, List.of(Shipping.table(TABLE)), new DropDirectory(lost), Compression.NONE, false));
            Query.execute(ship.source, "update \"Odd, Name\" set note = 'three' where id between 5 and 20");
            ship.export(TABLE);
            log.await(third + ": it waits for set 2");
            await().atMost(Duration.ofSeconds(30)).until(() -> ship.files("").isEmpty());
            // other bytes under the same number, of which some have arrived when the gap closes
            Query.execute(ship.source, "update \"Odd, Name\" set note = 'THREE' where id between 5 and 20");
            server.standStillBefore(".records");
            new Exporter(ship.sourceConnect()).again(ship.request(TABLE), 3);
            assertThat(server.stopped.await(30, TimeUnit.SECONDS)).isTrue();
            for (String part : List.of("columns", "ids", "records", "done")) {
                String file = base.substring(0, base.length() - 1) + "2." + part;
                Files.move(lost.resolve(file), far.resolve(file));
            }
            log.await(third + ": it waits for the rest of " + third + ".done");
            await().atMost(Duration.ofSeconds(30))
                    .until(() ->
                            Files.exists(far.resolve("done").resolve(base.substring(0, base.length() - 1) + "2.done")));
            assertThat(far.resolve("failed")).doesNotExist();
            server.goOn.countDown();
            ship.export(TABLE);
            awaitEqual();
            assertThat(far.resolve("failed")).doesNotExist();
        }
    }

    @Test
    void a_server_that_cannot_rename_does_as_well() throws Exception {
        Map<String, String> settings = push();
        String renaming = Files.readAllLines(PUSH).stream()
                .filter(line -> line.contains("tempFileName"))
                .findFirst()
                .orElseThrow();
        Path plain = RouteFile.shipped("examples/push-sftp.camel.yaml")
                .edit(renaming + "\n", "")
                .in(directory);
        // leaves a part of the file under its own name
        server.cutIn(".records");
        try (Job job = job(settings, plain, ShipRoutesTest.IMPORT)) {
            awaitEqual();
            change();
            awaitEqual();
            assertThat(server.wasCut()).isTrue();
            assertThat(root.resolve("incoming/failed")).doesNotExist();
        }
    }
}
