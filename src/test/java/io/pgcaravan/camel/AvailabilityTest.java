package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.server.ThrowAwayServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheckHelper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A job says when it cannot work and why, and is there at once when it can. */
class AvailabilityTest {

    private static final Path DISPATCH = Path.of("routes/dispatch.camel.yaml");

    @TempDir
    Path directory;

    @Test
    void it_is_not_ready_while_the_target_is_away_although_there_is_nothing_to_do() throws Exception {
        try (ThrowAwayServer server = PgServer.another();
                Orders orders = new Orders()) {
            String target = server.createDatabase("target");
            try (Job job = new Job(orders.sourceUrl, target, Map.of(), null, DISPATCH)) {
                ShippedRoutesTest.awaitRegistered(orders);
                await().atMost(Duration.ofSeconds(60)).until(() -> down(job).isEmpty());
                server.stop(true);
                await().atMost(Duration.ofSeconds(60)).until(() -> !down(job).isEmpty());
                await().atMost(Duration.ofSeconds(60)).until(() -> down(job).contains("target"));
                assertThat(HealthCheckHelper.invokeLiveness(job.context()))
                        .allMatch(result -> result.getState() == HealthCheck.State.UP);
                server.startAgain();
                await().atMost(Duration.ofSeconds(60)).until(() -> down(job).isEmpty());
            }
        }
    }

    @Test
    void it_is_not_ready_while_the_source_alone_is_away_and_goes_on_when_that_is_back() throws Exception {
        try (ThrowAwayServer server = PgServer.another();
                Orders orders = new Orders()) {
            String source = ThrowAwayServer.withPgq(server.createDatabase("source"));
            execute(
                    source,
                    "select pgq.create_queue('orders')",
                    "select pgq.set_queue_config('orders', 'ticker_max_lag', '0')");
            try (Job job = new Job(source, orders.targetUrl, Map.of(), null, DISPATCH)) {
                await().atMost(Duration.ofSeconds(60)).until(() -> down(job).isEmpty());
                server.stop(true);
                await().atMost(Duration.ofSeconds(60)).until(() -> down(job).contains("source database"));
                assertThat(HealthCheckHelper.invokeLiveness(job.context()))
                        .allMatch(result -> result.getState() == HealthCheck.State.UP);
                server.startAgain();
                await().atMost(Duration.ofSeconds(60)).until(() -> down(job).isEmpty());
                execute(
                        source,
                        "select pgq.insert_event('orders', 'I:id', 'id=1&created_at=2026-10-01')",
                        "select pgq.force_tick('orders')",
                        "select pgq.ticker('orders')");
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> orders.count(orders.target, "select count(*) from orders") == 1);
            }
        }
    }

    /** The server is there and takes new connections; only the session that the idle job has is silent. */
    @ParameterizedTest
    @CsvSource({"source, true", "source, false", "target, true"})
    void a_session_that_falls_silent_while_there_is_nothing_to_do_is_noticed_and_replaced(String side, boolean listen)
            throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("answerTimeout", 2000)
                .consuming("listen", listen)
                .in(directory);
        try (Orders orders = new Orders();
                Job job = new Job(orders, Map.of(), file)) {
            ShippedRoutesTest.awaitRegistered(orders);
            await().atMost(Duration.ofSeconds(60)).until(() -> down(job).isEmpty());
            orders.insert(1, 10);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            String pid = side.equals("source")
                    ? "select pid from pg_stat_activity where datname = current_database() and query ~ 'next_batch|get_batch|finish_batch'"
                            + " and pid <> pg_backend_pid() order by backend_start limit 1"
                    : "select pid from pg_locks where locktype = 'advisory' and granted and database ="
                            + " (select oid from pg_database where datname = current_database())";
            long stopped = orders.count(side.equals("source") ? orders.source : orders.target, pid);
            signal("STOP", stopped);
            try {
                await().atMost(Duration.ofSeconds(20)).until(() -> !down(job).isEmpty());
                System.out.println(side + ": " + down(job));
                if (side.equals("source")) {
                    // a silent session of the target keeps the job's lock, until it goes
                    orders.insert(11, 20);
                    orders.tick();
                    await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
                    await().atMost(Duration.ofSeconds(30)).until(() -> down(job).isEmpty());
                }
            } finally {
                signal("CONT", stopped);
            }
            orders.insert(21, 30);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        }
    }

    private static void signal(String name, long pid) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + name, String.valueOf(pid))
                        .start()
                        .waitFor())
                .isZero();
    }

    private static void execute(String url, String... statements) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    @Test
    void a_notification_wakes_it_at_once() throws Exception {
        Path file = RouteFile.dispatch().consuming("delay", 60_000).in(directory);
        try (Orders orders = new Orders();
                Job job = new Job(orders, Map.of(), file)) {
            ShippedRoutesTest.awaitRegistered(orders);
            Thread.sleep(500);
            for (int i = 0; i < 3; i++) {
                orders.insert(i * 10 + 1, i * 10 + 10);
                orders.tick();
                long begin = System.nanoTime();
                orders.source("select pg_notify('pgcaravan_tick', 'orders')");
                await().pollInterval(Duration.ofMillis(10))
                        .atMost(Duration.ofSeconds(60))
                        .untilAsserted(orders::assertTargetEqualsSource);
                System.out.println("woken and applied after " + (System.nanoTime() - begin) / 1_000_000 + " ms");
            }
        }
    }

    /** What readiness complains of; empty where all is up. */
    static String down(Job job) {
        Collection<HealthCheck.Result> results = HealthCheckHelper.invokeReadiness(job.context());
        assertThat(results).isNotEmpty();
        return results.stream()
                .filter(result -> result.getState() != HealthCheck.State.UP)
                .map(result -> result.getMessage() + " " + result.getError())
                .collect(Collectors.joining("; "));
    }
}
