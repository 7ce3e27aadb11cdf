package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job keeps its partitions while it runs: old ones go, those of the time ahead are there. */
class PartitionUpkeepTest {

    /** Longer than it takes from one round to the next, for a first round that somebody's lock spoiled. */
    private static final Duration LONG = Duration.ofMinutes(3);

    @TempDir
    Path directory;

    private Job job(Orders orders, String partition) throws Exception {
        Path file = directory.resolve("job.camel.yaml");
        Files.writeString(file, """
                - route:
                    id: job
                    from:
                      uri: pgq:orders
                      parameters: {consumer: job, source: "#sourceDb", target: "#targetDb", exceptionSleep: 500}
                      steps:
                        - split:
                            simple: "${body}"
                            streaming: true
                            steps:
                              - to: pgq-decode:logutriga
                              - to: {uri: "pgq-partition:orders", parameters: {partField: created_at, %s}}
                              - to: {uri: "pgq-copy:orders", parameters: {rowMode: keep_latest}}
                """.formatted(partition));
        Job job = new Job(orders, Map.of(), file);
        ShippedRoutesTest.awaitRegistered(orders);
        return job;
    }

    /** Five rows of today and five of 40 days ago. */
    private static void insert(Orders orders) throws SQLException {
        orders.source("""
                insert into orders (id, created_at)
                select i, date_trunc('day', now() at time zone 'UTC') - i % 2 * interval '40 days' + interval '1 hour'
                  from generate_series(1, 10) i""");
        orders.tick();
    }

    private static String day(Orders orders, int away) throws SQLException {
        return orders.value(
                        orders.target,
                        "select to_char(now() at time zone 'UTC' + interval '" + away
                                + " days', '\"orders_\"YYYY_MM_DD')")
                .toString();
    }

    @Test
    void old_partitions_go_and_those_of_tomorrow_are_there() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "retentionPeriod: 30 days, ahead: 2")) {
            String old = day(orders, -40);
            insert(orders);
            await().atMost(LONG)
                    .until(() -> orders.count(
                                            orders.target,
                                            "select count(*) from pg_class where oid = to_regclass('caravan.retired_partition')")
                                    == 1
                            && orders.count(
                                            orders.target,
                                            "select count(*) from caravan.retired_partition where done_at is not null")
                                    == 1);
            assertThat(orders.partitions("orders_")).contains(day(orders, 1)).doesNotContain(old);
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isEqualTo(5);
        }
    }

    @Test
    void old_events_may_be_left_out() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "retentionPeriod: P30D, ignoreOldEvents: true, retention: detach")) {
            insert(orders);
            await().atMost(LONG)
                    .until(() -> orders.count(
                                            orders.target,
                                            "select count(*) from pg_class where oid = to_regclass('orders')")
                                    == 1
                            && orders.count(orders.target, "select count(*) from orders") == 5);
            assertThat(orders.partitions("orders_")).hasSize(1);
        }
    }
}
