package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Options of {@code pgq:} that say which batches are taken, and over which connections. */
class BatchOptionsTest {

    @TempDir
    Path directory;

    private Job job(Orders orders, String option, Object value) throws Exception {
        Job job = new Job(
                orders, Map.of(), RouteFile.dispatch().consuming(option, value).in(directory));
        ShippedRoutesTest.awaitRegistered(orders);
        return job;
    }

    private static void awaitAll(Orders orders) {
        await().atMost(Duration.ofSeconds(120)).untilAsserted(orders::assertTargetEqualsSource);
    }

    @Test
    void a_batch_waits_until_it_has_enough_events_of_several_ticks() throws Exception {
        try (Orders orders = new Orders();
                // a forced tick moves the queue's event sequence on by two thousand, which count as events
                Job job = job(orders, "minCount", 3000)) {
            orders.insert(1, 60);
            orders.tick();
            orders.insert(61, 120);
            orders.tick();
            awaitAll(orders);
            assertThat(orders.value(orders.target, "select rows from caravan.position"))
                    .isEqualTo(120L);
        }
    }

    @Test
    void a_batch_waits_until_it_spans_enough_time() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "minInterval", "1 hour")) {
            orders.insert(1, 10);
            orders.tick();
            orders.insert(11, 20);
            orders.tick();
            orders.target("update caravan.position set tick_time = tick_time - interval '2 hours'");
            orders.source("update pgq.tick set tick_time = tick_time - interval '2 hours' where tick_id <= 2");
            awaitAll(orders);
            assertThat(orders.value(orders.target, "select rows from caravan.position"))
                    .isEqualTo(20L);
        }
    }

    @Test
    void a_batch_stays_behind_the_queues_last_tick() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "minLag", "30 minutes")) {
            orders.insert(1, 10);
            orders.tick();
            orders.target("update caravan.position set tick_time = tick_time - interval '1 hour'");
            orders.source("update pgq.tick set tick_time = tick_time - interval '1 hour'");
            orders.insert(11, 20);
            orders.tick();
            await().atMost(Duration.ofSeconds(120))
                    .until(() ->
                            orders.count(orders.target, "select coalesce(sum(rows), 0) from caravan.position") > 0);
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isEqualTo(10);
        }
    }

    @Test
    void connections_are_made_anew_when_they_are_old() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "connectionLifetime", 500)) {
            orders.insert(1, 10);
            orders.tick();
            awaitAll(orders);
            Object since = orders.value(orders.target, "select clock_timestamp()");
            for (String database : new String[] {"orders_source", "orders_target"}) {
                await().atMost(Duration.ofSeconds(120))
                        .until(() -> orders.value(
                                                orders.target,
                                                "select max(backend_start) from pg_stat_activity where datname like '"
                                                        + database + "%' and application_name = 'pgcaravan'")
                                        instanceof java.sql.Timestamp begun
                                && begun.after((java.sql.Timestamp) since));
            }
            orders.insert(11, 20);
            orders.tick();
            awaitAll(orders);
        }
    }
}
