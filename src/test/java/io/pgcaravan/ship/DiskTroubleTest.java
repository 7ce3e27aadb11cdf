package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that takes no more, or nothing at all, is told in so many words; the set is written when it does again. */
class DiskTroubleTest {

    @TempDir
    Path directory;

    private Shipping ship;
    private Path drop;
    private boolean mounted;

    @BeforeEach
    void setUp() throws Exception {
        drop = directory.resolve("drop");
        ship = new Shipping(drop);
        ship.table("t", "create table t (id int primary key, v text)");
        execute(ship.source, "insert into t select g, repeat(md5(g::text), 4) from generate_series(1, 20000) g");
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
        if (mounted) {
            run("umount", drop.toString());
        }
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        return process.waitFor() == 0;
    }

    private void mount(String options) throws Exception {
        mounted |= run("mount", "-t", "tmpfs", "-o", options, "tmpfs", drop.toString());
        assumeTrue(mounted, "only root may mount a small disk");
    }

    private void remount(String options) throws Exception {
        assertThat(run("mount", "-o", "remount," + options, drop.toString())).isTrue();
    }

    private void mustBeWrittenNow() throws Exception {
        assertThat(query(ship.source, "select set_number || state from caravan.export_set where state = 'published'"))
                .isEmpty();
        assertThat(ship.exportOne("t").number()).isEqualTo(1);
        ship.importWell();
        ship.assertEqual("t");
        try (var files = Files.list(drop)) {
            assertThat(files.map(file -> file.getFileName().toString())).noneMatch(name -> name.endsWith(".tmp"));
        }
    }

    @Test
    void a_full_disk() throws Exception {
        mount("size=1m");
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> ship.export("t"))
                    .isInstanceOf(ChangeSetException.class)
                    .hasMessageContaining(drop.toString())
                    .hasMessageContaining("No space left on device")
                    .hasMessageContaining("nothing is lost");
            // what was written goes, so that others on that disk can work
            assertThat(drop).isEmptyDirectory();
        }
        remount("size=16m");
        mustBeWrittenNow();
    }

    @Test
    void a_disk_that_is_full_when_the_import_has_committed() throws Exception {
        mount("size=4m");
        ship.exportOne("t");
        Files.createDirectory(drop.resolve("done"));
        try (var filler = Files.newOutputStream(drop.resolve("filler"))) {
            byte[] block = new byte[4096];
            while (true) {
                filler.write(block);
            }
        } catch (IOException full) {
            // as it should be
        }
        List<Outcome> outcomes = ship.importAll();
        assertThat(outcomes).extracting(Outcome::result).containsExactly(Result.FAILED);
        assertThat(outcomes.get(0).message()).contains("is in the table").contains("No space left");
        ship.assertEqual("t");
        Files.delete(drop.resolve("filler"));
        assertThat(ship.importAll()).extracting(Outcome::result).containsExactly(Result.ALREADY_APPLIED);
        assertThat(ship.files("done")).hasSize(4);
        assertThat(ship.export("t")).isEmpty();
    }

    /** As any user, without a disk of its own: writing beyond a limit fails just so. */
    @Test
    void a_limit_that_is_reached() throws Exception {
        List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", "ulimit -f 500; exec \"$0\" \"$@\""));
        command.addAll(
                ShipLoop.command("64m", "export", ship.sourceUrl, drop.toString(), ship.to.toString(), "once", "t"));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isEqualTo(1);
        assertThat(output).contains("File too large").contains("the next export writes the set again");
        assertThat(drop).isEmptyDirectory();
        mustBeWrittenNow();
    }

    @Test
    void a_directory_that_cannot_be_written_to() throws Exception {
        boolean root = "root".equals(System.getProperty("user.name"));
        if (root) {
            mount("size=16m");
            remount("ro");
        } else {
            Files.setPosixFilePermissions(drop, PosixFilePermissions.fromString("r-xr-xr-x"));
        }
        assertThatThrownBy(() -> ship.export("t")).hasMessageContaining(drop + " cannot be written to");
        assertThatThrownBy(() -> ship.importAll()).hasMessageContaining(drop + " cannot be written to");
        if (root) {
            remount("rw");
        } else {
            Files.setPosixFilePermissions(drop, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        mustBeWrittenNow();
    }

    @Test
    void a_directory_that_goes_away_while_a_set_is_written() throws Exception {
        Path away = directory.resolve("away");
        Exporter.Progress vanish = (table, part, rows, bytes, expected) -> {
            try {
                if (Files.exists(drop)) {
                    Files.move(drop, away);
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        };
        assertThatThrownBy(() -> new Exporter(ship.sourceConnect(), Tracking.LEDGER, vanish).export(ship.request("t")))
                .isInstanceOf(ChangeSetException.class)
                .hasMessageContaining(drop.toString())
                .hasMessageContaining("is missing");
        Files.move(away, drop);
        mustBeWrittenNow();
    }

    @Test
    void a_directory_in_the_place_of_a_file_when_it_is_published() throws Exception {
        Path marker = drop.resolve("public.t.000000000001.done");
        Exporter.Progress block =
                (table, part, rows, bytes, expected) -> marker.toFile().mkdir();
        assertThatThrownBy(() -> new Exporter(ship.sourceConnect(), Tracking.LEDGER, block).export(ship.request("t")))
                .isInstanceOf(ChangeSetException.class)
                .hasMessageContaining(marker + " is in the way");
        Files.delete(marker);
        List<Exporter.Exported> exported = ship.export("t");
        assertThat(exported).hasSize(1);
        assertThat(exported.get(0).finished()).isTrue();
        ship.importWell();
        ship.assertEqual("t");
    }
}
