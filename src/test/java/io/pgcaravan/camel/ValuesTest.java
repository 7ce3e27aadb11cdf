package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.check.SourceValues;
import io.pgcaravan.load.DeadLetters;
import io.pgcaravan.queue.Queues;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values arrive as they were, whatever the producer's sessions have set, or do not arrive and are told. */
class ValuesTest {

    private static final String EVENTS =
            "events (id float8 primary key, at timestamptz, d date, ds date[], r daterange,"
                    + " i interval, m money, b bytea, x text)";

    @TempDir
    Path directory;

    private Job job(Orders orders, String onError) throws Exception {
        Path file = RouteFile.dispatch()
                .edit("pgq-partition:{{dispatch.destTable}}", "pgq-partition:events")
                .edit("pgq-copy:{{dispatch.destTable}}", "pgq-copy:events")
                .edit("{{dispatch.partField}}", "at")
                .in(directory);
        orders.source("create table " + EVENTS, """
                create trigger events_queue after insert or update or delete on events for each row
                execute function pgq.logutriga('orders')""");
        orders.target("create table " + EVENTS);
        Job job = new Job(
                orders,
                Map.of("dispatch.onError", onError, "dispatch.rowMode", "keep_all", "dispatch.partName", "events"),
                file);
        ShippedRoutesTest.awaitRegistered(orders);
        return job;
    }

    /** As a session with such settings writes; a JDBC driver cannot have them between statements. */
    private static void produce(Orders orders, String settings) throws SQLException {
        StringBuilder block = new StringBuilder("do $$ begin ");
        for (String setting : settings.split(";")) {
            block.append("set local ").append(setting).append("; ");
        }
        orders.source(block + """
                insert into events values
                    (0.1::float8 + 0.2, '2026-02-03 05:04:03.5+02', make_date(2026, 2, 3), array[make_date(2026, 2, 3)],
                     daterange(make_date(2026, 2, 3), make_date(2026, 3, 4)), make_interval(days => -1, secs => -7384), '1234.5',
                     '\\x00ff', 'x'), (0.3, '2026-02-03 05:04+00', null, '{}', 'empty', null, null, null, null);
                end $$""");
        orders.tick();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "intervalstyle = 'sql_standard'; datestyle = 'SQL, DMY'",
                "datestyle = 'German'; extra_float_digits = 0; bytea_output = 'escape'",
                "datestyle = 'Postgres, DMY'; intervalstyle = 'iso_8601'"
            })
    void a_pinned_trigger_function_sends_values_as_they_are(String settings) throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "stop")) {
            for (Queues.Unpinned function : new Queues("pgq").unpinned(orders.source)) {
                orders.source(function.statement());
            }
            produce(orders, settings);
            String rows = "select t::text from events t order by id";
            await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(orders.column(orders.target, rows))
                    .hasSize(2)
                    .isEqualTo(orders.column(orders.source, rows)));
            assertThat(new Queues("pgq").unpinned(orders.source)).isEmpty();
        }
    }

    @Test
    void without_it_nothing_is_read_as_another_value() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "dead-letter")) {
            produce(orders, "intervalstyle = 'sql_standard'; datestyle = 'SQL, DMY'");
            await().atMost(Duration.ofSeconds(30)).until(() -> CutConnectionsTest.applied(orders) > 1);
            assertThat(orders.count(orders.target, "select count(*) from events"))
                    .isZero();
            assertThat(orders.count(orders.target, "select count(*) from caravan.dead_letter"))
                    .isEqualTo(2);
        }
    }

    @Test
    void a_value_that_names_what_the_target_lacks_is_a_bad_row() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "dead-letter")) {
            orders.target("alter table events add c regclass");
            orders.source(
                    "select pgq.insert_event('orders', 'I:id', 'id=1&at=2026-02-03+05:04:03&c=pg_class')",
                    "select pgq.insert_event('orders', 'I:id', 'id=2&at=2026-02-03+05:04:03&c=nowhere')",
                    "select pgq.insert_event('orders', 'I:id', 'id=3&at=2026-02-03+05:04:03&c=pg_type')");
            orders.tick();
            await().atMost(Duration.ofSeconds(30)).until(() -> CutConnectionsTest.applied(orders) > 1);
            assertThat(orders.column(orders.target, "select c::text from events order by 1"))
                    .containsExactly("pg_class", "pg_type");
            assertThat(orders.column(orders.target, "select error from caravan.dead_letter"))
                    .singleElement()
                    .asString()
                    .contains("relation \"nowhere\" does not exist (column c)");
        }
    }

    @Test
    void a_dead_letter_is_retried_with_the_settings_of_the_job() throws Exception {
        java.util.TimeZone before = java.util.TimeZone.getDefault();
        // the driver's sessions have the zone of this process
        java.util.TimeZone.setDefault(java.util.TimeZone.getTimeZone("Asia/Tokyo"));
        try (Orders orders = new Orders();
                Job job = job(orders, "dead-letter")) {
            orders.target("alter table events add constraint no_x check (x <> 'x')");
            orders.source("select pgq.insert_event('orders', 'I:id', 'id=1&at=2026-02-03+05:04:03&x=x')");
            orders.tick();
            await().atMost(Duration.ofSeconds(30)).until(() -> CutConnectionsTest.applied(orders) > 1);
            orders.target("alter table events drop constraint no_x");
            PgqConsumer consumer =
                    (PgqConsumer) job.context().getRoute("dispatch").getConsumer();
            consumer.retryBetweenBatches(DeadLetters.list(orders.target, null).get(0));
            assertThat(orders.value(orders.target, "select (at at time zone 'UTC')::text from events"))
                    .isEqualTo("2026-02-03 05:04:03");
        } finally {
            java.util.TimeZone.setDefault(before);
        }
    }

    @Test
    void settings_and_triggers_that_change_or_lose_values_are_named() throws Exception {
        String role = "producer_" + ProcessHandle.current().pid();
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class)) {
            String database = (String) orders.value(orders.source, "select current_database()");
            orders.source(
                    "create role " + role,
                    "alter role " + role + " set datestyle = 'SQL, DMY'",
                    "alter role " + role + " in database " + database + " set extra_float_digits = 0",
                    "alter database " + database + " set intervalstyle = 'sql_standard'");
            try {
                assertThat(problems(orders)).singleElement().satisfies(problem -> assertThat(problem)
                        .contains(
                                "role \"" + role + "\" has datestyle = SQL, DMY",
                                "role \"" + role + "\" in database \"" + database + "\" has extra_float_digits = 0",
                                "database \"" + database + "\" has intervalstyle = sql_standard",
                                "alter function pgq.logutriga() set bytea_output"));
                try (Job job = Job.dispatch(orders, Map.of())) {
                    log.await("has datestyle = SQL, DMY");
                }
                orders.source(new Queues("pgq")
                        .unpinned(orders.source).stream()
                                .map(Queues.Unpinned::statement)
                                .toArray(String[]::new));
                assertThat(problems(orders)).isEmpty();

                orders.source("alter role " + role + " set session_replication_role = 'replica'");
                assertThat(problems(orders))
                        .singleElement()
                        .asString()
                        .contains(
                                "role \"" + role + "\" has session_replication_role = replica",
                                "enable always trigger");
                orders.source("alter table orders enable always trigger orders_queue");
                assertThat(problems(orders)).isEmpty();
                orders.source("alter table orders enable replica trigger orders_queue");
                assertThat(problems(orders).toString())
                        .contains("is disabled except for rows that replication applies");
            } finally {
                orders.source("drop role " + role, "alter database " + database + " reset all");
            }
        }
    }

    @Test
    void triggers_that_do_not_fire_for_a_partition_or_a_subscription_are_named() throws Exception {
        try (Orders orders = new Orders()) {
            orders.source(
                    "create table parted (id int, primary key (id)) partition by range (id)",
                    "create table parted_1 partition of parted for values from (0) to (10)",
                    "create trigger t after insert on parted for each row execute function pgq.logutriga('orders')",
                    "alter table parted_1 disable trigger t");
            assertThat(problems(orders))
                    .singleElement()
                    .asString()
                    .contains(
                            "trigger \"t\" on public.parted_1 is disabled",
                            "alter table public.parted_1 enable trigger \"t\"");
            orders.source(
                    "alter table parted_1 enable trigger t",
                    "create subscription s connection 'dbname=nowhere' publication p"
                            + " with (connect = false, enabled = false, slot_name = none)",
                    // as a subscription to a published table notes it
                    "insert into pg_subscription_rel select oid, 'orders'::regclass, 'r' from pg_subscription");
            assertThat(problems(orders))
                    .singleElement()
                    .asString()
                    .contains(
                            "trigger \"orders_queue\" on public.orders does not fire for rows that the table's subscription");
            orders.source("alter table orders enable always trigger orders_queue");
            assertThat(problems(orders)).isEmpty();
            orders.source("delete from pg_subscription_rel", "drop subscription s");
        }
    }

    @Test
    void nulls_in_arrays_and_xml_content_arrive_whatever_the_target_has_set() throws Exception {
        try (Orders orders = new Orders()) {
            orders.source("alter table orders add column a text[], add column x xml");
            for (String change : List.of("set array_nulls = off", "set xmloption = 'document'")) {
                orders.source("alter database \"" + orders.value(orders.target, "select current_database()") + "\" "
                        + change);
            }
            try (var statement = orders.target.createStatement()) {
                statement.execute("alter table orders add column a text[], add column x xml");
            }
            try (Job job = Job.dispatch(orders, Map.of("dispatch.rowMode", "keep_latest", "dispatch.eventTypes", ""))) {
                ShippedRoutesTest.awaitRegistered(orders);
                orders.insert(1, 5);
                orders.source("update orders set a = '{NULL,b}', x = 'c<d/>'");
                orders.tick();
                await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(orders.value(
                                orders.target, "select string_agg(distinct a::text || x::text, ' ') from orders"))
                        .isEqualTo("{NULL,b}c<d/>"));
            }
        }
    }

    @Test
    void standard_conforming_strings_may_be_off_on_both_sides() throws Exception {
        try (Orders orders = new Orders()) {
            for (String side : List.of("source", "target")) {
                var connection = side.equals("source") ? orders.source : orders.target;
                String off = "alter database \"" + orders.value(connection, "select current_database()")
                        + "\" set standard_conforming_strings = off";
                orders.source(off);
            }
            try (Job job = Job.dispatch(orders, Map.of("dispatch.rowMode", "keep_latest", "dispatch.eventTypes", ""))) {
                ShippedRoutesTest.awaitRegistered(orders);
                for (int i = 0; i < 3; i++) {
                    orders.insert(i * 100, i * 100 + 50);
                    orders.source("update orders set note = E'a\\\\b''c' where id % 3 = 1");
                    orders.tick();
                    await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
                }
            }
            assertThat(new Queues("pgq").feeders(orders.source, "orders"))
                    .containsExactly(new Queues.Feeder("orders_queue", "public.orders", true));
        }
    }

    @Test
    void a_missing_or_paused_ticker_is_logged_once() throws Exception {
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class)) {
            orders.source("select pgq.set_queue_config('orders', 'ticker_paused', 'true')");
            try (Job job = Job.dispatch(orders, Map.of())) {
                log.await("queue \"orders\" is paused: no batch comes before it is ticked again");
            }
            orders.source(
                    "select pgq.set_queue_config('orders', 'ticker_paused', 'false')",
                    "update pgq.tick set tick_time = tick_time - interval '1 minute'");
            orders.insert(1, 3);
            log.clear();
            try (Job job = Job.dispatch(orders, Map.of())) {
                log.await("queue \"orders\" gets no ticks");
                assertThat(log.text().lines()).hasSize(1);
            }
        }
    }

    private static List<String> problems(Orders orders) throws SQLException {
        return SourceValues.problems(orders.source, "pgq", "orders", null);
    }
}
