package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that is killed loses nothing and doubles nothing, wherever it was. */
class KilledProcessTest {

    private static final Path DISPATCH = Path.of("routes/dispatch.camel.yaml");
    private static final int RANDOM_KILLS = 12;

    @TempDir
    Path directory;

    @Test
    void killed_at_each_moment_of_a_batch_it_is_made_good_by_the_next_process() throws Exception {
        try (Orders orders = new Orders()) {
            try (Job job = Job.dispatch(orders, Map.of())) {
                ShippedRoutesTest.awaitRegistered(orders);
            }
            int from = 1;
            for (Moment moment : Moment.values()) {
                change(orders, from, from + 1999);
                from += 2000;
                try (RoutesProcess process = RoutesProcess.start(orders, Map.of(), moment, DISPATCH)) {
                    process.awaitArrival();
                    process.kill();
                }
                restart(orders, Job.dispatch(orders, Map.of()));
            }
        }
    }

    @Test
    void killed_in_the_middle_of_loading_it_is_made_good_by_the_next_process() throws Exception {
        try (Orders orders = CutConnectionsTest.gated()) {
            try (Job job = Job.dispatch(orders, Map.of())) {
                ShippedRoutesTest.awaitRegistered(orders);
            }
            change(orders, 1, 20_000);
            try (Gate gate = Gate.closed(orders);
                    RoutesProcess process = RoutesProcess.start(orders, Map.of(), null, DISPATCH)) {
                gate.awaitArrival();
                process.kill();
            }
            restart(orders, Job.dispatch(orders, Map.of()));
        }
    }

    @Test
    void a_users_filter_and_body_in_the_rows_route_keep_the_promise_when_killed() throws Exception {
        try (Orders orders = new Orders()) {
            Path edited = RouteFile.rows()
                    .consuming("onFiltered", "leave-out")
                    .edit("- to: pgq-copy:{{dispatch-rows.destTable}}\n", """
                            - filter:
                                simple: "${body[note]} != null"
                                steps:
                                  - setBody:
                                      simple: "${body}"
                                  - to: pgq-copy:{{dispatch-rows.destTable}}
                            """.indent(14)
                            .stripLeading())
                    .in(directory);
            try (Job job = new Job(orders, Map.of(), edited)) {
                ShippedRoutesTest.awaitRegistered(orders);
            }
            int from = 1;
            for (Moment moment : new Moment[] {Moment.ROWS_LOADED, Moment.AFTER_COMMIT}) {
                orders.insert(from, from + 1999);
                orders.tick();
                from += 2000;
                try (RoutesProcess process = RoutesProcess.start(orders, Map.of(), moment, edited)) {
                    process.awaitArrival();
                    process.kill();
                }
                try (Job job = new Job(orders, Map.of(), edited)) {
                    await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> assertThat(
                                    orders.column(orders.target, "select row(o.*)::text from orders o order by id"))
                            .isEqualTo(orders.column(
                                    orders.source,
                                    "select row(o.*)::text from orders o where note is not null order by id")));
                }
            }
        }
    }

    /** Two jobs of one process, while somebody writes: one whose rows move between partitions, one that keeps the latest. */
    @Test
    void killed_at_random_moments_while_a_producer_writes_source_and_target_are_equal_in_the_end() throws Exception {
        try (Orders orders = new Orders()) {
            orders.source(
                    "select pgq.create_queue('latest')",
                    "select pgq.set_queue_config('latest', 'ticker_max_lag', '0')",
                    "create table latest (like orders including all)",
                    "create trigger latest_queue after insert or update or delete on latest for each row execute"
                            + " function pgq.logutriga('latest')");
            orders.target("create table latest " + Orders.TABLE
                    + ", primary key (id, created_at)) partition by range (created_at)");
            Path second = RouteFile.dispatch()
                    .edit("id: dispatch", "id: latest")
                    .edit("{{dispatch.queue}}", "latest")
                    .edit("{{dispatch.consumer}}", "latest")
                    .edit("{{dispatch.destTable}}", "public.latest")
                    .edit("{{dispatch.rowMode}}", "keep_latest")
                    .in(directory);
            Path[] files = {DISPATCH, second};
            try (Job job = new Job(orders, Map.of(), files)) {
                await().atMost(Duration.ofSeconds(90))
                        .until(() -> orders.count(orders.source, "select count(*) from pgq.subscription") == 2);
            }
            long seed = System.nanoTime();
            System.out.println("random kills with seed " + seed);
            Random random = new Random(seed);
            int kills = 0;
            Deque<RoutesProcess> processes = new ArrayDeque<>();
            try (Producer producer = new Producer(orders, seed)) {
                processes.add(RoutesProcess.start(orders, Map.of(), null, files));
                processes.add(RoutesProcess.start(orders, Map.of(), null, files));
                for (; kills < RANDOM_KILLS; kills++) {
                    long applied = CutConnectionsTest.applied(orders);
                    await().atMost(Duration.ofSeconds(60)).until(() -> CutConnectionsTest.applied(orders) > applied);
                    Thread.sleep(random.nextInt(600));
                    // Another one stands by, or starts still.
                    processes.remove().kill();
                    processes.add(RoutesProcess.start(orders, Map.of(), null, files));
                }
            } finally {
                for (RoutesProcess process : processes) {
                    process.kill();
                }
            }
            orders.source("select pgq.force_tick('latest')", "select pgq.ticker('latest')");
            orders.tick();
            System.out.println(kills + " kills; up to tick " + CutConnectionsTest.applied(orders) + " of "
                    + orders.count(orders.source, "select max(tick_id) from pgq.tick") + " applied, "
                    + orders.count(orders.source, "select count(*) from orders") + " orders left");
            try (Job job = new Job(orders, Map.of(), files)) {
                // on a busy machine the producer was far ahead of what was killed again and again
                await().atMost(Duration.ofSeconds(240)).untilAsserted(orders::assertTargetEqualsSource);
                await().atMost(Duration.ofSeconds(240)).untilAsserted(() -> assertThat(
                                orders.column(orders.target, "select row(t.*)::text from latest t order by id"))
                        .isEqualTo(orders.column(orders.source, "select row(t.*)::text from latest t order by id")));
            }
        }
    }

    private static void change(Orders orders, int from, int to) throws SQLException {
        orders.insert(from, to);
        orders.source(
                "update orders set status = 'paid', note = note || '!' where id % 3 = 1",
                "update orders set created_at = created_at + interval '3 days' where id % 50 = " + from / 2000 % 50,
                "delete from orders where id % 11 = " + from / 2000 % 11);
        orders.tick();
    }

    private static void restart(Orders orders, Job next) throws Exception {
        try (Job job = next) {
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        }
    }

    /** Writes and ticks until it is closed. */
    private static final class Producer implements AutoCloseable {

        private final AtomicBoolean ended = new AtomicBoolean();
        private final AtomicReference<Exception> failure = new AtomicReference<>();
        private final Thread thread;

        Producer(Orders orders, long seed) {
            Random random = new Random(seed);
            thread = new Thread(
                    () -> {
                        try (Connection connection = DriverManager.getConnection(orders.sourceUrl);
                                Statement statement = connection.createStatement()) {
                            for (int id = 1; !ended.get(); id += 20) {
                                for (String table : new String[] {"orders", "latest"}) {
                                    write(statement, random, table, id);
                                }
                                statement.execute(
                                        "select pgq.force_tick(q), pgq.ticker(q) from unnest(array['orders', 'latest']) q");
                                Thread.sleep(20);
                            }
                        } catch (SQLException | InterruptedException e) {
                            failure.set(e);
                        }
                    },
                    "producer");
            thread.start();
        }

        private static void write(Statement statement, Random random, String table, int id) throws SQLException {
            statement.execute("insert into " + table + " select i, 'c' || i, i, null, timestamp '2026-10-01' + i % 10 *"
                    + " interval '1 day', 'new' from generate_series(" + id + ", " + (id + 19) + ") i");
            int chosen = random.nextInt(7);
            statement.execute("update " + table + " set note = 'n' || amount, amount = amount + 1 where id % 7 = "
                    + chosen + " and id > " + (id - 200));
            if (table.equals("orders")) {
                statement.execute("update orders set created_at = created_at + interval '2 days' where id % 13 = "
                        + random.nextInt(13) + " and id > " + (id - 200));
            }
            statement.execute(
                    "delete from " + table + " where id % 17 = " + random.nextInt(17) + " and id > " + (id - 200));
        }

        @Override
        public void close() throws Exception {
            ended.set(true);
            thread.join();
            if (failure.get() != null) {
                throw failure.get();
            }
        }
    }
}
