package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.ship.format.ChangeSetException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SIGKILL at any moment, of exporter and importer, while others write: nothing is lost, and nothing is there twice. */
class RandomKillsTest {

    private static final Duration LONG_ENOUGH = Duration.ofSeconds(15);
    private static final int FEWEST_ROUNDS = 6;

    @TempDir
    Path directory;

    private Shipping ship;
    private final long seed = System.nanoTime();

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory.resolve("drop"));
        for (String table : List.of("t", "u")) {
            ship.table(table, "create table " + table + " (id int primary key, v text)");
            execute(ship.source, "insert into " + table + " select g, 'first' from generate_series(1, 2000) g");
        }
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private Process start(String what, Path output) throws IOException {
        boolean export = what.equals("export");
        return new ProcessBuilder(ShipLoop.command(
                        "64m",
                        what,
                        export ? ship.sourceUrl : ship.targetUrl,
                        ship.directory.toString(),
                        ship.to.toString(),
                        "forever",
                        "t",
                        "u"))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    /** Changes rows of both tables in transactions of all kinds until it is told to stop. */
    private void write(AtomicBoolean stop) throws Exception {
        Random random = new Random(seed);
        try (Connection connection = DriverManager.getConnection(ship.sourceUrl)) {
            connection.setAutoCommit(false);
            while (!stop.get()) {
                try {
                    for (int i = random.nextInt(4); i >= 0; i--) {
                        execute(connection, change(random));
                    }
                    if (random.nextInt(6) == 0) {
                        connection.rollback();
                    } else {
                        connection.commit();
                    }
                } catch (SQLException e) {
                    // a key that had moved was in the way; or a TRUNCATE met an export that was about to lock both
                    // tables
                    if (!List.of("23505", "40P01").contains(e.getSQLState())) {
                        throw e;
                    }
                    connection.rollback();
                }
            }
        }
    }

    private static String change(Random random) {
        String table = random.nextBoolean() ? "t" : "u";
        int id = random.nextInt(3000);
        return switch (random.nextInt(8)) {
            case 0 -> "delete from " + table + " where id between " + id + " and " + (id + 20);
            case 1 -> "update " + table + " set id = id + 5000 where id = " + id;
            case 2 -> random.nextInt(20) == 0 ? "truncate " + table : "select 1";
            case 3 -> "update " + table + " set v = v || '.' where id % 50 = " + id % 50;
            default ->
                "insert into " + table + " values (" + id + ", 'new " + random.nextInt()
                        + "') on conflict (id) do update set v = excluded.v";
        };
    }

    @Test
    void nothing_is_lost_whenever_exporter_and_importer_are_killed() throws Exception {
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        AtomicBoolean stop = new AtomicBoolean();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread writer = new Thread(() -> {
            try {
                write(stop);
            } catch (Throwable e) {
                failure.set(e);
            }
        });
        writer.start();
        List<Path> outputs = new ArrayList<>();
        long end = System.nanoTime() + LONG_ENOUGH.toNanos();
        int rounds = 0;
        try {
            while (rounds < FEWEST_ROUNDS || System.nanoTime() - end < 0) {
                rounds++;
                List<Process> processes = new ArrayList<>();
                for (String what : List.of("export", "import")) {
                    Path output = directory.resolve(what + rounds + ".out");
                    outputs.add(output);
                    processes.add(start(what, output));
                }
                for (Process process : processes) {
                    Path output = outputs.get(outputs.size() - 2 + processes.indexOf(process));
                    await().atMost(Duration.ofMinutes(1))
                            .pollInterval(Duration.ofMillis(10))
                            .until(() -> Files.readString(output).contains("at work"));
                    if (rounds % 3 == 0) {
                        // gets somewhere now and then, however slow the machine is
                        await().atMost(Duration.ofMinutes(1))
                                .pollInterval(Duration.ofMillis(10))
                                .until(() -> Files.readString(output).contains("once through"));
                    }
                    Thread.sleep(random.nextInt(1000));
                    process.destroyForcibly().waitFor(1, TimeUnit.MINUTES);
                }
            }
        } finally {
            stop.set(true);
            writer.join();
        }
        assertThat(failure.get()).isNull();
        for (Path output : outputs) {
            try (BufferedReader lines = Files.newBufferedReader(output)) {
                assertThat(lines.lines().filter(line -> line.startsWith("wrong") || line.startsWith("Exception")))
                        .as("seed " + seed)
                        .isEmpty();
            }
        }
        // the servers notice that their clients are gone
        await().atMost(Duration.ofMinutes(1))
                .ignoreExceptionsInstanceOf(ChangeSetException.class)
                .untilAsserted(() -> ship.export("t", "u"));
        await().atMost(Duration.ofMinutes(1)).until(() -> ship.importAll().stream()
                .allMatch(outcome -> outcome.result().good()));
        for (String table : List.of("t", "u")) {
            assertThat(Shipping.rows(ship.target, table))
                    .as("seed " + seed + ", " + rounds + " rounds")
                    .isEqualTo(Shipping.rows(ship.source, table));
        }
        assertThat(ship.files("failed")).isEmpty();
        System.out.println(rounds + " rounds, sets "
                + query(ship.source, "select max(set_number) from caravan.export_set") + ", applied "
                + query(ship.target, "select count(*) from caravan.import_history"));
    }
}
