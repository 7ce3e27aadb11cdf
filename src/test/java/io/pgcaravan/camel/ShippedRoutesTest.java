package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The route files as they ship, on real databases. */
class ShippedRoutesTest {

    @Test
    void dispatch_makes_the_target_equal_to_the_source() throws Exception {
        try (Orders orders = new Orders();
                Job job = Job.dispatch(orders, Map.of("dispatch.rowMode", "plain"))) {
            awaitRegistered(orders);
            orders.insert(1, 5000);
            orders.tick();
            orders.source(
                    "update orders set status = 'paid', note = 'x' where id % 3 = 1",
                    "delete from orders where id % 7 = 0");
            orders.tick();
            orders.insert(5001, 6000);
            orders.source("update orders set created_at = created_at + interval '11 days' where id % 50 = 1");
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(orders.partitions("orders_")).contains("orders_2026_10_01", "orders_2026_10_13");
        }
    }

    @Test
    void dispatch_rows_inserts_each_event_that_reaches_the_end() throws Exception {
        try (Orders orders = new Orders();
                Job job = Job.rows(orders, Map.of())) {
            awaitRegistered(orders);
            orders.insert(1, 25_000);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(orders.partitions("orders_")).hasSize(10);
        }
    }

    @Test
    void dispatch_tables_keeps_each_table_by_its_own_settings() throws Exception {
        try (ManyTablesTest.Shop shop = new ManyTablesTest.Shop();
                Job job = new Job(shop, ManyTablesTest.PROPERTIES, ManyTablesTest.shipped())) {
            awaitRegistered(shop);
            shop.insert(1, 1000);
            shop.log(1, 1000);
            shop.tick();
            shop.source("update orders set created_at = created_at + interval '1 day' where id % 3 = 0");
            shop.log(1001, 1100);
            shop.source("delete from orders where id % 7 = 0");
            shop.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(shop::assertTargetEqualsSource);
            await().atMost(Duration.ofSeconds(60)).untilAsserted(shop::assertLogsEqual);
        }
    }

    @Test
    void queue_mover_copies_a_queue() throws Exception {
        try (QueueToQueueTest.TwoQueues queues = new QueueToQueueTest.TwoQueues("moved");
                Job job = new Job(queues, QueueToQueueTest.MOVER, QueueToQueueTest.MOVE)) {
            awaitRegistered(queues);
            queues.insert(1, 100);
            queues.tick();
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(
                            () -> assertThat(queues.moved("moved")).hasSize(100).isEqualTo(queues.sent("true")));
        }
    }

    @Test
    void queue_splitter_fills_a_queue_for_each_table() throws Exception {
        try (QueueToQueueTest.TwoQueues queues = new QueueToQueueTest.TwoQueues("public.orders");
                Job job = new Job(
                        queues,
                        Map.of(
                                "queue-splitter.enabled", "true",
                                "queue-splitter.queue", "orders",
                                "queue-splitter.consumer", "test"),
                        QueueToQueueTest.SPLIT)) {
            awaitRegistered(queues);
            queues.insert(1, 100);
            queues.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> assertThat(queues.moved("public.orders"))
                    .hasSize(100)
                    .isEqualTo(queues.sent("true")));
        }
    }

    static void awaitRegistered(Orders orders) {
        await().atMost(Duration.ofSeconds(60))
                .until(() -> orders.count(orders.source, "select count(*) from pgq.subscription") == 1);
    }
}
