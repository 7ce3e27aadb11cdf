package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** PgQ under another name, as compatible implementations have it: here PgQ's own version without C, renamed. */
class OtherSchemaTest {

    private static final String SCHEMA = "other_pgq";

    @TempDir
    Path directory;

    /** Orders whose changes go into a queue of the other schema, in databases without any pgq. */
    private static final class OtherOrders extends Orders {

        OtherOrders(String trigger, boolean writesEventSql) throws SQLException {
            this(trigger, writesEventSql, "UTF8");
        }

        OtherOrders(String trigger, boolean writesEventSql, String encoding) throws SQLException {
            super(", primary key (id, created_at)) partition by range (created_at)", encoding, "UTF8");
            source("drop extension pgq cascade");
            String script = (String)
                    value(
                            source,
                            "select pg_read_file(setting || '/contrib/pgq_pl_only.sql') from pg_config where name = 'SHAREDIR'");
            script = script.replaceAll("\\bpgq\\b", SCHEMA);
            script = writesEventSql ? script : script.replace("batch_event_sql", "batch_statement");
            source(script);
            target(script);
            source(
                    "select other_pgq.create_queue('orders')",
                    "create trigger feed after insert or update or delete on orders for each row execute function other_pgq."
                            + trigger + "('orders', 'backup')",
                    "create trigger feed_truncate after truncate on orders for each statement execute function other_pgq."
                            + trigger + "('orders')");
        }

        @Override
        void tick() throws SQLException {
            source("select other_pgq.force_tick('orders')", "select other_pgq.ticker('orders')");
        }

        void awaitRegistered() {
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> count(source, "select count(*) from other_pgq.get_consumer_info('orders')") == 1);
        }

        void awaitApplied() {
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> CutConnectionsTest.applied(this)
                            == count(source, "select max(tick_id) from other_pgq.tick"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"logutriga", "jsontriga"})
    void texts_of_a_latin1_database_arrive_as_they_are(String format) throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("schema", SCHEMA)
                .edit("pgq-decode:logutriga", "pgq-decode:" + format)
                .in(directory);
        try (OtherOrders orders = new OtherOrders(format, true, "LATIN1");
                Job job = new Job(orders, Map.of(), file)) {
            orders.awaitRegistered();
            orders.source("insert into orders values (1, 'café ÿ', 1, 'ä&ö', '2026-10-01', 'ß')");
            orders.tick();
            orders.awaitApplied();
            orders.assertTargetEqualsSource();
        }
    }

    @ParameterizedTest
    @CsvSource({"logutriga, true", "jsontriga, true", "logutriga, false", "jsontriga, false"})
    void dispatch_works_with_it(String format, boolean writesEventSql) throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("schema", SCHEMA)
                .edit("pgq-decode:logutriga", "pgq-decode:" + format)
                .in(directory);
        try (OtherOrders orders = new OtherOrders(format, writesEventSql);
                Job job = new Job(orders, Map.of(), file)) {
            orders.awaitRegistered();
            orders.insert(1, 7000);
            orders.tick();
            orders.source(
                    "update orders set status = 'paid', note = null where id % 3 = 1",
                    "update orders set created_at = created_at + interval '1 day' where id % 5 = 1",
                    "delete from orders where id % 7 = 0");
            orders.tick();
            orders.awaitApplied();
            orders.assertTargetEqualsSource();
            orders.source("truncate orders");
            orders.insert(10_000, 10_100);
            orders.tick();
            orders.awaitApplied();
            orders.assertTargetEqualsSource();
        }
    }

    @Test
    void queues_are_moved_from_it_and_into_it() throws Exception {
        Path file = RouteFile.shipped("queue-mover.camel.yaml")
                .consuming("schema", SCHEMA)
                .edit(
                        "                    source: \"#targetDb\"\n",
                        "                    source: \"#targetDb\"\n                    schema: " + SCHEMA + "\n")
                .consuming("exceptionSleep", 300)
                .consuming("onError", "dead-letter")
                .in(directory);
        try (OtherOrders orders = new OtherOrders("logutriga", true);
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(orders, new HashMap<>(QueueToQueueTest.MOVER), file)) {
            orders.awaitRegistered();
            orders.insert(1, 6000);
            orders.tick();
            // this PgQ's complaint looks like one of a trigger about a row, and is none
            log.await("inserting into queue \"moved\"");
            orders.target("select other_pgq.create_queue('moved')");
            orders.awaitApplied();
            String events = "select row(ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)::text"
                    + " from other_pgq.event_template order by ev_id";
            assertThat(orders.column(orders.target, events))
                    .hasSize(6000)
                    .isEqualTo(orders.column(orders.source, events));
            assertThat(orders.count(orders.target, "select count(*) from caravan.dead_letter"))
                    .isZero();
        }
    }
}
