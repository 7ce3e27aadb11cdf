package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.importer.Importer.Result;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that dies at whichever step leaves nothing behind that the next one does not put right. */
class KilledShipTest {

    @TempDir
    Path directory;

    private Shipping ship;
    private int changes;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory.resolve("drop"));
        ship.table("t", "create table t (id int primary key, v text)");
        ship.table("u", "create table u (id int primary key, v text)");
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private void change() throws Exception {
        changes++;
        for (String table : List.of("t", "u")) {
            execute(
                    ship.source,
                    "insert into " + table + " select g, 'new' from generate_series(" + changes * 10 + ", "
                            + (changes * 10 + 9) + ") g",
                    "update " + table + " set v = 'change " + changes + "' where id % 7 = " + changes % 7,
                    "delete from " + table + " where id % 11 = " + changes % 11);
        }
    }

    /** Whether it was killed, rather than done before it came that far. */
    private boolean killed(String what, String url, int n, String when) throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx64m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        KilledShip.class.getName(),
                        what,
                        url,
                        ship.directory.toString(),
                        ship.to.toString(),
                        String.valueOf(n),
                        when)
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        assertThat(status).as(output).isIn(0, 9);
        // the server notices that its client is gone, and rolls back
        await().atMost(Duration.ofMinutes(1)).until(() -> query(
                        ship.source,
                        "select pid from pg_stat_activity where datname like 'ship\\_%' and backend_type ="
                                + " 'client backend' and application_name = 'killed ship'")
                .isEmpty());
        return status == 9;
    }

    private void mustBeRight() throws Exception {
        ship.export("t", "u");
        assertThat(ship.importAll())
                .allMatch(o -> o.result() == Result.APPLIED || o.result() == Result.ALREADY_APPLIED);
        ship.assertEqual("t");
        ship.assertEqual("u");
        // numbers without holes, and nothing left of the attempts
        assertThat(query(
                        ship.source,
                        "select distinct set_number - row_number() over (partition by table_name order by set_number)"
                                + " from caravan.export_set"))
                .containsExactly("0");
        assertThat(query(ship.source, "select distinct state from caravan.export_set"))
                .containsExactly("published");
        try (var files = Files.list(ship.directory)) {
            assertThat(files.map(f -> f.getFileName().toString()))
                    .noneMatch(f -> f.endsWith(".tmp") || f.contains(".records"));
        }
    }

    @Test
    void an_export_that_dies_at_any_step_is_made_good() throws Exception {
        int deaths = 0;
        for (String when : List.of("before", "after")) {
            for (int n = 0; ; n++) {
                change();
                boolean killed = killed("export", ship.sourceUrl, n, when);
                mustBeRight();
                if (!killed) {
                    break;
                }
                deaths++;
            }
        }
        assertThat(deaths).isGreaterThan(10);
    }

    @Test
    void an_import_that_dies_at_any_step_is_made_good() throws Exception {
        int deaths = 0;
        for (String when : List.of("before", "after")) {
            for (int n = 0; ; n++) {
                change();
                ship.export("t", "u");
                boolean killed = killed("import", ship.targetUrl, n, when);
                mustBeRight();
                if (!killed) {
                    break;
                }
                deaths++;
            }
        }
        assertThat(deaths).isGreaterThanOrEqualTo(4);
    }

    @Test
    void a_written_set_is_published_with_its_very_bytes_or_written_again_with_its_very_window() throws Exception {
        change();
        ship.ship("t", "u");
        for (boolean gone : new boolean[] {false, true}) {
            change();
            int n = 0;
            do {
                assertThat(killed("export", ship.sourceUrl, ++n, "after")).isTrue();
            } while (!query(ship.source, "select distinct state from caravan.export_set where state <> 'published'")
                    .contains("written"));
            String window = query(
                            ship.source,
                            "select string_agg(set_id::text || to_snapshot::text, ' ' order by table_name) from caravan.export_set where state = 'written'")
                    .get(0);
            long ids = Long.parseLong(query(
                            ship.source,
                            "select ids from caravan.export_set where state = 'written' and table_name = 't'")
                    .get(0));
            if (gone) {
                try (var files = Files.list(ship.directory)) {
                    for (Path file :
                            files.filter(f -> f.toString().endsWith(".tmp")).toList()) {
                        Files.delete(file);
                    }
                }
            }
            change();
            List<Exporter.Exported> exported = ship.export("t", "u");
            assertThat(exported).hasSize(4);
            assertThat(exported.get(0).finished()).isTrue();
            assertThat(exported.get(0).manifest().file(SetPart.IDS).rows()).isEqualTo(ids);
            assertThat(
                            query(
                                    ship.source,
                                    "select string_agg(set_id::text || to_snapshot::text, ' ' order by table_name) from caravan.export_set where set_number = (select max(set_number) - 1 from caravan.export_set)"))
                    .containsExactly(window);
            ship.importWell();
            ship.assertEqual("t");
            ship.assertEqual("u");
        }
    }
}
