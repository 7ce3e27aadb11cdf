package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** routes/ticker.camel.yaml as it ships, on a real PgQ that nobody else ticks. */
class TickerRouteTest {

    private static final Path TICKER = Path.of("routes/ticker.camel.yaml");

    private static Map<String, String> settings(String maintenancePeriod) {
        return Map.of(
                "ticker.enabled", "true",
                "ticker.schema", "pgq",
                "ticker.period", "50",
                "ticker.maintenancePeriod", maintenancePeriod);
    }

    @Test
    void a_waiting_consumer_wakes_at_once(@TempDir Path directory) throws Exception {
        Path dispatch = directory.resolve("dispatch.camel.yaml");
        String shipped = Files.readString(Path.of("routes/dispatch.camel.yaml"));
        String patient = shipped.replace("source: \"#sourceDb\"", "source: \"#sourceDb\"\n        delay: 60000");
        assertThat(patient).isNotEqualTo(shipped);
        Files.writeString(dispatch, patient);
        try (Orders orders = new Orders();
                Job job = new Job(orders, settings("60000"), dispatch, TICKER)) {
            ShippedRoutesTest.awaitRegistered(orders);
            for (int i = 1; i <= 3; i++) {
                orders.insert(i, i);
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            }
        }
    }

    @Test
    void paused_queues_and_those_with_a_ticker_of_their_own_get_no_tick() throws Exception {
        try (Orders orders = new Orders()) {
            orders.source(
                    "select pgq.create_queue(name) from unnest(array['paused', 'replica']) name",
                    "select pgq.set_queue_config(name, 'ticker_max_lag', '0') from unnest(array['paused', 'replica'])"
                            + " name",
                    "select pgq.set_queue_config('paused', 'ticker_paused', 'true')",
                    "select pgq.set_queue_config('replica', 'external_ticker', 'true')",
                    "select pgq.insert_event(queue_name, 'x', '') from pgq.queue");
            try (Job job = new Job(orders, settings("60000"), TICKER)) {
                await().atMost(Duration.ofSeconds(60)).until(() -> ticks(orders, "orders") > 1);
                Thread.sleep(300);
                assertThat(ticks(orders, "paused")).isEqualTo(1);
                assertThat(ticks(orders, "replica")).isEqualTo(1);
            }
        }
    }

    @Test
    void maintenance_rotates_tables() throws Exception {
        try (Orders orders = new Orders()) {
            orders.source("select pgq.set_queue_config('orders', 'rotation_period', '1 second')");
            try (Job job = new Job(orders, settings("200"), TICKER)) {
                for (int table = 1; table < 3; table++) {
                    int next = table;
                    await().atMost(Duration.ofSeconds(60))
                            .until(() -> orders.count(orders.source, "select queue_cur_table from pgq.queue") == next);
                }
            }
        }
    }

    @Test
    void ticks_go_on_after_the_database_was_away() throws Exception {
        try (Orders orders = new Orders();
                Job job = new Job(orders, settings("60000"), TICKER)) {
            orders.source("select pgq.insert_event('orders', 'x', '')");
            await().atMost(Duration.ofSeconds(60)).until(() -> ticks(orders, "orders") > 1);
            PgServer.get().stop(true);
            try {
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> job.context().getVariable("global:ticker.failed") != null);
            } finally {
                PgServer.get().startAgain();
            }
            try (Connection source = DriverManager.getConnection(orders.sourceUrl)) {
                long before = orders.count(source, "select count(*) from pgq.tick");
                source.createStatement().execute("select pgq.insert_event('orders', 'x', '')");
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> orders.count(source, "select count(*) from pgq.tick") > before);
            }
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> job.context().getVariable("global:ticker.failed") == null);
        }
    }

    private static long ticks(Orders orders, String queue) throws Exception {
        return orders.count(
                orders.source,
                "select count(*) from pgq.tick join pgq.queue on queue_id = tick_queue where queue_name = '" + queue
                        + "'");
    }
}
