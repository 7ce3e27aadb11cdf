package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs that differ from the shipped one, each in a route file of its own. */
class DispatchOptionsTest {

    @TempDir
    Path directory;

    /** A route from queue orders, with these parameters for its endpoints. */
    private Job job(Orders orders, String pgq, String decode, String partition, String load) throws Exception {
        Path file = directory.resolve("job.camel.yaml");
        Files.writeString(file, """
                - route:
                    id: job
                    from:
                      uri: pgq:orders
                      parameters: {consumer: job, source: "#sourceDb", target: "#targetDb", exceptionSleep: 500%s}
                      steps:
                        - split:
                            simple: "${body}"
                            streaming: true
                            steps:
                              - to: {uri: "pgq-decode:logutriga"%s}
                              - to: {uri: "pgq-partition:orders"%s}
                              - to: {uri: "pgq-copy:orders"%s}
                """.formatted(
                        pgq.isEmpty() ? "" : ", " + pgq, parameters(decode), parameters(partition), parameters(load)));
        Job job = new Job(orders, Map.of(), file);
        ShippedRoutesTest.awaitRegistered(orders);
        return job;
    }

    private static String parameters(String list) {
        return list.isEmpty() ? "" : ", parameters: {" + list + "}";
    }

    private static void awaitApplied(Orders orders) throws Exception {
        awaitApplied(orders, Duration.ofSeconds(30));
    }

    private static void awaitApplied(Orders orders, Duration longest) throws Exception {
        await().atMost(longest)
                .until(() -> orders.count(
                                orders.source,
                                "select count(*) from pgq.subscription where sub_batch is null and sub_last_tick ="
                                        + " (select max(tick_id) from pgq.tick)")
                        == 1);
    }

    @Test
    void a_copied_route_with_the_same_consumer_is_refused_at_start() throws Exception {
        try (Orders orders = new Orders()) {
            Path copy = directory.resolve("copy.camel.yaml");
            Files.writeString(
                    copy,
                    Files.readString(Path.of("routes/dispatch.camel.yaml")).replace("id: dispatch", "id: copied"));
            assertThatThrownBy(() -> new Job(orders, Map.of(), Path.of("routes/dispatch.camel.yaml"), copy))
                    .hasMessageContaining("consumer \"test\" is also that of route")
                    .hasMessageContaining("\"copied\"")
                    .hasMessageContaining("\"dispatch\"");
        }
    }

    @Test
    void columns_are_picked_and_renamed() throws Exception {
        try (Orders orders = new Orders(", buyer text, primary key (id, created_at)) partition by range (created_at)");
                Job job = job(
                        orders,
                        "",
                        "fields: 'id, created_at, customer:buyer, status'",
                        "partField: created_at, period: month",
                        "rowMode: keep_latest")) {
            orders.insert(1, 20);
            orders.tick();
            awaitApplied(orders);
            assertThat(orders.column(orders.target, "select buyer from orders where id = 3"))
                    .containsExactly("customer 3");
            assertThat(orders.count(
                            orders.target, "select count(*) from orders where customer is null and note is null"))
                    .isEqualTo(20);
            assertThat(orders.partitions("orders_")).containsExactly("orders_2026_10");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void names_arrive_as_they_are_written(boolean computed) throws Exception {
        Path file = directory.resolve("odd.camel.yaml");
        Files.writeString(file, """
                - route:
                    id: job
                    from:
                      uri: pgq:orders
                      parameters: {consumer: "a+b %41", source: "#sourceDb", target: "#targetDb", exceptionSleep: 500}
                      steps:
                        - split:
                            simple: "${body}"
                            streaming: true
                            steps:
                              - to: {uri: "pgq-decode:logutriga", parameters: {fields: "RAW(id, created_at, a+b, %41:c d%41, e&f)"}}
                """ + (computed ? """
                              - toD: "pgq-partition:100%25+?tableMode=direct"
                              - toD: "pgq-copy:100%25+?rowMode=plain"
                """ : """
                              - to: {uri: pgq-partition, parameters: {destTable: "100%+", tableMode: direct}}
                              - to: {uri: "pgq-copy:100%+", parameters: {rowMode: plain}}
                """));
        try (Orders orders = new Orders();
                Job job = new Job(orders, Map.of(), file)) {
            orders.target(
                    "create table \"100%+\" (id int, created_at date, \"a+b\" text, \"c d%41\" text, \"e&f\" text)");
            ShippedRoutesTest.awaitRegistered(orders);
            orders.source("select pgq.insert_event('orders', 'I:id',"
                    + " 'id=1&created_at=2026-10-01&a%2bb=x&%2541=y&e%26f=z')");
            orders.tick();
            awaitApplied(orders);
            assertThat(orders.column(orders.target, "select t::text from \"100%+\" t"))
                    .containsExactly("(1,2026-10-01,x,y,z)");
            assertThat(orders.column(orders.target, "select consumer from caravan.position"))
                    .containsExactly("a+b %41");
        }
    }

    @Test
    void a_column_that_fields_names_and_an_event_lacks_is_a_bad_row() throws Exception {
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = job(
                        orders,
                        "onError: dead-letter",
                        "fields: 'id, created_at, customer, buyer:note'",
                        "partField: created_at",
                        "rowMode: plain, key: 'id,created_at'")) {
            orders.source(
                    "select pgq.insert_event('orders', 'I:id', 'id=1&created_at=2026-10-01&customer=x&buyer=y',"
                            + " 'public.orders', null, null, null)",
                    "select pgq.insert_event('orders', 'I:id', 'id=2&created_at=2026-10-01&customer=x',"
                            + " 'public.orders', null, null, null)",
                    "select pgq.insert_event('orders', 'I:id', 'id=3&created_at=2026-10-01&customer=x&buyer')",
                    "select pgq.insert_event('orders', 'D:id,created_at', 'id=3&created_at=2026-10-01')");
            orders.tick();
            awaitApplied(orders);
            assertThat(orders.column(orders.target, "select id || note from orders"))
                    .containsExactly("1y");
            log.await("event 2 (I:id)");
            assertThat(log.text()).contains("its row of table public.orders has no column \"buyer\"");
        }
    }

    @Test
    void a_source_in_latin1_and_a_target_in_latin2_keep_their_letters() throws Exception {
        try (Orders orders = Orders.encoded("LATIN1", "LATIN2");
                Job job = job(orders, "", "", "partField: created_at", "")) {
            orders.source("insert into orders values (1, 'Müller', 2, 'é', '2026-10-01', 'ß')");
            orders.tick();
            awaitApplied(orders);
            assertThat(orders.column(orders.target, "select customer || note || status from orders"))
                    .containsExactly("Mülleréß");
        }
    }

    @Test
    void a_letter_that_the_target_s_encoding_lacks_is_a_bad_row() throws Exception {
        try (Orders orders = Orders.encoded("UTF8", "LATIN1");
                Job job = job(orders, "onError: dead-letter", "", "partField: created_at", "")) {
            orders.source(
                    "insert into orders values (1, 'čeština', 2, 'x', '2026-10-01', 'x')",
                    "select pgq.insert_event('orders', 'I:id', 'id=3&created_at=2026-10-01&note=č')",
                    "insert into orders values (2, 'ok', 2, 'x', '2026-10-01', 'x')");
            orders.tick();
            awaitApplied(orders);
            assertThat(orders.column(orders.target, "select customer from orders"))
                    .containsExactly("ok");
            assertThat(orders.column(orders.target, "select sqlstate || ' ' || ev_type from caravan.dead_letter"))
                    .containsExactly("22P05 I:id", "22P05 I:id");
            assertThat(orders.column(
                            orders.target, "select ev_data from caravan.dead_letter where ev_data like 'id=3%'"))
                    .containsExactly("id=3&created_at=2026-10-01&note=\\u010d");
        }
    }

    @Test
    void the_documented_template_of_table_dispatcher_runs_as_printed() throws Exception {
        String template = "create table _DEST_TABLE () inherits (_PARENT); "
                + "alter table only _DEST_TABLE add constraint _DEST_TABLE_pkey primary key (_PKEY);";
        try (Orders orders = new Orders(")");
                Job job = job(
                        orders, "", "", "partField: created_at, partTemplate: '" + template + "'", "rowMode: plain")) {
            orders.insert(1, 100);
            orders.source("update orders set status = 'paid' where id < 10");
            orders.tick();
            awaitApplied(orders);
            orders.assertTargetEqualsSource();
            assertThat(orders.column(
                            orders.target,
                            "select conname from pg_constraint where contype = 'p' and conname like 'orders%'"))
                    .contains("orders_2026_10_01_pkey", "orders_2026_10_10_pkey")
                    .hasSize(10);
        }
    }

    @Test
    void a_time_without_a_zone_is_stored_by_the_zone_that_placed_it() throws Exception {
        for (String zone : new String[] {"Pacific/Auckland", "+05:30", "-03:00"}) {
            try (Orders orders = new Orders(", seen timestamptz) partition by range (seen)");
                    Job job = job(
                            orders,
                            "",
                            "fields: 'id, created_at:seen'",
                            "partField: seen, timeZone: '" + zone + "'",
                            "onUnknownColumn: ignore")) {
                orders.target("alter table orders alter created_at drop not null");
                orders.source("insert into orders values (1, 'x', 2, 'x', '2026-10-01 00:30', 'x')");
                orders.tick();
                awaitApplied(orders);
                assertThat(orders.partitions("orders_")).containsExactly("orders_2026_10_01");
                // POSIX' sign is the other way round
                String posix = zone.startsWith("+")
                        ? zone.replace('+', '-')
                        : zone.startsWith("-") ? zone.replace('-', '+') : zone;
                assertThat(orders.value(orders.target, "select (seen at time zone '" + posix + "')::text from orders"))
                        .isEqualTo("2026-10-01 00:30:00");
            }
        }
    }

    @Test
    void a_key_named_by_the_job_serves_events_without_one() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "", "", "partField: created_at", "rowMode: plain, key: id")) {
            orders.source(
                    "select pgq.insert_event('orders', 'I:', 'id=1&created_at=2026-10-01&customer=a%20b&status=')",
                    "select pgq.insert_event('orders', 'U:', 'id=1&created_at=2026-10-02&customer=c+d&note')");
            orders.tick();
            awaitApplied(orders);
            assertThat(
                            orders.column(
                                    orders.target,
                                    "select tableoid::regclass || ' ' || customer || coalesce(note, ' NULL') || status from orders"))
                    .containsExactly("orders_2026_10_02 c d NULL");
        }
    }

    @Test
    void pgq_may_have_another_name() throws Exception {
        try (Orders orders = new Orders()) {
            // what a compatible implementation offers, made of the real one
            orders.source(
                    "create schema bus",
                    "create view bus.queue as select * from pgq.queue",
                    "create view bus.tick as select * from pgq.tick",
                    """
                    create function bus.register_consumer_at(text, text, bigint) returns int
                        language sql as 'select pgq.register_consumer_at($1, $2, $3)'""",
                    """
                    create function bus.get_consumer_info(text, text, out queue_name text, out last_tick bigint,
                        out current_batch bigint, out next_tick bigint) returns setof record
                        language sql as 'select queue_name, last_tick, current_batch, next_tick
                            from pgq.get_consumer_info($1, $2)'""",
                    """
                    create function bus.next_batch_info(text, text, out batch_id bigint, out cur_tick_id bigint,
                        out prev_tick_id bigint, out cur_tick_time timestamptz, out prev_tick_time timestamptz,
                        out cur_tick_event_seq bigint, out prev_tick_event_seq bigint)
                        language sql as 'select * from pgq.next_batch_info($1, $2)'""",
                    "create function bus.batch_event_sql(bigint) returns text language sql as 'select pgq.batch_event_sql($1)'",
                    "create function bus.finish_batch(bigint) returns int language sql as 'select pgq.finish_batch($1)'");
            try (Job job = job(orders, "schema: bus", "", "partField: created_at", "")) {
                orders.insert(1, 50);
                orders.tick();
                awaitApplied(orders);
                orders.assertTargetEqualsSource();
            }
        }
    }

    @Test
    void what_is_not_a_pgq_schema_at_all_is_refused() {
        assertThatThrownBy(() -> new io.pgcaravan.queue.Pgq("pgq; drop table x"))
                .hasMessageContaining("is not a plain identifier");
    }

    @Test
    void the_producer_inserts_events_and_joins_a_batch_on_the_same_database() throws Exception {
        try (Orders orders = new Orders()) {
            orders.target("create extension pgq", "select pgq.create_queue('copied')");
            Path file = directory.resolve("relay.camel.yaml");
            Files.writeString(file, """
                    - route:
                        id: relay
                        from:
                          uri: pgq:orders
                          parameters: {consumer: relay, source: "#sourceDb", target: "#targetDb"}
                          steps:
                            - split:
                                simple: "${body}"
                                streaming: true
                                steps:
                                  - to: {uri: "pgq:copied", parameters: {source: "#targetDb"}}
                    - route:
                        id: hand-made
                        from:
                          uri: direct:hand-made
                          steps:
                            - to: {uri: "pgq:copied", parameters: {source: "#targetDb", eventType: "note"}}
                    """);
            try (Job job = new Job(orders, Map.of(), file)) {
                ShippedRoutesTest.awaitRegistered(orders);
                orders.insert(1, 20);
                orders.source("update orders set status = 'paid' where id = 3");
                orders.tick();
                awaitApplied(orders);
                job.context().createProducerTemplate().sendBody("direct:hand-made", "a=1");
                String events = orders.value(orders.target, "select pgq.current_event_table('copied')")
                        .toString();
                assertThat(orders.column(
                                orders.target,
                                // PgQ before 3.5 has an insert's row in ev_extra2 as well
                                "select ev_type || ' ' || (ev_extra1 is not null) || ' ' || bool_and(ev_type like 'U%' and ev_extra2 is not null) || ' ' || count(*) from "
                                        + events
                                        + " group by ev_type, ev_extra1, (ev_extra1 is not null) order by 1"))
                        .containsExactly("I:id true false 20", "U:id true true 1", "note false false 1");
            }
        }
    }

    /** Narrow rows: with a TOAST table each, so many at once need a larger lock table than a server has by default. */
    @Test
    void a_batch_may_need_two_thousand_new_partitions() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "", "fields: 'id, created_at'", "partField: created_at", "rowMode: plain")) {
            orders.target(
                    "drop table orders",
                    "create table orders (id bigint, created_at timestamp, primary key (id, created_at))"
                            + " partition by range (created_at)");
            orders.source("""
                    insert into orders
                    select i, 'customer ' || i, i, 'note', timestamp '2020-01-01' + i % 2000 * interval '1 day', 'new'
                    from generate_series(1, 20000) i""");
            orders.tick();
            awaitApplied(orders, Duration.ofMinutes(2));
            assertThat(orders.partitions("orders_")).hasSize(2000);
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isEqualTo(20_000);
        }
    }

    @Test
    void a_job_that_appends_may_do_without_the_order_of_events() throws Exception {
        try (Orders orders = new Orders(") partition by range (created_at)");
                Job job = job(orders, "ordered: false", "", "partField: created_at", "rowMode: append")) {
            orders.insert(1, 20_000);
            orders.tick();
            awaitApplied(orders);
            orders.assertTargetEqualsSource();
        }
    }

    @Test
    void a_job_that_needs_the_order_of_events_does_not_run_without_it() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "ordered: false", "", "partField: created_at", "rowMode: plain");
                LogLines lines = LogLines.of(PgqConsumer.class)) {
            orders.insert(1, 10);
            orders.tick();
            lines.await("rowMode=plain needs the events in their order");
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isZero();
        }
    }
}
