package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Consumers that share a queue by hash: what they load together is what one consumer would have loaded. */
class ShardsTest {

    @TempDir
    Path directory;

    /** A job for each shard, each into a table of its own (orders_s0, orders_s1, ...) or all into orders. */
    private Path[] jobs(int shards, String decode, boolean ownTables, String load) throws Exception {
        Path[] files = new Path[shards];
        for (int shard = 0; shard < shards; shard++) {
            String table = ownTables ? "orders_s" + shard : "orders";
            files[shard] = Files.writeString(directory.resolve("shard" + shard + ".camel.yaml"), """
                    - route:
                        id: shard%1$d
                        from:
                          uri: pgq:orders
                          parameters: {consumer: shard%1$d, source: "#sourceDb", target: "#targetDb", onError: dead-letter}
                          steps:
                            - split:
                                simple: "${body}"
                                streaming: true
                                steps:
                                  - to: {uri: "pgq-decode:logutriga", parameters: {shards: %2$d, shard: %1$d%3$s}}
                                  - to: {uri: "pgq-partition:%4$s", parameters: {partField: created_at}}
                                  - to: {uri: "pgq-copy:%4$s", parameters: {%5$s}}
                    """.formatted(
                            shard, shards, decode.isEmpty() ? "" : ", " + decode, table, load));
        }
        return files;
    }

    private static void ownTables(Orders orders, int shards, String key) throws Exception {
        for (int shard = 0; shard < shards; shard++) {
            orders.target(
                    "create table orders_s" + shard + " " + Orders.TABLE + key + ") partition by range (created_at)");
        }
    }

    private static void awaitRegistered(Orders orders, int shards) {
        await().atMost(Duration.ofSeconds(60))
                .until(() -> orders.count(orders.source, "select count(*) from pgq.subscription") == shards);
    }

    private static void awaitApplied(Orders orders, int shards) {
        await().atMost(Duration.ofSeconds(60))
                .until(() -> orders.count(
                                orders.target,
                                "select count(*) from caravan.position where tick = "
                                        + orders.value(orders.source, "select max(tick_id) from pgq.tick"))
                        == shards);
    }

    private static String all(int shards, String columns) {
        List<String> tables = new ArrayList<>();
        for (int shard = 0; shard < shards; shard++) {
            tables.add("select * from orders_s" + shard);
        }
        return "select row(" + columns + ")::text from (" + String.join(" union all ", tables) + ") t order by 1";
    }

    private static void randomChanges(Orders orders, Random random) throws Exception {
        orders.insert(1, 2000);
        for (int i = 0; i < 40; i++) {
            int id = 1 + random.nextInt(2000);
            orders.source(
                    switch (random.nextInt(4)) {
                        case 0 ->
                            "update orders set note = 'n" + i + "', amount = amount + 1 where id % 50 = " + id % 50;
                        case 1 ->
                            "update orders set created_at = created_at + interval '2 days' where id % 70 = " + id % 70;
                        case 2 -> "delete from orders where id % 300 = " + id % 300;
                        default ->
                            "insert into orders select i, 'again', 1, null, '2026-10-05', 's' from generate_series("
                                    + id + ", " + (id + 30) + ") i on conflict (id) do nothing";
                    });
            if (random.nextInt(5) == 0) {
                orders.tick();
            }
        }
        orders.tick();
    }

    @ParameterizedTest
    @CsvSource({"2, false", "3, true", "4, false"})
    void the_shards_together_have_all_rows_of_the_source(int shards, boolean ownTables) throws Exception {
        long seed = System.nanoTime();
        System.out.println(shards + " shards with seed " + seed);
        try (Orders orders = new Orders()) {
            ownTables(orders, shards, ", primary key (id, created_at)");
            try (Job job = new Job(orders, Map.of(), jobs(shards, "", ownTables, "rowMode: plain"))) {
                awaitRegistered(orders, shards);
                randomChanges(orders, new Random(seed));
                awaitApplied(orders, shards);
                if (!ownTables) {
                    orders.assertTargetEqualsSource();
                } else {
                    assertThat(orders.column(
                                    orders.target, all(shards, "id, customer, amount, note, created_at, status")))
                            .isEqualTo(sorted(orders.rows(orders.source)));
                    for (int shard = 0; shard < shards; shard++) {
                        assertThat(orders.count(orders.target, "select count(*) from orders_s" + shard))
                                .isPositive();
                    }
                }
            }
        }
    }

    @Test
    void together_they_append_each_event_of_a_live_queue_once_the_bad_ones_too() throws Exception {
        int shards = 3;
        try (Orders orders = new Orders()) {
            ownTables(orders, shards, "");
            orders.source("drop trigger orders_queue on orders", """
                    create trigger orders_queue after insert or update or delete on orders for each row execute function
                    pgq.logutriga('orders', 'backup', 'ev_extra3=case when id % 2 = 0 then ''hash='' || hashtext(customer) end')
                    """);
            try (Job job = new Job(orders, Map.of(), jobs(shards, "shardKey: status", true, "rowMode: append"))) {
                awaitRegistered(orders, shards);
                orders.insert(1, 1000);
                orders.source("update orders set status = 'paid' || id % 5 where id % 3 = 0");
                orders.source("delete from orders where id % 5 = 0");
                for (String data : new String[] {"id=%zz", "id=1", "id=1&created_at=never&status=x"}) {
                    orders.source("select pgq.insert_event('orders', 'I:id', '" + data + "')");
                }
                orders.tick();
                awaitApplied(orders, shards);
                assertThat(orders.column(orders.target, all(shards, "id, note, status")))
                        .hasSize(1000 + 333 + 200);
                assertThat(orders.column(orders.target, "select ev_data from caravan.dead_letter order by ev_id"))
                        .containsExactly("id=%zz", "id=1", "id=1&created_at=never&status=x");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"keep_latest, 3", "plain, 3", "plain, 2"})
    void a_row_that_changes_its_shard_is_in_the_new_one_only(String rowMode, int shards) throws Exception {
        try (Orders orders = new Orders()) {
            ownTables(orders, shards, ", primary key (id, created_at)");
            Path[] files = jobs(shards, "shardKey: status", true, "rowMode: " + rowMode);
            try (Job job = new Job(orders, Map.of(), files)) {
                awaitRegistered(orders, shards);
                Random random = new Random(shards);
                orders.insert(1, 500);
                for (int i = 0; i < 30; i++) {
                    orders.source("update orders set note = 'n" + i + "', status = 's' || (id + " + random.nextInt(20)
                            + ") % 20 where id % 7 = " + random.nextInt(7));
                    orders.source("delete from orders where id % 97 = " + i);
                    if (i % 4 == 0) {
                        orders.tick();
                    }
                }
                orders.tick();
                awaitApplied(orders, shards);
                assertThat(orders.column(orders.target, all(shards, "id, customer, amount, note, created_at, status")))
                        .isEqualTo(sorted(orders.rows(orders.source)));
            }
        }
    }

    private static List<String> sorted(List<String> rows) {
        List<String> sorted = new ArrayList<>(rows);
        Collections.sort(sorted);
        return sorted;
    }
}
