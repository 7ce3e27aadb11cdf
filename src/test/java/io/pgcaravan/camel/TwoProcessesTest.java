package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two processes with one consumer's name neither lose nor double a row, with and without the lock between them. */
class TwoProcessesTest {

    private static final Path DISPATCH = Path.of("routes/dispatch.camel.yaml");

    @TempDir
    Path directory;

    @Test
    void the_second_stands_by_and_takes_over_within_seconds_when_the_first_is_killed() throws Exception {
        try (Orders orders = new Orders();
                RoutesProcess first = RoutesProcess.start(orders, Map.of(), null, DISPATCH)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 1000);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            try (RoutesProcess second = RoutesProcess.start(orders, Map.of(), null, DISPATCH)) {
                second.awaitOutput("this one stands by");
                orders.insert(1001, 2000);
                orders.tick();
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                assertThat(second.output()).doesNotContain("taking over");
                first.kill();
                orders.insert(2001, 3000);
                orders.tick();
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                second.awaitOutput("taking over");
            }
        }
    }

    @Test
    void without_the_lock_both_work_at_the_same_batches_and_each_is_applied_once() throws Exception {
        Path unlocked = RouteFile.dispatch().consuming("lock", false).in(directory);
        try (Orders orders = new Orders();
                Job one = new Job(orders, Map.of(), unlocked);
                Job other = new Job(orders, Map.of(), unlocked)) {
            ShippedRoutesTest.awaitRegistered(orders);
            for (int i = 0; i < 40; i++) {
                orders.insert(i * 100 + 1, i * 100 + 100);
                orders.source(
                        "update orders set created_at = created_at + interval '1 day' where id % 41 = " + i,
                        "delete from orders where id % 53 = " + i);
                orders.tick();
            }
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        }
    }

    /** With the rows of append there is no key that would refuse a second copy. */
    @Test
    void without_the_lock_and_without_a_key_each_batch_is_appended_once() throws Exception {
        Path unlocked = RouteFile.dispatch().consuming("lock", false).in(directory);
        Map<String, String> append = Map.of("dispatch.rowMode", "append");
        try (Orders orders = new Orders(") partition by range (created_at)");
                Job one = new Job(orders, append, unlocked);
                Job other = new Job(orders, append, unlocked)) {
            ShippedRoutesTest.awaitRegistered(orders);
            for (int i = 0; i < 40; i++) {
                orders.insert(i * 100 + 1, i * 100 + 100);
                orders.tick();
            }
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        }
    }

    /** PgQ reads the subscription and updates it later: in between the other process may have gone on by many batches. */
    @Test
    void without_the_lock_a_slow_process_does_not_send_the_consumer_backwards() throws Exception {
        Path unlocked = RouteFile.dispatch()
                .consuming("lock", false)
                .consuming("exceptionSleep", 500)
                .in(directory);
        Map<String, String> append = Map.of("dispatch.rowMode", "append");
        try (Orders orders = new Orders(") partition by range (created_at)")) {
            String slow = "perform pg_sleep(case when random() < 0.2 then 0.15 else 0 end); update pgq.subscription";
            String function = (String)
                    orders.value(
                            orders.source,
                            "select pg_get_functiondef('pgq.next_batch_custom(text,text,interval,int4,interval)'::regprocedure)");
            assertThat(function).contains("update pgq.subscription");
            orders.source(function.replace("update pgq.subscription", slow));
            try (Job one = new Job(orders, append, unlocked);
                    Job other = new Job(orders, append, unlocked)) {
                ShippedRoutesTest.awaitRegistered(orders);
                for (int i = 1; i <= 200; i++) {
                    orders.insert(i, i);
                    orders.tick();
                }
                await().atMost(Duration.ofSeconds(90)).untilAsserted(orders::assertTargetEqualsSource);
                assertThat(one.context().getRouteController().getRouteStatus("dispatch"))
                        .isEqualTo(org.apache.camel.ServiceStatus.Started);
                assertThat(other.context().getRouteController().getRouteStatus("dispatch"))
                        .isEqualTo(org.apache.camel.ServiceStatus.Started);
            }
        }
    }

    /** Each moment at which a paused process believes a batch to be its own while another one goes on. */
    @Test
    void a_process_that_was_paused_while_another_took_over_does_no_harm_when_it_goes_on() throws Exception {
        for (Moment moment : new Moment[] {Moment.BATCH_OPENED, Moment.LEDGER_SET, Moment.AFTER_COMMIT}) {
            try (Orders orders = new Orders(") partition by range (created_at)")) {
                Map<String, String> append = Map.of("dispatch.rowMode", "append");
                try (Job job = Job.dispatch(orders, append)) {
                    ShippedRoutesTest.awaitRegistered(orders);
                }
                orders.insert(1, 1000);
                orders.tick();
                try (RoutesProcess paused = RoutesProcess.start(orders, append, moment, DISPATCH)) {
                    paused.awaitArrival();
                    paused.pause();
                    paused.goOn();
                    CutConnectionsTest.cut(orders, "target");
                    try (Job job = Job.dispatch(orders, append)) {
                        await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                        orders.insert(1001, 2000);
                        orders.tick();
                        await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                        paused.resume();
                        paused.awaitOutput("this one stands by");
                        orders.insert(2001, 3000);
                        orders.tick();
                        await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                    }
                    // The other has gone: the process that was paused is the one to go on.
                    orders.insert(3001, 4000);
                    orders.tick();
                    await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                }
            }
        }
    }

    /** Behind a pool that hands its connection to others the lock may be lost without the process noticing. */
    @Test
    void a_paused_process_without_the_lock_does_no_harm_either() throws Exception {
        Path unlocked = RouteFile.dispatch().consuming("lock", false).in(directory);
        Map<String, String> append = Map.of("dispatch.rowMode", "append");
        for (Moment moment : new Moment[] {Moment.BATCH_OPENED, Moment.BEFORE_FINISH}) {
            try (Orders orders = new Orders(") partition by range (created_at)")) {
                try (Job job = new Job(orders, append, unlocked)) {
                    ShippedRoutesTest.awaitRegistered(orders);
                }
                orders.insert(1, 1000);
                orders.tick();
                try (RoutesProcess paused = RoutesProcess.start(orders, append, moment, unlocked)) {
                    paused.awaitArrival();
                    paused.pause();
                    paused.goOn();
                    try (Job job = new Job(orders, append, unlocked)) {
                        await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                        orders.insert(1001, 2000);
                        orders.tick();
                        await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                    }
                    // The old batch is still what it believes to have; its connections work.
                    orders.insert(2001, 3000);
                    orders.tick();
                    paused.resume();
                    await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                    assertThat(paused.output()).doesNotContain("lost position");
                }
            }
        }
    }
}
