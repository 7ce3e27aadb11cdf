package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Jobs with the options that londiste's dispatch handler has, from the events to the rows in the target. */
class LondisteOptionsTest {

    @TempDir
    Path directory;

    private static final Map<String, String> BY_DATE = Map.of("partMode", "date_field", "partField", "created_at");

    /** A route from queue orders with these options of its steps. */
    private Job job(
            Orders orders,
            String table,
            Map<String, String> decode,
            Map<String, String> partition,
            Map<String, String> load)
            throws Exception {
        Path file = Files.createTempFile(directory, "job", ".camel.yaml");
        Files.writeString(file, """
                - route:
                    id: job
                    from:
                      uri: pgq:orders
                      parameters: {consumer: job, source: "#sourceDb", target: "#targetDb", onError: dead-letter}
                      steps:
                        - split:
                            simple: "${body}"
                            streaming: true
                            steps:
                              - to: {uri: "pgq-decode:logutriga"%2$s}
                              - to: {uri: "pgq-partition:%1$s"%3$s}
                              - to: {uri: "pgq-copy:%1$s"%4$s}
                """.formatted(table, parameters(decode), parameters(partition), parameters(load)));
        Job job = new Job(orders, Map.of(), file);
        ShippedRoutesTest.awaitRegistered(orders);
        return job;
    }

    private static String parameters(Map<String, String> options) {
        return options.isEmpty()
                ? ""
                : options.entrySet().stream()
                        .map(option ->
                                option.getKey() + ": '" + option.getValue().replace("'", "''") + "'")
                        .collect(Collectors.joining(", ", ", parameters: {", "}"));
    }

    private static void applied(Orders orders) throws Exception {
        orders.tick();
        await().atMost(Duration.ofSeconds(60))
                .until(() -> orders.count(
                                orders.source,
                                "select count(*) from pgq.subscription s where s.sub_last_tick ="
                                        + " (select max(tick_id) from pgq.tick)")
                        == 1);
    }

    @Test
    void no_row_is_lost_where_an_update_finds_none() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "public.orders", Map.of(), BY_DATE, Map.of("rowMode", "plain"))) {
            orders.insert(1, 200);
            applied(orders);
            orders.source(
                    // into a partition that has no such row yet, and one that has a row which comes back
                    "update orders set created_at = created_at + interval '40 days' where id <= 20",
                    "delete from orders where id between 21 and 30",
                    "insert into orders select i, 'back', 1, null, '2026-10-05', 'new' from generate_series(21, 25) i",
                    "update orders set status = 'twice' where id between 15 and 25",
                    "update orders set created_at = '2026-12-01' where id = 15",
                    "update orders set created_at = '2026-10-01' where id = 15",
                    "insert into orders values (900, 'short', 1, null, '2026-10-01', 'new')",
                    "update orders set status = 'paid' where id = 900",
                    "delete from orders where id = 900");
            applied(orders);
            orders.assertTargetEqualsSource();
        }
    }

    @Test
    void keep_latest_keeps_the_row_that_londiste_loses_when_delete_and_insert_merge_back() throws Exception {
        try (Orders orders = new Orders();
                Job job = job(orders, "public.orders", Map.of(), BY_DATE, Map.of("rowMode", "keep_latest"))) {
            orders.insert(1, 100);
            applied(orders);
            orders.source(
                    "update orders set created_at = '2026-11-11', status = 'moved' where id <= 50",
                    "update orders set status = 'paid' where id between 40 and 60");
            applied(orders);
            assertThat(orders.count(orders.target, "select count(*) from orders_2026_11_11"))
                    .isEqualTo(50);
            assertThat(orders.count(
                            orders.target,
                            "select count(*) from orders where status = 'paid' and id between 40 and 60"))
                    .isEqualTo(21);
        }
    }

    @Test
    void most_options_of_londiste_at_once_do_what_each_says() throws Exception {
        Map<String, String> decode = Map.of("skipFields", "note", "eventTypes", "I, U, R", "encoding", "utf8");
        Map<String, String> partition = Map.of(
                "tableMode", "part",
                "partMode", "date_field",
                "partField", "created_at",
                "period", "month",
                "partName", "%(parent)s_in_%(year)s_%(month)s",
                "partTemplate", "create table %(dest)s () inherits (%(parent)s); create index on %(dest)s (%(pkey)s);",
                "prePart", "insert into log values ('pre %(dest)s')",
                "postPart", "insert into log values ('post %(part_field)s %(part_time)s')");
        Map<String, String> load = Map.of("rowMode", "keep_all", "onTruncate", "ignore", "analyze", "true");
        try (Orders orders = new Orders()) {
            orders.target(
                    "create schema archive",
                    "create table log (line text)",
                    "create table archive.orders " + Orders.TABLE + ")");
            try (Job job = job(orders, "archive.orders", decode, partition, load)) {
                orders.source("create trigger t after truncate on orders execute function pgq.logutriga('orders')");
                orders.insert(1, 10);
                orders.source(
                        "update orders set status = 'paid' where id = 1",
                        "delete from orders where id = 2",
                        "select pgq.insert_event('orders', 'I:id',"
                                + " 'id=99&customer=a%ffb%00&created_at=2026-11-01&note=x')",
                        "truncate orders");
                applied(orders);
            }
            assertThat(
                            orders.column(
                                    orders.target,
                                    "select tableoid::regclass || ' ' || count(*) from archive.orders group by tableoid order by 1"))
                    .containsExactly("archive.orders_in_2026_10 11", "archive.orders_in_2026_11 1");
            assertThat(orders.column(orders.target, "select customer from archive.orders where id = 99"))
                    .containsExactly("a\uFFFDb\uFFFD");
            assertThat(orders.count(orders.target, "select count(*) from archive.orders where note is not null"))
                    .isZero();
            assertThat(orders.column(orders.target, "select line from log order by line"))
                    .containsExactly(
                            "post created_at 2026-10-01 00:00:00",
                            "post created_at 2026-11-01 00:00:00",
                            "pre \"archive\".\"orders_in_2026_10\"",
                            "pre \"archive\".\"orders_in_2026_11\"");
            assertThat(orders.column(
                            orders.target,
                            "select relname || ' ' || reltuples from pg_class where relname like 'orders_in_%' and"
                                    + " relkind = 'r' order by 1"))
                    .as("analyzed")
                    .containsExactly("orders_in_2026_10 11", "orders_in_2026_11 1");
            assertThat(orders.count(orders.target, "select count(*) from caravan.dead_letter"))
                    .isZero();
        }
    }

    @Test
    void a_table_may_be_loaded_without_partitions_or_not_at_all() throws Exception {
        try (Orders orders = new Orders(", primary key (id))")) {
            try (Job job =
                    job(orders, "public.orders", Map.of(), Map.of("tableMode", "direct"), Map.of("rowMode", "plain"))) {
                orders.insert(1, 50);
                orders.source("update orders set status = 'paid' where id < 10", "delete from orders where id = 20");
                applied(orders);
                orders.assertTargetEqualsSource();
            }
            try (Job job = job(orders, "public.orders", Map.of(), Map.of("tableMode", "ignore"), Map.of())) {
                orders.insert(51, 60);
                applied(orders);
                assertThat(orders.count(orders.target, "select count(*) from orders"))
                        .isEqualTo(49);
            }
            assertThat(orders.partitions("orders_")).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        list | status | , primary key (id, status)) partition by list (status)
        list | status | )
        hash | id     | , primary key (id)) partition by hash (id)
        hash | id     | )
        """)
    void rows_change_and_move_between_partitions_by_list_and_by_hash(String mode, String field, String parent)
            throws Exception {
        Map<String, String> partition = mode.equals("hash")
                ? Map.of("partMode", mode, "partField", field, "partitions", "4")
                : Map.of("partMode", mode, "partField", field);
        for (String rowMode : new String[] {"plain", "keep_latest"}) {
            try (Orders orders = new Orders(parent);
                    Job job = job(orders, "orders", Map.of(), partition, Map.of("rowMode", rowMode))) {
                orders.insert(1, 200);
                applied(orders);
                orders.source(
                        "update orders set customer = 'new name' where id % 3 = 0",
                        "delete from orders where id % 7 = 0");
                applied(orders);
                orders.assertTargetEqualsSource();
                if (rowMode.equals("plain")) {
                    orders.source(
                            "update orders set status = 'paid' where id % 2 = 0",
                            "update orders set status = 'it''s \"gone\"' where id % 5 = 0",
                            "delete from orders where id = 10",
                            "insert into orders values (10, 'again', 1, 'x', '2026-10-01', 'back')");
                    applied(orders);
                    orders.assertTargetEqualsSource();
                }
                assertThat(orders.partitions("orders_").stream()
                                .filter(name -> !name.endsWith("_pkey"))
                                .count())
                        .isEqualTo(rowMode.equals("plain") || mode.equals("hash") ? 4 : 1);
            }
        }
    }

    @Test
    void a_value_that_the_column_cannot_hold_is_a_bad_row_and_no_partition() throws Exception {
        try (Orders orders = new Orders(", region int) partition by list (region)");
                Job job = job(
                        orders,
                        "orders",
                        Map.of("fields", "id, created_at, status:region"),
                        Map.of("partMode", "list", "partField", "region"),
                        Map.of())) {
            orders.source(
                    "insert into orders select i, 'x', 1, null, '2026-10-01', i::text from generate_series(1, 3) i",
                    "insert into orders values (4, 'x', 1, null, '2026-10-01', 'north')");
            applied(orders);
            assertThat(orders.partitions("orders_")).containsExactly("orders_1", "orders_2", "orders_3");
            assertThat(orders.column(
                            orders.target,
                            "select sqlstate || ' ' || split_part(ev_data, '&', 1) from" + " caravan.dead_letter"))
                    .containsExactly("22P02 id=4");
        }
    }
}
