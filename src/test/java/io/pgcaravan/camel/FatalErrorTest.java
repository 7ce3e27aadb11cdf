package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is thrown, and on whichever thread: the session ends, health says so, and the job tries again. */
class FatalErrorTest {

    private static final String LOAD = "- to: # rows -> their partitions, by COPY";

    /** Batches in which {@link Rows} and the watcher still throw. */
    private static final AtomicBoolean BROKEN = new AtomicBoolean();

    /** A user's bean whose iterator throws an Error. */
    public static final class Rows {

        public Iterator<String> rows(Object body) {
            return new Iterator<>() {
                private final AtomicInteger given = new AtomicInteger();

                @Override
                public boolean hasNext() {
                    if (BROKEN.get() && given.get() == 1) {
                        throw new StackOverflowError("in a user's iterator");
                    }
                    return given.get() < 2;
                }

                @Override
                public String next() {
                    return "row " + given.incrementAndGet();
                }
            };
        }
    }

    @TempDir
    Path directory;

    @Test
    void an_error_from_an_iterator_of_a_users_bean_ends_the_session_and_is_retried() throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("exceptionSleep", 1000)
                .before(LOAD, """
                - split:
                    method:
                      beanType: io.pgcaravan.camel.FatalErrorTest$Rows
                      method: rows
                    streaming: true
                    steps:
                      - log: "${body}"
                """)
                .in(directory);
        assertRetried(file, null, "StackOverflowError: in a user's iterator");
    }

    @Test
    void an_error_in_the_commit_path_ends_the_session_and_is_retried() throws Exception {
        Path file = RouteFile.dispatch().consuming("exceptionSleep", 1000).in(directory);
        assertRetried(
                file,
                (moment, connection) -> {
                    if (BROKEN.get() && moment.equals("before commit")) {
                        throw new NoClassDefFoundError("in the commit");
                    }
                },
                "NoClassDefFoundError: in the commit");
    }

    private static void assertRetried(Path file, WatchedDataSource.Watcher watcher, String said) throws Exception {
        try (Orders orders = new Orders();
                Job job = new Job(orders.sourceUrl, orders.targetUrl, Map.of(), watcher, file)) {
            ShippedRoutesTest.awaitRegistered(orders);
            BROKEN.set(true);
            try {
                orders.insert(1, 100);
                orders.tick();
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> AvailabilityTest.down(job).contains(said));
                assertThat(orders.count(
                                orders.target,
                                "select count(*) from pg_stat_activity where datname = current_database()"
                                        + " and state like 'idle in transaction%'"))
                        .isZero();
            } finally {
                BROKEN.set(false);
            }
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> AvailabilityTest.down(job).isEmpty());
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> job.context().getInflightRepository().size("dispatch") == 0);
        }
    }

    /** Where one process's memory is too small for an event, another one with more of it takes over. */
    @Test
    void an_event_too_large_for_the_heap_is_left_to_the_process_that_stands_by() throws Exception {
        Path file = RouteFile.dispatch().in(directory);
        try (Orders orders = new Orders();
                RoutesProcess small = RoutesProcess.withHeap("64m", orders, file)) {
            ShippedRoutesTest.awaitRegistered(orders);
            try (RoutesProcess large = RoutesProcess.withHeap("1g", orders, file)) {
                large.awaitOutput("this one stands by");
                orders.insert(1, 10);
                orders.source("update orders set note = repeat('x', 30000000) where id = 5");
                orders.tick();
                small.awaitOutput("OutOfMemoryError");
                large.awaitOutput("taking over");
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            }
        }
    }

    @Test
    void notices_of_the_target_take_no_memory() throws Exception {
        Path file = RouteFile.dispatch().in(directory);
        try (Orders orders = new Orders();
                RoutesProcess process = RoutesProcess.withHeap("128m", orders, file)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.target(
                    "create function chatty() returns trigger language plpgsql as"
                            + " $$ begin raise warning '%', repeat('x', 8000); return new; end $$",
                    "create trigger chatty before insert on orders for each row execute function chatty()");
            orders.insert(1, 30_000);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(process.output()).doesNotContain("OutOfMemoryError");
        }
    }
}
