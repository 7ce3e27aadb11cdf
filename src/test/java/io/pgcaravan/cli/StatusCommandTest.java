package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan status} with the application down. */
class StatusCommandTest {

    private static final Path ROUTES = Path.of("routes");

    @TempDir
    Path directory;

    private Path config(Map<String, String> changes) throws Exception {
        return Setup.config(directory.resolve("config"), changes);
    }

    @Test
    void what_is_wrong_comes_first_and_a_database_that_is_down_hides_nothing() throws Exception {
        String source = PgServer.get().createDatabaseWithPgq("status_source");
        try (Connection connection = DriverManager.getConnection(source);
                Statement statement = connection.createStatement()) {
            statement.execute("select pgq.create_queue('orders')");
            statement.execute("select pgq.register_consumer('orders', 'dispatch')");
        }
        Path config = config(new TreeMap<>(Map.of(
                "database.sourceDb.url",
                source,
                "database.targetDb.url",
                "jdbc:postgresql://127.0.0.1:1/away?user=u&password=hidden",
                "database.targetDb.password",
                "hidden")));
        CommandRun run = CommandRun.of("status", "--config", config.toString(), "--routes", ROUTES.toString());
        assertThat(run.err()).isEmpty();
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out().lines().skip(1).findFirst().orElse("")).startsWith("WRONG  targetDb: the database");
        assertThat(run.out())
                .contains("DOWN", "sourceDb", "up", "orders", "unknown")
                .doesNotContain("hidden");

        CommandRun json =
                CommandRun.of("status", "--json", "--config", config.toString(), "--routes", ROUTES.toString());
        assertThat(json.status()).isEqualTo(1);
        assertThat(json.out())
                .contains("\"kind\":\"database-down\"", "\"consumer\":\"dispatch\"", "\"up\":true")
                .doesNotContain("hidden");
    }

    @Test
    void a_database_that_no_enabled_route_uses_may_be_away() throws Exception {
        String here = PgServer.get().createDatabase("status_ticker");
        String away = "jdbc:postgresql://127.0.0.1:1/away";
        for (boolean used : new boolean[] {false, true}) {
            // the ticker's statements go to sourceDb
            Path config = config(new TreeMap<>(Map.of(
                    "dispatch.enabled",
                    "false",
                    "ticker.enabled",
                    "true",
                    used ? "database.sourceDb.url" : "database.targetDb.url",
                    away,
                    used ? "database.targetDb.url" : "database.sourceDb.url",
                    here)));
            CommandRun run = CommandRun.of("status", "--config", config.toString(), "--routes", ROUTES.toString());
            assertThat(run.status()).as(run.out() + run.err()).isEqualTo(used ? 1 : 0);
            assertThat(run.out()).contains("DOWN");
            assertThat(run.out().contains("WRONG  sourceDb")).isEqualTo(used);
        }
    }

    @Test
    void one_database_without_a_configuration() throws Exception {
        String url = PgServer.get().createDatabase("status_one");
        CommandRun run = CommandRun.of("status", "--db", url);
        assertThat(run.err()).isEmpty();
        assertThat(run.status()).isZero();
        assertThat(run.out()).contains("nothing is wrong", "database", "up");
    }

    @Test
    void watching_the_configuration_s_databases_ends_as_soon_as_it_is_told_to() throws Exception {
        Process watching = DemoTest.caravan("status", "--json", "--watch", "30");
        // the shipped databases, which need not be there
        assertThat(watching.inputReader().readLine()).startsWith("{");
        watching.destroy();
        assertThat(watching.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void watching_goes_on_until_it_is_interrupted() throws Exception {
        String url = PgServer.get().createDatabase("status_watch");
        CompletableFuture<CommandRun> ended = new CompletableFuture<>();
        Thread watching = new Thread(
                () -> ended.complete(CommandRun.of("status", "--json", "--watch", "0.1", "--db", url)), "watching");
        watching.start();
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            // each look is a session of its own; autovacuum's are none
            long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            java.util.Set<Integer> sessions = new java.util.HashSet<>();
            while (sessions.size() < 3 && System.nanoTime() < until) {
                try (var row =
                        statement.executeQuery("select pid from pg_stat_activity where datname = current_database()"
                                + " and application_name = 'pgcaravan status'")) {
                    while (row.next()) {
                        sessions.add(row.getInt(1));
                    }
                }
            }
            assertThat(sessions).hasSizeGreaterThanOrEqualTo(3);
        }
        watching.interrupt();
        CommandRun run = ended.get(30, TimeUnit.SECONDS);
        assertThat(run.status()).isZero();
        assertThat(run.out().lines()).hasSizeGreaterThanOrEqualTo(2).allMatch(line -> line.startsWith("{\"at\":"));
    }

    @Test
    void bad_usage_and_a_configuration_that_cannot_be_read() throws Exception {
        assertThat(CommandRun.of("status", "--db", "nonsense").status()).isEqualTo(2);
        assertThat(CommandRun.of("status", "--watch", "0").status()).isEqualTo(2);
        Path none = Files.createDirectories(directory.resolve("none"));
        CommandRun run = CommandRun.of("status", "--config", none.toString(), "--routes", ROUTES.toString());
        assertThat(run.status()).isEqualTo(2);
        assertThat(run.err()).contains("application.properties");
    }
}
