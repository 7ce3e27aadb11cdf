package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A table of any size goes through a process with 64 MB of heap, both ways. */
class ShipHeapTest {

    private static final int ROWS = 200_000;

    @TempDir
    Path directory;

    @Test
    void full_sets_and_changes_far_larger_than_the_heap() throws Exception {
        try (Shipping ship = new Shipping(directory.resolve("drop"))) {
            ship.table("t", "create table t (id int primary key, v text)");
            execute(
                    ship.source,
                    "insert into t select g, repeat(md5(g::text), 16) from generate_series(1, " + ROWS + ") g");
            through(ship);
            execute(ship.source, "update t set v = upper(v)");
            through(ship);
            assertThat(query(
                            ship.target,
                            "select string_agg(kind, ' ' order by set_number) from caravan.import_history"))
                    .containsExactly("full changes");
        }
    }

    private static void through(Shipping ship) throws Exception {
        run("export", ship.sourceUrl, ship.directory.toString(), ship.to.toString(), "once", "t");
        long bytes = 0;
        for (String file : ship.files("")) {
            bytes += Files.size(ship.directory.resolve(file));
        }
        assertThat(bytes).isGreaterThan(100_000_000);
        run("import", ship.targetUrl, ship.directory.toString(), ship.to.toString(), "once", "t");
        String content = "select count(*) || ' ' || sum(hashtextextended(t::text, 0)) from t";
        assertThat(query(ship.target, content)).isEqualTo(query(ship.source, content));
        for (String file : ship.files("done")) {
            Files.delete(ship.directory.resolve("done").resolve(file));
        }
    }

    private static void run(String... args) throws Exception {
        Process process = new ProcessBuilder(ShipLoop.command("64m", args))
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output.lines()).as(output).containsExactly("at work");
    }
}
