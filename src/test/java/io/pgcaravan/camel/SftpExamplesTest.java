package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.changeset.Shipping;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** routes/examples/push-sftp.camel.yaml as it is, between two databases, by way of a real SSH server. */
class SftpExamplesTest {

    private static final Path PUSH = Path.of("routes/examples/push-sftp.camel.yaml");

    /** Needs percent signs in file names. */
    private static final String TABLE = "public.Odd, Name";

    @TempDir
    Path directory;

    private Shipping ship;
    private Path root;
    private SftpServer server;

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
        ship = new Shipping(drop);
        ship.table(TABLE, "create table public.\"Odd, Name\" (id bigint primary key, note text)");
        Shipping.execute(
                ship.source,
                "insert into \"Odd, Name\" select g, repeat(md5(g::text), 10) from generate_series(1, 5000) g");
        ship.export(TABLE);
    }

    /** Set 2, of a few rows. */
    private void change() throws Exception {
        Shipping.execute(
                ship.source,
                "update \"Odd, Name\" set note = 'x' where id < 10",
                "delete from \"Odd, Name\" where id > 4900");
        ship.export(TABLE);
    }

    private Map<String, String> push() throws Exception {
        source(directory.resolve("out"));
        return settings("push-sftp", ship.directory, "incoming", Files.createDirectories(root.resolve("incoming")));
    }

    private Map<String, String> settings(String example, Path drop, String remote, Path imported) {
        Map<String, String> settings = ShipRoutesTest.settings(ship, TABLE);
        settings.put(example + ".enabled", "true");
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

    private static String digest(java.sql.Connection database) throws Exception {
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
}
