package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Databases that go away in the middle of a batch: the same process finds back to them by itself, and no row is amiss. */
class CutConnectionsTest {

    private static final Path DISPATCH = Path.of("routes/dispatch.camel.yaml");

    /** Both databases are on that server, so that every kind of statement meets its end once over the runs. */
    @Test
    void a_server_that_crashes_in_the_middle_of_loading_is_waited_for() throws Exception {
        try (Orders orders = gated();
                Job job = Job.dispatch(orders, Map.of())) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 20_000);
            orders.tick();
            Gate gate = Gate.closed(orders);
            gate.awaitArrival();
            PgServer.get().restart(true);
            try (Orders again = orders.reconnected()) {
                await().atMost(Duration.ofSeconds(60)).untilAsserted(again::assertTargetEqualsSource);
            }
        }
    }

    @Test
    void a_server_that_is_away_for_a_while_is_waited_for() throws Exception {
        try (Orders orders = new Orders();
                Job job = Job.dispatch(orders, Map.of())) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 2000);
            orders.tick();
            PgServer.get().stop(false);
            Thread.sleep(2000);
            PgServer.get().startAgain();
            try (Orders again = orders.reconnected()) {
                again.insert(2001, 4000);
                again.tick();
                await().atMost(Duration.ofSeconds(60)).untilAsserted(again::assertTargetEqualsSource);
            }
        }
    }

    @Test
    void a_target_connection_cut_in_the_middle_of_loading_is_opened_again() throws Exception {
        cutWhileLoading("target");
    }

    @Test
    void a_source_connection_cut_in_the_middle_of_reading_is_opened_again() throws Exception {
        cutWhileLoading("source");
    }

    private static void cutWhileLoading(String role) throws Exception {
        try (Orders orders = gated();
                Job job = Job.dispatch(orders, Map.of())) {
            ShippedRoutesTest.awaitRegistered(orders);
            // more than is read ahead, so that the source is still sending
            orders.insert(1, 60_000);
            orders.tick();
            try (Gate gate = Gate.closed(orders)) {
                gate.awaitArrival();
                assertThat(cut(orders, role)).isPositive();
            }
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        }
    }

    /** The backend commits, and the answer never arrives; or it never gets to commit, and the process cannot tell which. */
    @Test
    void a_commit_whose_outcome_is_unknown_is_neither_lost_nor_repeated() throws Exception {
        for (String when : new String[] {"before commit", "after commit"}) {
            AtomicReference<String> armed = new AtomicReference<>();
            try (Orders orders = new Orders();
                    Job job = new Job(
                            orders.sourceUrl,
                            orders.targetUrl,
                            Map.of(),
                            (moment, connection) -> {
                                if (moment.equals(armed.get())) {
                                    armed.set(null);
                                    cut(orders, "target");
                                    if (when.startsWith("after")) {
                                        throw new SQLException("An I/O error occurred", "08006");
                                    }
                                }
                            },
                            DISPATCH)) {
                ShippedRoutesTest.awaitRegistered(orders);
                orders.insert(1, 1000);
                orders.tick();
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                armed.set(when);
                orders.source("update orders set status = 'paid' where id % 2 = 0");
                orders.insert(1001, 2000);
                orders.tick();
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                assertThat(armed.get()).isNull();
            }
        }
    }

    /** The server itself is asked to end the backend while that is waiting inside COMMIT, at a deferred trigger. */
    @Test
    void a_backend_ended_inside_commit_has_its_batch_done_again() throws Exception {
        try (Orders orders = new Orders();
                Job job = Job.dispatch(orders, Map.of())) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.target(
                    "create table slow (seconds float)",
                    "insert into slow values (20)",
                    "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(seconds) from"
                            + " slow; return null; end $$",
                    "create constraint trigger slow after update on caravan.position deferrable initially deferred"
                            + " for each row execute function slow()");
            orders.insert(1, 1000);
            orders.tick();
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> orders.count(
                                    orders.target,
                                    "select count(*) from pg_stat_activity where datname = current_database() and state ="
                                            + " 'active' and query ~* '^commit'")
                            == 1);
            orders.target("delete from slow");
            cut(orders, "target");
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        }
    }

    @Test
    void connections_cut_at_random_moments_are_opened_again() throws Exception {
        long seed = System.nanoTime();
        System.out.println("random cuts with seed " + seed);
        Random random = new Random(seed);
        try (Orders orders = new Orders();
                Job job = Job.dispatch(orders, Map.of())) {
            ShippedRoutesTest.awaitRegistered(orders);
            int cuts = 0;
            for (int i = 0; i < 40; i++) {
                orders.insert(i * 200 + 1, i * 200 + 200);
                orders.source(
                        "update orders set created_at = created_at + interval '1 day' where id % 41 = " + i,
                        "delete from orders where id % 53 = " + i);
                orders.tick();
                Thread.sleep(random.nextInt(60));
                if (i % 5 == 4) {
                    cuts += cut(orders, random.nextBoolean() ? "source" : "target");
                    long applied = applied(orders);
                    orders.tick();
                    await().atMost(Duration.ofSeconds(60)).until(() -> applied(orders) > applied);
                }
            }
            System.out.println(cuts + " cuts");
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        }
    }

    static long applied(Orders orders) throws SQLException {
        return orders.count(orders.target, "select coalesce(max(tick), 0) from caravan.position");
    }

    static Orders gated() throws SQLException {
        return new Orders(", primary key (id, created_at), check (passes(id))) partition by range (created_at)") {
            @Override
            void beforeTarget() throws SQLException {
                Gate.install(target);
            }
        };
    }

    /** Ends the application's backends in one of the databases; how many there were. */
    static int cut(Orders orders, String role) throws SQLException {
        String url = role.equals("source") ? orders.sourceUrl : orders.targetUrl;
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement();
                var rows =
                        statement.executeQuery("select pg_terminate_backend(pid) from pg_stat_activity where datname ="
                                + " current_database() and application_name = 'pgcaravan'")) {
            int cuts = 0;
            while (rows.next()) {
                cuts++;
            }
            return cuts;
        }
    }
}
