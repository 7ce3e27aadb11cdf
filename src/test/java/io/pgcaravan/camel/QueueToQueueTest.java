package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Events go from a queue into queues of another database: each once, in order, unchanged. */
class QueueToQueueTest {

    static final Map<String, String> MOVER = Map.of(
            "queue-mover.enabled", "true",
            "queue-mover.queue", "orders",
            "queue-mover.consumer", "test",
            "queue-mover.destQueue", "moved");

    static final Map<String, String> SPLITTER = Map.of(
            "queue-splitter.enabled", "true",
            "queue-splitter.queue", "orders",
            "queue-splitter.consumer", "test",
            "queue-splitter.prefix", "split.");

    static final Path MOVE = Path.of("routes/queue-mover.camel.yaml");
    static final Path SPLIT = Path.of("routes/queue-splitter.camel.yaml");

    /** What a moved event keeps. */
    private static final String EVENTS =
            "select row(ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)::text from %s order by ev_id";

    @TempDir
    Path directory;

    /** Orders with PgQ and queues at the target too. */
    static final class TwoQueues extends Orders {

        TwoQueues(String... targetQueues) throws SQLException {
            target("create extension pgq");
            for (String queue : targetQueues) {
                target("select pgq.create_queue('" + queue + "')");
            }
        }

        /** An event of each odd kind. */
        void oddEvents() throws SQLException {
            source(
                    "select pgq.insert_event('orders', null, null, null, null, null, null)",
                    "select pgq.insert_event('orders', '', '', '', '', '', '')",
                    "select pgq.insert_event('orders', 'NULL', E'a\\tb\\n\\\\N\"{},\\'é𝄞', 'x', 'null', '{}', E'\\\\')");
        }

        List<String> moved(String queue) throws SQLException {
            return column(
                    target,
                    EVENTS.formatted(
                            value(target, "select queue_data_pfx from pgq.queue where queue_name = '" + queue + "'")));
        }

        List<String> sent(String where) throws SQLException {
            return column(source, EVENTS.formatted("pgq.event_template where " + where));
        }

        void awaitApplied() {
            await().atMost(Duration.ofSeconds(60))
                    .until(() ->
                            CutConnectionsTest.applied(this) == count(source, "select max(tick_id) from pgq.tick"));
        }
    }

    @Test
    void the_mover_keeps_types_data_extras_and_order() throws Exception {
        try (TwoQueues queues = new TwoQueues("moved");
                Job job = new Job(queues, MOVER, MOVE)) {
            ShippedRoutesTest.awaitRegistered(queues);
            queues.insert(1, 12_000);
            queues.oddEvents();
            queues.source("update orders set status = 'paid' where id % 3 = 0");
            queues.tick();
            queues.insert(12_001, 12_100);
            queues.tick();
            queues.awaitApplied();
            assertThat(queues.moved("moved")).hasSize(16_103).isEqualTo(queues.sent("true"));
            assertThat(queues.count(queues.target, "select rows from caravan.position"))
                    .isEqualTo(100);
        }
    }

    @Test
    void moved_events_are_a_queue_like_any_other() throws Exception {
        try (TwoQueues queues = new TwoQueues("moved");
                Job mover = new Job(queues, MOVER, MOVE)) {
            ShippedRoutesTest.awaitRegistered(queues);
            Path onwards = RouteFile.dispatch()
                    .edit("source: \"#sourceDb\"", "source: \"#targetDb\"")
                    .in(directory);
            Map<String, String> properties = Map.of("dispatch.queue", "moved", "dispatch.consumer", "onwards");
            try (Job dispatch = new Job(queues, properties, onwards)) {
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> queues.count(queues.target, "select count(*) from pgq.subscription") == 1);
                queues.insert(1, 2000);
                queues.source("update orders set created_at = created_at + interval '1 day' where id % 3 = 0");
                queues.source("delete from orders where id % 7 = 0");
                queues.tick();
                queues.awaitApplied();
                queues.target("select pgq.force_tick('moved')", "select pgq.ticker('moved')");
                await().atMost(Duration.ofSeconds(60)).untilAsserted(queues::assertTargetEqualsSource);
            }
        }
    }

    @Test
    void a_missing_queue_stops_the_batch_and_is_named() throws Exception {
        Path file = RouteFile.shipped("queue-mover.camel.yaml")
                .consuming("exceptionSleep", 300)
                .consuming("onError", "dead-letter")
                .in(directory);
        try (TwoQueues queues = new TwoQueues();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(queues, MOVER, file)) {
            ShippedRoutesTest.awaitRegistered(queues);
            queues.insert(1, 10);
            queues.tick();
            log.await("inserting into queue \"moved\"");
            queues.target("select pgq.create_queue('moved')");
            queues.awaitApplied();
            assertThat(queues.moved("moved")).hasSize(10);
            assertThat(queues.count(queues.target, "select count(*) from caravan.dead_letter"))
                    .isZero();
        }
    }

    @Test
    void the_splitter_gives_each_table_the_queue_of_its_name() throws Exception {
        try (TwoQueues queues = new TwoQueues("split.public.orders", "split.public.Odd Log & +", "split.public.other");
                Job job = new Job(queues, SPLITTER, SPLIT)) {
            ShippedRoutesTest.awaitRegistered(queues);
            String[] tables = {"public.orders", "public.Odd Log & +", "public.other"};
            for (int i = 0; i < 200; i++) {
                queues.source("select pgq.insert_event('orders', 'I:id', 'id=' || " + i + ", '" + tables[i * i % 7 % 3]
                        + "', null, 'hash=" + i + "', null)");
            }
            queues.insert(1, 6000);
            queues.tick();
            queues.awaitApplied();
            for (String table : tables) {
                assertThat(queues.moved("split." + table))
                        .hasSizeGreaterThan(10)
                        .isEqualTo(queues.sent("ev_extra1 = '" + table + "'"));
            }
        }
    }

    @Test
    void events_can_be_split_into_named_queues_by_table_or_by_type() throws Exception {
        Path byType = RouteFile.shipped("queue-splitter.camel.yaml")
                .edit("chunkBy: table", "chunkBy: type")
                .edit("""
                      - toD: # ev_extra1 is the queue's name, as queue_splitter has it; a queue that is missing stops the batch
                          uri: pgq:{{queue-splitter.prefix:}}${body.table}
                          parameters:
                            source: "#targetDb"
                """.indent(8), """
                      - choice:
                          when:
                            - simple: "${body.type} in 'I:id,U:id'"
                              steps:
                                - to: {uri: "pgq:written", parameters: {source: "#targetDb"}}
                            - simple: "${body.type} == 'D:id'"
                              steps:
                                - to: {uri: "pgq:deleted", parameters: {source: "#targetDb"}}
                          otherwise:
                            steps:
                              - to: pgq-leave-out:other-types
                """.indent(8))
                .in(directory);
        try (TwoQueues queues = new TwoQueues("written", "deleted");
                Job job = new Job(queues, SPLITTER, byType)) {
            ShippedRoutesTest.awaitRegistered(queues);
            queues.insert(1, 300);
            queues.source("update orders set note = 'x'", "delete from orders where id < 20");
            queues.source("select pgq.insert_event('orders', 'something else', 'x')");
            queues.tick();
            queues.awaitApplied();
            assertThat(queues.moved("written")).hasSize(600).isEqualTo(queues.sent("ev_type in ('I:id', 'U:id')"));
            assertThat(queues.moved("deleted")).hasSize(19).isEqualTo(queues.sent("ev_type = 'D:id'"));
        }
    }

    @Test
    void the_choice_in_the_splitter_s_comment_works() throws Exception {
        String comment = """
                            # - choice:
                            #     when:
                            #       - simple: "${body.table} in 'public.orders,public.order_lines'"
                            #         steps:
                            #           - to: {uri: "pgq:sales", parameters: {source: "#targetDb"}}
                            #     otherwise: # without it, an event of another table stops the batch; pgq-leave-out:REASON leaves it out
                            #       steps:
                            #         - to: {uri: "pgq:other", parameters: {source: "#targetDb"}}
              """;
        Path named = RouteFile.shipped("queue-splitter.camel.yaml")
                .edit("""
                      - toD: # ev_extra1 is the queue's name, as queue_splitter has it; a queue that is missing stops the batch
                          uri: pgq:{{queue-splitter.prefix:}}${body.table}
                          parameters:
                            source: "#targetDb"
                """.indent(8), "")
                .edit(comment, comment.replace("# ", "").replaceAll("otherwise: without.*", "otherwise:"))
                .in(directory);
        try (TwoQueues queues = new TwoQueues("sales", "other");
                Job job = new Job(queues, SPLITTER, named)) {
            ShippedRoutesTest.awaitRegistered(queues);
            queues.insert(1, 30);
            queues.source("select pgq.insert_event('orders', 'I:id', 'id=1', 'public.order_lines', null, null, null)");
            queues.source("select pgq.insert_event('orders', 'I:id', 'id=1', 'public.order', null, null, null)");
            queues.oddEvents();
            queues.tick();
            queues.awaitApplied();
            assertThat(queues.moved("sales")).hasSize(31);
            assertThat(queues.moved("other")).hasSize(4);
        }
    }

    @ParameterizedTest
    @EnumSource(Moment.class)
    void a_killed_mover_loses_nothing_and_doubles_nothing(Moment moment) throws Exception {
        try (TwoQueues queues = new TwoQueues("moved")) {
            try (Job job = new Job(queues, MOVER, MOVE)) {
                ShippedRoutesTest.awaitRegistered(queues);
            }
            queues.insert(1, 7000);
            queues.tick();
            queues.insert(7001, 7100);
            queues.tick();
            killed(queues, MOVER, moment, MOVE);
            try (Job job = new Job(queues, MOVER, MOVE)) {
                queues.awaitApplied();
            }
            assertThat(queues.moved("moved")).hasSize(7100).isEqualTo(queues.sent("true"));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Moment.class,
            names = {"ROWS_LOADED", "BEFORE_COMMIT", "AFTER_COMMIT"})
    void a_killed_splitter_loses_nothing_and_doubles_nothing(Moment moment) throws Exception {
        try (TwoQueues queues = new TwoQueues("split.public.orders", "split.public.other")) {
            try (Job job = new Job(queues, SPLITTER, SPLIT)) {
                ShippedRoutesTest.awaitRegistered(queues);
            }
            queues.insert(1, 3000);
            queues.source("select pgq.insert_event('orders', 'I:id', 'id=' || i, 'public.other', null, null, null)"
                    + " from generate_series(1, 3000) i");
            queues.tick();
            killed(queues, SPLITTER, moment, SPLIT);
            try (Job job = new Job(queues, SPLITTER, SPLIT)) {
                queues.awaitApplied();
            }
            assertThat(queues.moved("split.public.orders"))
                    .hasSize(3000)
                    .isEqualTo(queues.sent("ev_extra1 like '%orders'"));
            assertThat(queues.moved("split.public.other"))
                    .hasSize(3000)
                    .isEqualTo(queues.sent("ev_extra1 like '%other'"));
        }
    }

    private static void killed(TwoQueues queues, Map<String, String> properties, Moment moment, Path file)
            throws Exception {
        try (RoutesProcess process = RoutesProcess.start(queues, properties, moment, file)) {
            process.awaitArrival();
            process.kill();
        }
    }
}
