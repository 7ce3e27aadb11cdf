package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.batch.Consumers;
import io.pgcaravan.queue.Pgq;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.apache.camel.ServiceStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where source and target do not fit together the job stops, says both ticks and what to do, and has loaded nothing. */
class LostPositionTest {

    private static final Path DISPATCH = Path.of("routes/dispatch.camel.yaml");

    @TempDir
    Path directory;

    private LogLines log;

    @BeforeEach
    void listen() {
        log = LogLines.of(PgqConsumer.class);
    }

    @AfterEach
    void listenNoMore() {
        log.close();
    }

    @Test
    void a_source_that_was_moved_ahead() throws Exception {
        try (Orders orders = applied()) {
            orders.insert(1001, 2000);
            orders.tick();
            orders.insert(2001, 3000);
            orders.tick();
            orders.source("select pgq.register_consumer_at('orders', 'test', (select max(tick_id) - 1 from pgq.tick))");
            assertStops(
                    orders,
                    DISPATCH,
                    "the target stands at tick 2",
                    "ticks 3 to 4",
                    "caravan queue rewind orders test",
                    "caravan queue reset orders test");
        }
    }

    @Test
    void a_ledger_that_was_set_back() throws Exception {
        try (Orders orders = applied()) {
            orders.insert(1001, 2000);
            orders.tick();
            orders.target("select pgq_ext.set_last_tick('test', 1)");
            assertStops(
                    orders,
                    DISPATCH,
                    "the target stands at tick 1",
                    "ticks 2 to 3",
                    "caravan queue rewind orders test",
                    "caravan queue reset orders test");
        }
    }

    /** Skytools' --reset knows nothing of the position: taking the batch on trust could apply it twice. */
    @Test
    void a_ledger_that_was_cleared_while_the_position_says_applied() throws Exception {
        try (Orders orders = applied()) {
            orders.target("select pgq_ext.set_last_tick('test', null)");
            orders.source("select pgq.register_consumer_at('orders', 'test', 1)");
            assertStops(
                    orders,
                    DISPATCH,
                    "tick 2",
                    "ticks 1 to 2",
                    "caravan queue rewind orders test",
                    "caravan queue reset orders test");
        }
    }

    @Test
    void a_queue_that_was_created_again_under_its_name() throws Exception {
        try (Orders orders = applied()) {
            orders.source(
                    "select pgq.unregister_consumer('orders', 'test')",
                    "select pgq.drop_queue('orders')",
                    "select pgq.create_queue('orders')",
                    "select pgq.register_consumer('orders', 'test')");
            orders.insert(1001, 2000);
            orders.tick();
            orders.insert(2001, 3000);
            orders.tick();
            // its ticks count from 1 again, and stand where the target believes to be
            orders.source("select pgq.register_consumer_at('orders', 'test', 2)");
            assertStops(orders, DISPATCH, "tick 2", "created again", "caravan queue reset orders test");
        }
    }

    @Test
    void a_consumer_name_that_belongs_to_another_queue() throws Exception {
        try (Orders orders = applied()) {
            orders.source("select pgq.create_queue('others')");
            Path other = RouteFile.dispatch()
                    .edit("pgq:{{dispatch.queue}}", "pgq:others")
                    .in(directory);
            assertStops(
                    orders,
                    other,
                    "belongs to queue \"orders\"",
                    "not to queue \"others\"",
                    "consumer name of its own");
        }
    }

    @Test
    void a_source_in_another_database() throws Exception {
        try (Orders orders = applied();
                Orders others = new Orders()) {
            others.source("select pgq.register_consumer('orders', 'test')");
            others.insert(1001, 2000);
            others.tick();
            assertStops(
                    others.sourceUrl,
                    orders.targetUrl,
                    orders,
                    DISPATCH,
                    "belongs to queue \"orders\" of database",
                    "caravan queue reset orders test");
        }
    }

    @Test
    void a_consumer_registered_anew_starts_where_the_target_stands() throws Exception {
        try (Orders orders = applied()) {
            orders.source("select pgq.register_consumer('orders', 'keeps the ticks')");
            orders.insert(1001, 2000);
            orders.tick();
            orders.source("select pgq.unregister_consumer('orders', 'test')");
            orders.insert(2001, 3000);
            orders.tick();
            try (Job job = Job.dispatch(orders, Map.of())) {
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            }
        }
    }

    @Test
    void a_consumer_registered_anew_whose_tick_is_gone() throws Exception {
        try (Orders orders = applied()) {
            orders.source("select pgq.unregister_consumer('orders', 'test')", "delete from pgq.tick where tick_id = 2");
            orders.insert(1001, 2000);
            orders.tick();
            assertStops(orders, DISPATCH, "tick 2", "no longer there", "caravan queue reset orders test");
        }
    }

    @Test
    void a_batch_that_runs_backwards() throws Exception {
        try (Orders orders = applied()) {
            orders.source("update pgq.subscription set sub_batch = nextval('pgq.batch_id_seq'), sub_next_tick = 1");
            assertStops(orders, DISPATCH, "runs backwards", "ticks 2 to 1", "caravan queue rewind orders test");
        }
    }

    @Test
    void an_empty_target_of_a_consumer_that_has_come_far() throws Exception {
        try (Orders orders = applied()) {
            orders.target("drop schema caravan, pgq_ext cascade", "truncate orders");
            orders.insert(1001, 2000);
            orders.tick();
            try (Job job = Job.dispatch(orders, Map.of())) {
                log.await("the job stops");
            }
            assertThat(log.text())
                    .contains("knows nothing of consumer \"test\"", "tick 2", "caravan queue reset orders test");
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isZero();
            new Consumers(new Pgq("pgq"), "orders", "test").reset(orders.source, orders.target);
            try (Job job = Job.dispatch(orders, Map.of())) {
                await().atMost(Duration.ofSeconds(60))
                        .until(() ->
                                orders.count(orders.target, "select count(*) from orders where id > 1000") == 1000);
            }
        }
    }

    @Test
    void a_consumer_unregistered_while_its_job_runs_is_registered_again_where_the_target_stands() throws Exception {
        try (Orders orders = new Orders();
                Job job = new Job(orders, Map.of(), quick())) {
            start(orders);
            orders.source(
                    "select pgq.register_consumer('orders', 'keeps the ticks')",
                    "select pgq.unregister_consumer('orders', 'test')");
            orders.insert(1001, 2000);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        }
    }

    @Test
    void a_queue_dropped_and_created_while_its_job_runs() throws Exception {
        try (Orders orders = new Orders();
                Job job = new Job(orders, Map.of(), quick())) {
            start(orders);
            log.clear();
            orders.source(
                    "select pgq.unregister_consumer('orders', 'test')",
                    "select pgq.drop_queue('orders')",
                    "select pgq.create_queue('orders')");
            log.await("the job stops");
            assertThat(log.text()).contains("lost position", "tick 2", "caravan queue reset orders test");
        }
    }

    /** The shipped route, which tries again soon. */
    private Path quick() throws Exception {
        return RouteFile.dispatch().consuming("exceptionSleep", 500).in(directory);
    }

    /** Orders 1 to 1000, applied by a job that runs. */
    private static void start(Orders orders) throws Exception {
        ShippedRoutesTest.awaitRegistered(orders);
        orders.insert(1, 1000);
        orders.tick();
        await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
    }

    /** Orders 1 to 1000, applied as the batch from tick 1 to 2. */
    private static Orders applied() throws Exception {
        Orders orders = new Orders();
        try (Job job = Job.dispatch(orders, Map.of())) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 1000);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        }
        assertThat(orders.count(orders.target, "select tick from caravan.position"))
                .isEqualTo(2);
        return orders;
    }

    private void assertStops(Orders orders, Path file, String... said) throws Exception {
        assertStops(orders.sourceUrl, orders.targetUrl, orders, file, said);
    }

    private void assertStops(String source, String target, Orders orders, Path file, String... said) throws Exception {
        log.clear();
        try (Job job = new Job(source, target, Map.of(), null, file)) {
            await().atMost(Duration.ofSeconds(60))
                    .until(() ->
                            job.context().getRouteController().getRouteStatus("dispatch") == ServiceStatus.Stopped);
            log.await("the job stops");
            assertThat(log.text()).contains(said);
        }
        assertThat(orders.count(orders.target, "select count(*) from orders")).isEqualTo(1000);
        assertThat(orders.count(orders.target, "select tick from caravan.position"))
                .isEqualTo(2);
    }
}
