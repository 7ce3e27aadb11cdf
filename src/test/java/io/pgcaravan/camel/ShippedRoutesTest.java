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
            await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
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
            await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(orders.partitions("orders_")).hasSize(10);
        }
    }

    static void awaitRegistered(Orders orders) {
        await().atMost(Duration.ofSeconds(20))
                .until(() -> orders.count(orders.source, "select count(*) from pgq.subscription") == 1);
    }
}
