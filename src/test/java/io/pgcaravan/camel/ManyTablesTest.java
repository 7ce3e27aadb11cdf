package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One queue feeds many tables, each by its own settings, all in one transaction for a batch. */
class ManyTablesTest {

    static final Map<String, String> PROPERTIES = Map.of(
            "dispatch-tables.enabled", "true",
            "dispatch-tables.queue", "orders",
            "dispatch-tables.consumer", "test",
            "dispatch-tables.onError", "dead-letter",
            "dispatch-tables.first.table", "public.orders",
            "dispatch-tables.first.destTable", "public.orders",
            "dispatch-tables.first.partField", "created_at",
            "dispatch-tables.second.table", "public.order_log",
            "dispatch-tables.second.destTable", "public.order_log",
            "dispatch-tables.second.partField", "at");

    private static final String REFUSED = """
                      - throwException:
                          exceptionType: java.lang.IllegalStateException
                          message: "table ${body.table} has no job in this route"
            """.indent(12);

    @TempDir
    Path directory;

    /** Orders, and in the same queue order_log and two tables without a job, one of them with an odd name. */
    static final class Shop extends Orders {

        Shop() throws SQLException {
            source(
                    "create table order_log (id bigint primary key, at timestamp not null, what text)",
                    "create table customers (id bigint primary key, name text)",
                    "create table \"Odd Log & +\" (id bigint primary key, name text)");
            for (String table : new String[] {"order_log", "customers", "\"Odd Log & +\""}) {
                source("create trigger feed after insert or update or delete on " + table
                        + " for each row execute function pgq.logutriga('orders', 'backup')");
                source("create trigger feed_truncate after truncate on " + table
                        + " for each statement execute function pgq.logutriga('orders')");
            }
            source("create trigger feed_truncate after truncate on orders for each statement execute function"
                    + " pgq.logutriga('orders')");
            target(
                    "create table order_log (id bigint, at timestamp not null, what text) partition by range (at)",
                    "create table customers (id bigint primary key, name text)",
                    "create table \"Odd Log & +\" (id bigint primary key, name text)");
        }

        void log(int from, int to) throws SQLException {
            source("insert into order_log select i, timestamp '2026-10-01' + i % 90 * interval '1 day', 'x' || i"
                    + " from generate_series(" + from + ", " + to + ") i");
        }

        void assertLogsEqual() throws SQLException {
            String rows = "select row(l.*)::text from order_log l order by id, at, what";
            assertThat(column(target, rows)).isEqualTo(column(source, rows));
        }

        void awaitApplied() {
            await().atMost(Duration.ofSeconds(60))
                    .until(() ->
                            CutConnectionsTest.applied(this) == count(source, "select max(tick_id) from pgq.tick"));
        }
    }

    static Path shipped() {
        return Path.of("routes/dispatch-tables.camel.yaml");
    }

    @Test
    void all_tables_of_a_batch_and_its_position_commit_in_one_transaction() throws Exception {
        try (Shop shop = new Shop();
                Job job = new Job(shop, PROPERTIES, shipped())) {
            ShippedRoutesTest.awaitRegistered(shop);
            shop.insert(1, 3000);
            shop.log(1, 3000);
            shop.source("update orders set status = 'paid' where id % 3 = 0", "delete from orders where id % 5 = 0");
            shop.tick();
            shop.awaitApplied();
            shop.assertTargetEqualsSource();
            shop.assertLogsEqual();
            assertThat(shop.partitions("order_log_"))
                    .containsExactly("order_log_2026_10", "order_log_2026_11", "order_log_2026_12");
            assertThat(shop.partitions("orders_")).contains("orders_2026_10_02");
            assertThat(shop.column(
                            shop.target,
                            "select xmin::text from orders union select xmin::text from order_log union"
                                    + " select xmin::text from caravan.position"))
                    .hasSize(1);
        }
    }

    /** With the foreign key that the pages recommend, where the tables at the target are told to have one. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void tables_that_are_emptied_together_are_emptied_as_the_route_ships(boolean referring) throws Exception {
        Path file = referring
                ? RouteFile.shipped("dispatch-tables.camel.yaml")
                        .edit("{rowMode: keep_all, onTruncate: ignore}", "{rowMode: plain}")
                        .in(directory)
                : shipped();
        try (Shop shop = new Shop()) {
            shop.source("alter table order_log add order_id bigint references orders");
            shop.target("alter table order_log add order_id bigint");
            if (referring) {
                shop.target("alter table order_log add foreign key (order_id, at) references orders (id, created_at)"
                        + " deferrable initially deferred");
            }
            try (Job job = new Job(shop, PROPERTIES, file)) {
                ShippedRoutesTest.awaitRegistered(shop);
                for (String tables : new String[] {"orders, order_log", "order_log, orders", "orders cascade"}) {
                    shop.insert(1, 100);
                    shop.source("insert into order_log select id, created_at, 'x', id from orders");
                    shop.tick();
                    shop.awaitApplied();
                    shop.source("truncate " + tables);
                    shop.insert(101, 110);
                    shop.source("insert into order_log select id, created_at, 'y', id from orders");
                    shop.tick();
                    shop.awaitApplied();
                    shop.assertTargetEqualsSource();
                    if (referring) {
                        shop.assertLogsEqual();
                    }
                    shop.source("truncate " + tables);
                    shop.tick();
                    shop.awaitApplied();
                    shop.assertTargetEqualsSource();
                }
                assertThat(shop.count(shop.target, "select count(*) from order_log where what = 'x'"))
                        .isEqualTo(referring ? 0 : 300);
            }
        }
    }

    @Test
    void a_table_without_a_job_stops_the_batch_and_is_named_as_the_route_ships() throws Exception {
        Path file = RouteFile.shipped("dispatch-tables.camel.yaml")
                .consuming("exceptionSleep", 500)
                .in(directory);
        try (Shop shop = new Shop();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(shop, PROPERTIES, file)) {
            ShippedRoutesTest.awaitRegistered(shop);
            shop.insert(1, 100);
            shop.source("insert into customers values (1, 'x')");
            shop.tick();
            log.await("table public.customers has no job in this route");
            assertThat(shop.count(shop.target, "select count(*) from orders")).isZero();
            assertThat(shop.count(shop.target, "select count(*) from caravan.dead_letter"))
                    .isZero();
        }
    }

    @Test
    void a_table_without_a_job_can_be_left_out() throws Exception {
        Path file = RouteFile.shipped("dispatch-tables.camel.yaml")
                .edit(REFUSED, "")
                .edit("# - to: pgq-leave-out", "- to: pgq-leave-out")
                .in(directory);
        try (Shop shop = new Shop();
                Job job = new Job(shop, PROPERTIES, file)) {
            ShippedRoutesTest.awaitRegistered(shop);
            shop.insert(1, 100);
            shop.source("insert into customers values (1, 'x')", "truncate customers");
            shop.log(1, 100);
            shop.tick();
            shop.awaitApplied();
            shop.assertTargetEqualsSource();
            shop.assertLogsEqual();
            assertThat(shop.count(shop.target, "select count(*) from customers"))
                    .isZero();
        }
    }

    @Test
    void tables_without_a_job_can_go_into_the_table_of_the_same_name() throws Exception {
        Path file = RouteFile.shipped("dispatch-tables.camel.yaml")
                .edit(REFUSED, "")
                .edit("# - setProperty:", "- setProperty:")
                .edit("# - to: pgq-decode:logutriga", "- to: pgq-decode:logutriga")
                .edit("# - toD:", "- toD:")
                .in(directory);
        try (Shop shop = new Shop();
                Job job = new Job(shop, PROPERTIES, file)) {
            ShippedRoutesTest.awaitRegistered(shop);
            for (int batch = 0; batch < 3; batch++) {
                shop.insert(100 * batch, 100 * batch + 99);
                for (String table : new String[] {"customers", "\"Odd Log & +\""}) {
                    shop.source(
                            "insert into " + table + " select i, 'n' || i from generate_series(" + 100 * batch + ", "
                                    + (100 * batch + 99) + ") i",
                            "update " + table + " set name = name || '!' where id % 7 = " + batch,
                            "delete from " + table + " where id % 11 = " + batch);
                }
                shop.tick();
            }
            shop.awaitApplied();
            shop.assertTargetEqualsSource();
            for (String table : new String[] {"customers", "\"Odd Log & +\""}) {
                String rows = "select row(t.*)::text from " + table + " t order by id";
                assertThat(shop.column(shop.target, rows))
                        .hasSizeGreaterThan(200)
                        .isEqualTo(shop.column(shop.source, rows));
            }
        }
    }

    @Test
    void a_truncate_empties_its_own_table_only() throws Exception {
        try (Shop shop = new Shop();
                Job job = new Job(shop, PROPERTIES, shipped())) {
            ShippedRoutesTest.awaitRegistered(shop);
            shop.insert(1, 100);
            shop.log(1, 100);
            shop.tick();
            shop.insert(101, 200);
            shop.source("truncate orders");
            shop.insert(201, 220);
            shop.tick();
            shop.awaitApplied();
            shop.assertTargetEqualsSource();
            assertThat(shop.rows(shop.target)).hasSize(20);
            shop.assertLogsEqual();
            shop.source("truncate order_log");
            shop.tick();
            shop.awaitApplied();
            // its job says onTruncate: ignore
            assertThat(shop.count(shop.target, "select count(*) from order_log"))
                    .isEqualTo(100);
        }
    }

    @Test
    void bad_rows_of_either_table_are_buried_and_everything_else_loads() throws Exception {
        try (Shop shop = new Shop();
                Job job = new Job(shop, PROPERTIES, shipped())) {
            ShippedRoutesTest.awaitRegistered(shop);
            shop.target(
                    "alter table order_log add constraint few check (what <> 'x777')",
                    "create table ids (id bigint primary key)",
                    "insert into ids select generate_series(1, 4000) except select 1500",
                    "alter table orders add foreign key (id) references ids deferrable initially deferred");
            for (int i = 1; i < 4000; i += 100) {
                shop.insert(i, i + 99);
                shop.log(i, i + 99);
            }
            shop.source(
                    "select pgq.insert_event('orders', 'I:id', 'id=9&created_at=never', 'public.orders', null, null, null)",
                    "select pgq.insert_event('orders', 'I:id', 'id=%zz', 'public.order_log', null, null, null)");
            shop.tick();
            shop.awaitApplied();
            assertThat(shop.column(shop.target, "select ev_data from caravan.dead_letter order by ev_id"))
                    .hasSize(4)
                    .anyMatch(data -> data.startsWith("id=777&"))
                    .anyMatch(data -> data.startsWith("id=1500&"))
                    .contains("id=9&created_at=never", "id=%zz");
            shop.source("delete from orders where id = 1500", "delete from order_log where id = 777");
            shop.assertTargetEqualsSource();
            shop.assertLogsEqual();
        }
    }

    @Test
    void however_events_of_tables_are_mixed_each_table_keeps_its_order() throws Exception {
        Path file = RouteFile.shipped("dispatch-tables.camel.yaml")
                .consuming("chunkEvents", 37)
                .edit("rowMode: keep_all", "rowMode: keep_latest")
                .in(directory);
        long seed = System.nanoTime();
        System.out.println("mixed tables with seed " + seed);
        Random random = new Random(seed);
        try (Shop shop = new Shop()) {
            shop.target(
                    "drop table order_log",
                    "create table order_log (id bigint, at timestamp, what text,"
                            + " primary key (id, at)) partition by range (at)");
            try (Job job = new Job(shop, PROPERTIES, file)) {
                ShippedRoutesTest.awaitRegistered(shop);
                shop.insert(1, 50);
                shop.log(1, 50);
                for (int i = 0; i < 600; i++) {
                    int id = 1 + random.nextInt(50);
                    shop.source(
                            switch (random.nextInt(5)) {
                                case 0 -> "update orders set note = 'n" + i + "' where id = " + id;
                                case 1 -> "delete from orders where id = " + id;
                                case 2 ->
                                    "insert into orders values (" + id + ", 'c', 1, null, '2026-10-0" + (1 + id % 9)
                                            + "', 's" + i
                                            + "') on conflict (id) do update set status = excluded.status";
                                case 3 -> "update order_log set what = 'w" + i + "' where id % 25 = " + id % 25;
                                default -> "delete from order_log where id = " + id;
                            });
                    if (random.nextInt(100) == 0) {
                        shop.tick();
                    }
                }
                shop.tick();
                shop.awaitApplied();
                shop.assertTargetEqualsSource();
                shop.assertLogsEqual();
            }
        }
    }

    @Test
    void single_events_and_rows_know_their_table_too() throws Exception {
        Path file = RouteFile.rows()
                .edit("eventTypes: \"{{dispatch-rows.eventTypes}}\"", "eventTypes: I")
                .before("- to: # url-encoded row -> a map", """
                        - filter:
                            simple: "${body.table} != 'public.orders'"
                            steps:
                              - to: pgq-leave-out:another-table
                              - stop: {}
                        """)
                .before("- to: pgq-copy:", """
                        - setBody:
                            simple: "${body}"
                        - script:
                            simple: "${body.put('note', ${body.table})}"
                        """)
                .in(directory);
        try (Shop shop = new Shop();
                Job job = new Job(shop, Map.of(), file)) {
            ShippedRoutesTest.awaitRegistered(shop);
            shop.log(1, 50);
            shop.insert(1, 50);
            shop.log(51, 60);
            shop.tick();
            shop.awaitApplied();
            assertThat(shop.column(shop.target, "select distinct note from orders"))
                    .containsExactly("public.orders");
            assertThat(shop.count(shop.target, "select count(*) from orders")).isEqualTo(50);
        }
    }

    @Test
    void a_batch_larger_than_the_heap_goes_through() throws Exception {
        try (Shop shop = new Shop()) {
            try (Job job = new Job(shop, PROPERTIES, shipped())) {
                ShippedRoutesTest.awaitRegistered(shop);
            }
            // 400,000 events of 700 bytes, of two tables by turns; the process has a heap of 192 MB
            shop.source("""
                    do $$
                    begin
                      execute 'insert into ' || pgq.current_event_table('orders') || ' (ev_id, ev_time, ev_type, ev_data, ev_extra1)'
                        || ' select nextval((select queue_event_seq from pgq.queue where queue_name = ''orders'')), now(), ''I:id'','
                        || ' case when i % 2 = 0 then ''id='' || i || ''&created_at=2026-10-02&note='' || repeat(''x'', 650)'
                        || ' else ''id='' || i || ''&at=2026-10-02&what='' || repeat(''y'', 650) end,'
                        || ' case when i % 2 = 0 then ''public.orders'' else ''public.order_log'' end'
                        || ' from generate_series(1, 400000) i';
                    end $$""");
            shop.tick();
            try (RoutesProcess process = RoutesProcess.start(shop, PROPERTIES, null, shipped())) {
                await().atMost(Duration.ofMinutes(3))
                        .until(() -> CutConnectionsTest.applied(shop)
                                == shop.count(shop.source, "select max(tick_id) from pgq.tick"));
            }
            assertThat(shop.count(shop.target, "select count(*) from orders")).isEqualTo(200_000);
            assertThat(shop.count(shop.target, "select count(distinct id) from order_log"))
                    .isEqualTo(200_000);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Moment.class,
            names = {"ROWS_LOADED", "BEFORE_COMMIT", "AFTER_COMMIT"})
    void killed_on_the_way_all_tables_are_made_good_together(Moment moment) throws Exception {
        try (Shop shop = new Shop()) {
            try (Job job = new Job(shop, PROPERTIES, shipped())) {
                ShippedRoutesTest.awaitRegistered(shop);
            }
            shop.insert(1, 2000);
            shop.log(1, 2000);
            shop.source("update orders set created_at = created_at + interval '3 days' where id % 50 = 1");
            shop.tick();
            try (RoutesProcess process = RoutesProcess.start(shop, PROPERTIES, moment, shipped())) {
                process.awaitArrival();
                process.kill();
            }
            try (Job job = new Job(shop, PROPERTIES, shipped())) {
                shop.awaitApplied();
                shop.assertTargetEqualsSource();
                shop.assertLogsEqual();
            }
        }
    }
}
