package io.pgcaravan.batch;

import static io.pgcaravan.PgServer.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.queue.Batch;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.RefusedException;
import io.pgcaravan.queue.Source;
import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Moving a consumer between its queue and its target never guesses, and says what it did. */
class ConsumersTest {

    private static final Pgq PGQ = new Pgq("pgq");

    private final Consumers consumers = new Consumers(PGQ, "orders", "loader");

    private String targetUrl;
    private Connection source;
    private Connection target;

    @BeforeEach
    void connect() throws SQLException {
        source = DriverManager.getConnection(PgServer.get().createDatabaseWithPgq("consumers_source"));
        targetUrl = PgServer.get().createDatabase("consumers_target");
        target = DriverManager.getConnection(targetUrl);
        on(source, "select pgq.create_queue('orders')", "select pgq.set_queue_config('orders', 'ticker_max_lag', '0')");
    }

    @AfterEach
    void disconnect() throws SQLException {
        source.close();
        target.close();
    }

    @Nested
    class Register {

        @Test
        void at_the_latest_tick_where_the_target_knows_nothing() throws SQLException {
            tick();
            tick();
            Consumers.Outcome outcome = consumers.register(source, target);
            assertThat(outcome.changed()).isTrue();
            assertThat(outcome.said()).contains("registered at the queue's latest tick, 3", "earlier events");
            assertThat(registration().tick()).isEqualTo(3);
            assertThat(ledger()).isEqualTo("3 3");
        }

        /** Killed after it noted the start and before it registered. */
        @Test
        void at_the_noted_start_where_an_earlier_call_broke_off() throws SQLException {
            consumers.register(source, target);
            consumers.unregister(source);
            tick();
            consumers.register(source, target);
            assertThat(registration().tick()).isEqualTo(1);
        }

        @Test
        void twice_leaves_it_where_it_is() throws SQLException {
            consumers.register(source, target);
            tick();
            Consumers.Outcome again = consumers.register(source, target);
            assertThat(again.changed()).isFalse();
            assertThat(again.said()).contains("registered already, at tick 1");
            assertThat(registration().tick()).isEqualTo(1);
        }

        /** Two processes that start at the same time: the second has to look again, not to wait as after a real failure. */
        @Test
        void beside_another_process_that_registers_it_is_a_failure_that_passes() throws Exception {
            try (Connection other =
                    DriverManager.getConnection(source.getMetaData().getURL())) {
                other.setAutoCommit(false);
                on(other, "select pgq.register_consumer('orders', 'loader')");
                CompletableFuture<Consumers.Outcome> ours = CompletableFuture.supplyAsync(() -> {
                    try {
                        return consumers.register(source, target);
                    } catch (SQLException e) {
                        throw new CompletionException(e);
                    }
                });
                await().atMost(Duration.ofSeconds(60)).until(() -> waitsForLock(other));
                other.commit();
                assertThatThrownBy(ours::get)
                        .cause()
                        .isInstanceOf(SQLException.class)
                        .hasMessageContaining("another process registered consumer \"loader\"")
                        .extracting(failure -> ((SQLException) failure).getSQLState())
                        .isEqualTo("40001");
                assertThat(consumers.register(source, target).changed()).isFalse();
            }
        }

        private static boolean waitsForLock(Connection connection) throws SQLException {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("select exists (select from pg_stat_activity where datname ="
                            + " current_database() and wait_event_type = 'Lock')")) {
                row.next();
                return row.getBoolean(1);
            }
        }

        @Test
        void again_at_the_tick_that_the_target_stands_at_and_the_ledger_stays() throws SQLException {
            applied();
            consumers.unregister(source);
            tick();
            Consumers.Outcome outcome = consumers.register(source, target);
            assertThat(outcome.said()).contains("registered at tick 2, where the target stands");
            assertThat(registration().tick()).isEqualTo(2);
            assertThat(ledger()).isEqualTo("2 2");
        }

        /** A table_dispatcher's ledger has the number alone. */
        @Test
        void at_the_tick_of_a_ledger_of_skytools() throws SQLException {
            skytoolsLedger("loader", 2);
            tick();
            tick();
            consumers.register(source, target);
            assertThat(registration().tick()).isEqualTo(2);
        }

        @Test
        void is_fine_while_the_last_batch_is_applied_and_not_finished() throws SQLException {
            registeredAndTicked();
            applyNext(false);
            Consumers.Outcome outcome = consumers.register(source, target);
            assertThat(outcome.changed()).isFalse();
            assertThat(outcome.said()).contains("at tick 1", "the target stands at tick 2");
        }

        @Test
        void reports_a_registration_that_does_not_fit_the_target() throws SQLException {
            applied();
            tick();
            on(source, "select pgq.register_consumer_at('orders', 'loader', 3)");
            assertThatThrownBy(() -> consumers.register(source, target))
                    .isInstanceOf(LostPositionException.class)
                    .hasMessageContainingAll(
                            "registered at tick 3",
                            "the target stands at tick 2",
                            "caravan queue rewind orders loader",
                            "caravan queue reset orders loader");
            assertThat(registration().tick()).isEqualTo(3);
            assertThat(ledger()).isEqualTo("2 2");
        }

        @Test
        void reports_a_tick_that_is_rotated_away() throws SQLException {
            applied();
            consumers.unregister(source);
            tick();
            rotateAway(3);
            assertThatThrownBy(() -> consumers.register(source, target))
                    .isInstanceOf(LostPositionException.class)
                    .hasMessageContainingAll("tick 2", "rotated", "oldest tick is 3", "caravan queue reset");
            assertThat(registration()).isNull();
            assertThat(ledger()).isEqualTo("2 2");
        }

        @Test
        void refuses_a_name_that_belongs_to_another_queue() throws SQLException {
            applied();
            on(source, "select pgq.create_queue('others')");
            assertThatThrownBy(() -> new Consumers(PGQ, "others", "loader").register(source, target))
                    .isInstanceOf(LostPositionException.class)
                    .hasMessageContainingAll("belongs to queue \"orders\"", "not to queue \"others\"");
        }

        @Test
        void refuses_a_queue_that_is_not_there() {
            assertThatThrownBy(() -> new Consumers(PGQ, "nothing", "loader").register(source, target))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("queue \"nothing\" does not exist");
        }
    }

    @Nested
    class Unregister {

        @Test
        void keeps_the_ledger_of_the_target() throws SQLException {
            applied();
            Consumers.Outcome outcome = consumers.unregister(source);
            assertThat(outcome.changed()).isTrue();
            assertThat(outcome.said()).contains("the target's ledger keeps its tick");
            assertThat(registration()).isNull();
            assertThat(ledger()).isEqualTo("2 2");
        }

        @Test
        void says_where_there_is_nothing_to_do() throws SQLException {
            Consumers.Outcome outcome = consumers.unregister(source);
            assertThat(outcome.changed()).isFalse();
            assertThat(outcome.said()).contains("is not registered");
        }
    }

    @Nested
    class Reset {

        @Test
        void clears_the_tick_and_the_position() throws SQLException {
            applied();
            Consumers.Outcome outcome = consumers.reset(source, target);
            assertThat(outcome.changed()).isTrue();
            assertThat(outcome.said()).contains("stood at tick 2 of queue \"orders\"", "after tick 2");
            assertThat(ledger()).isEqualTo("2 2");
            assertThat(registration().tick()).isEqualTo(2);
        }

        @Test
        void clears_a_ledger_that_only_skytools_knew() throws SQLException {
            skytoolsLedger("loader", 7);
            assertThat(consumers.reset(source, target).said()).contains("stood at tick 7", "is not registered");
            assertThat(ledger()).isEqualTo("- -");
        }

        /** Skytools' --reset leaves the position behind. */
        @Test
        void clears_a_position_whose_tick_is_gone_from_pgq_ext() throws SQLException {
            applied();
            on(target, "select pgq_ext.set_last_tick('loader', null)");
            assertThat(consumers.reset(source, target).changed()).isTrue();
            assertThat(ledger()).isEqualTo("2 2");
        }

        @Test
        void leaves_other_consumers_alone() throws SQLException {
            applied();
            on(target, "select pgq_ext.set_last_tick('another', 5), pgq_ext.set_last_tick('loader', 'part', 6)");
            consumers.reset(source, target);
            assertThat(value(
                            target,
                            "select string_agg(consumer_id || subconsumer_id || last_tick_id, ' ' order by consumer_id, last_tick_id desc)"
                                    + " from pgq_ext.completed_tick"))
                    .isEqualTo("another5 loaderpart6 loader2");
        }

        /** Else the batch would be taken as the first, and applied a second time. */
        @Test
        void finishes_an_open_batch_that_is_applied_already() throws SQLException {
            registeredAndTicked();
            applyNext(false);
            assertThat(registration().batch()).isNotNull();
            Consumers.Outcome outcome = consumers.reset(source, target);
            assertThat(outcome.said()).contains("was in the target already and is finished", "after tick 2");
            assertThat(registration()).isEqualTo(new Pgq.Registration(2, null, null));
            assertThat(ledger()).isEqualTo("2 2");
        }

        @Test
        void leaves_an_open_batch_that_is_not_applied() throws SQLException {
            applied();
            tick();
            Batch open = PGQ.nextBatch(source, "orders", "loader");
            consumers.reset(source, target);
            assertThat(registration().batch()).isEqualTo(open.id());
            assertThat(registration().tick()).isEqualTo(2);
        }

        @Test
        void is_refused_while_a_job_runs() throws SQLException {
            applied();
            try (Connection job = DriverManager.getConnection(targetUrl)) {
                assertThat(Ledger.tryLock(job, "loader")).isTrue();
                assertThatThrownBy(() -> consumers.reset(source, target))
                        .isInstanceOf(RefusedException.class)
                        .hasMessageContainingAll("\"loader\" is running", "stop it");
            }
            assertThat(ledger()).isEqualTo("2 2");
        }

        @Test
        void gives_the_name_free_again() throws SQLException {
            applied();
            consumers.reset(source, target);
            try (Connection job = DriverManager.getConnection(targetUrl)) {
                assertThat(Ledger.tryLock(job, "loader")).isTrue();
            }
        }

        @Test
        void makes_the_sources_tick_the_start_of_a_consumer_that_the_target_does_not_know() throws SQLException {
            registeredAndTicked();
            assertThat(consumers.reset(source, target).said()).contains("knew nothing of consumer", "after tick 1");
            assertThat(ledger()).isEqualTo("1 1");
        }

        @Test
        void installs_nothing_in_a_target_that_has_no_ledger() throws SQLException {
            Consumers.Outcome outcome = consumers.reset(source, target);
            assertThat(outcome.changed()).isFalse();
            assertThat(outcome.said()).contains("nothing to clear");
            assertThat(value(target, "select count(*) from pg_namespace where nspname in ('caravan', 'pgq_ext')"))
                    .isEqualTo("0");
        }
    }

    @Nested
    class Rewind {

        @Test
        void moves_the_source_to_the_tick_of_the_target() throws SQLException {
            applied();
            tick();
            tick();
            on(source, "select pgq.register_consumer_at('orders', 'loader', 4)");
            Consumers.Outcome outcome = consumers.rewind(source, target);
            assertThat(outcome.changed()).isTrue();
            assertThat(outcome.said()).contains("moved from tick 4 to the target's tick 2");
            assertThat(registration()).isEqualTo(new Pgq.Registration(2, null, null));
            assertThat(ledger()).isEqualTo("2 2");
        }

        @Test
        void registers_a_consumer_that_is_not_registered() throws SQLException {
            applied();
            consumers.unregister(source);
            assertThat(consumers.rewind(source, target).said()).contains("registered at the target's tick 2");
            assertThat(registration().tick()).isEqualTo(2);
        }

        @Test
        void says_where_it_stands_there_already() throws SQLException {
            applied();
            Consumers.Outcome outcome = consumers.rewind(source, target);
            assertThat(outcome.changed()).isFalse();
            assertThat(outcome.said()).contains("stands at tick 2 already");
        }

        @Test
        void says_that_it_compared_the_number_alone_where_only_skytools_kept_the_ledger() throws SQLException {
            registeredAndTicked();
            tick();
            skytoolsLedger("loader", 2);
            assertThat(consumers.rewind(source, target).said()).contains("only its number could be compared");
            assertThat(registration().tick()).isEqualTo(2);
        }

        @Test
        void names_what_is_lost_where_the_tick_is_rotated_away() throws SQLException {
            applied();
            tick();
            tick();
            on(source, "select pgq.register_consumer_at('orders', 'loader', 4)");
            rotateAway(3);
            String day = value(source, "select (min(tick_time) at time zone 'UTC')::date::text from pgq.tick");
            assertThatThrownBy(() -> consumers.rewind(source, target))
                    .isInstanceOf(LostPositionException.class)
                    .hasMessageContainingAll(
                            "tick 2, made at",
                            "the queue has rotated",
                            "oldest tick is 3, made at " + day,
                            "events between those two are lost",
                            "caravan queue reset orders loader");
            assertThat(registration().tick()).isEqualTo(4);
        }

        @Test
        void refuses_a_tick_of_that_number_made_at_another_time() throws SQLException {
            applied();
            on(
                    source,
                    "select pgq.unregister_consumer('orders', 'loader')",
                    "select pgq.drop_queue('orders')",
                    "select pgq.create_queue('orders')",
                    "select pgq.register_consumer('orders', 'loader')");
            tick();
            tick();
            assertThatThrownBy(() -> consumers.rewind(source, target))
                    .isInstanceOf(LostPositionException.class)
                    .hasMessageContainingAll("tick 2", "created again");
            assertThat(registration().tick()).isEqualTo(1);
        }

        @Test
        void refuses_a_source_that_has_not_come_so_far() throws SQLException {
            registeredAndTicked();
            skytoolsLedger("loader", 99);
            assertThatThrownBy(() -> consumers.rewind(source, target))
                    .isInstanceOf(LostPositionException.class)
                    .hasMessageContainingAll("tick 99", "the source has come to tick 2 only");
        }

        @Test
        void refuses_another_source() throws SQLException {
            applied();
            try (Connection other = DriverManager.getConnection(PgServer.get().createDatabaseWithPgq("other"))) {
                on(other, "select pgq.create_queue('orders')", "select pgq.register_consumer('orders', 'loader')");
                assertThatThrownBy(() -> consumers.rewind(other, target))
                        .isInstanceOf(LostPositionException.class)
                        .hasMessageContaining("belongs to queue \"orders\" of database");
            }
        }

        @Test
        void refuses_a_target_that_knows_nothing() throws SQLException {
            registeredAndTicked();
            assertThatThrownBy(() -> consumers.rewind(source, target))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("knows nothing of consumer \"loader\"");
            skytoolsLedger("another", 1);
            assertThatThrownBy(() -> consumers.rewind(source, target))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("knows nothing of consumer \"loader\"");
        }

        @Test
        void is_refused_while_a_job_runs() throws SQLException {
            applied();
            tick();
            on(source, "select pgq.register_consumer_at('orders', 'loader', 3)");
            try (Connection job = DriverManager.getConnection(targetUrl)) {
                assertThat(Ledger.tryLock(job, "loader")).isTrue();
                assertThatThrownBy(() -> consumers.rewind(source, target)).isInstanceOf(RefusedException.class);
            }
            assertThat(registration().tick()).isEqualTo(3);
        }
    }

    /** Registered at tick 1 by something else, with tick 2 to come. */
    private void registeredAndTicked() throws SQLException {
        on(source, "select pgq.register_consumer('orders', 'loader')");
        tick();
    }

    /** Registered, and the batch from tick 1 to 2 applied. */
    private void applied() throws SQLException {
        registeredAndTicked();
        applyNext(true);
    }

    /** What a job does with a batch, less its rows. */
    private void applyNext(boolean finish) throws SQLException {
        Ledger ledger = Ledger.open(target, "loader", Source.of(source));
        Batch batch = PGQ.nextBatch(source, "orders", "loader");
        target.setAutoCommit(false);
        Standing.Next next = (Standing.Next) ledger.standing(target, batch);
        ledger.advance(target, batch, next.lock(), 0, Map.of());
        target.commit();
        target.setAutoCommit(true);
        if (finish) {
            PGQ.finish(source, batch);
        }
    }

    /** As a table_dispatcher leaves it: no schema caravan. */
    private void skytoolsLedger(String consumer, long tick) throws SQLException {
        on(target, Sql.file("target/pgq_ext"), "select pgq_ext.set_last_tick('" + consumer + "', " + tick + ")");
    }

    /** What rotations do to ticks that no consumer holds; by itself a rotation takes hours. */
    private void rotateAway(long oldest) throws SQLException {
        on(source, "delete from pgq.tick where tick_id < " + oldest);
    }

    private void tick() throws SQLException {
        on(source, "select pgq.force_tick('orders')", "select pgq.ticker('orders')");
    }

    private Pgq.Registration registration() throws SQLException {
        return PGQ.registration(source, "orders", "loader");
    }

    /** The two ticks of the target. */
    private String ledger() throws SQLException {
        return value(
                target,
                "select coalesce(pgq_ext.get_last_tick('loader')::text, '-') || ' '"
                        + " || coalesce((select tick::text from caravan.position where consumer = 'loader'), '-')");
    }

    private static void on(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
