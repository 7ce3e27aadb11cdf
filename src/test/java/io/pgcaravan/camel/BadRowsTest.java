package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A row that cannot be loaded either stops its batch or goes to the dead letters; the others never suffer twice. */
class BadRowsTest {

    private static final Map<String, String> DEAD_LETTER =
            Map.of("dispatch.onError", "dead-letter", "dispatch-rows.onError", "dead-letter");

    /** What is wrong, and the event's data. */
    private static final Map<String, String> KINDS = Map.ofEntries(
            Map.entry("type", "amount=abc&status=new"),
            Map.entry("overflow", "amount=99999999999&status=new"),
            Map.entry("not null", "status"),
            Map.entry("check", "status=forbidden"),
            Map.entry("unique", "status=new&note=taken"),
            Map.entry("foreign key", "status=unknown"),
            Map.entry("deferred foreign key", "status=new&customer=nobody"),
            Map.entry("trigger", "status=raise"),
            Map.entry("zero byte", "status=new&note=a%00b"),
            Map.entry("escape", "status=new&note=%zz"));

    @TempDir
    Path directory;

    @Test
    void each_kind_of_bad_row_goes_to_the_dead_letters_and_the_rest_of_its_batch_loads() throws Exception {
        try (Orders orders = constrained();
                Job job = Job.dispatch(orders, DEAD_LETTER)) {
            buryEachKind(orders, 400);
        }
    }

    @Test
    void the_rows_route_buries_them_too() throws Exception {
        try (Orders orders = constrained();
                Job job = Job.rows(orders, DEAD_LETTER)) {
            // enough of them to be inserted as arrays at first
            buryEachKind(orders, 2000);
        }
    }

    /** @param rows good rows around each bad one */
    private static void buryEachKind(Orders orders, int rows) throws Exception {
        ShippedRoutesTest.awaitRegistered(orders);
        orders.insert(1, 1000);
        orders.tick();
        await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        orders.target("insert into orders values (0, 'customer 1', 1, 'taken', '2026-10-05', 'new')");
        int id = 1000;
        for (String data : KINDS.values()) {
            orders.insert(id + 1, id + rows / 2);
            bad(orders, "id=" + (id + 500_000) + "&created_at=2026-10-05+00:00:00&" + data);
            orders.insert(id + rows / 2 + 1, id + rows);
            orders.tick();
            id += rows;
        }
        orders.insert(id + 1, id + 100);
        bad(orders, "id=900000&created_at=yesterday%3f&status=new");
        bad(orders, "id=900001&created_at=99999-01-01&status=new");
        bad(orders, "id=900002&created_at&status=new");
        orders.tick();
        int letters = KINDS.size() + 3;
        await().atMost(Duration.ofSeconds(60))
                .until(() -> orders.count(orders.target, "select count(*) from caravan.dead_letter") >= letters);
        orders.target("delete from orders where id = 0");
        await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        List<String> buried = orders.column(orders.target, "select ev_data from caravan.dead_letter order by ev_id");
        assertThat(buried).hasSize(letters).doesNotHaveDuplicates();
        for (String data : KINDS.values()) {
            assertThat(buried).anyMatch(letter -> letter.endsWith("&" + data));
        }
        assertThat(
                        orders.column(
                                orders.target,
                                "select distinct coalesce(sqlstate, '') from caravan.dead_letter where ev_data like '%status=raise'"))
                .containsExactly("P0001");
    }

    @Test
    void a_second_row_of_a_key_is_found_although_new_partitions_get_their_keys_last() throws Exception {
        Map<String, String> settings = new HashMap<>(DEAD_LETTER);
        settings.put("dispatch.rowMode", "append");
        settings.put("dispatch.ordered", "false");
        try (Orders orders = new Orders();
                Job job = Job.dispatch(orders, settings)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.target("create index on orders (customer)");
            orders.insert(1, 1000);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            orders.insert(1001, 2000);
            orders.source("insert into orders values (2001, 'x', 1, 'first', '2026-11-05', 'new')");
            bad(orders, "id=2001&created_at=2026-11-05+00:00:00&note=second");
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(orders.column(orders.target, "select sqlstate || ' ' || ev_data from caravan.dead_letter"))
                    .containsExactly("23505 id=2001&created_at=2026-11-05+00:00:00&note=second");
            // made at once in one batch and last in the other, and the same
            assertThat(orders.column(
                            orders.target,
                            "select distinct replace(string_agg(indexdef, ' ' order by indexdef), tablename, '') from pg_indexes"
                                    + " where tablename ~ '^orders_2026' group by tablename"))
                    .hasSize(1);
        }
    }

    @Test
    void stop_names_the_row_and_goes_on_by_itself_when_the_cause_is_repaired() throws Exception {
        Path file = RouteFile.dispatch().consuming("exceptionSleep", 500).in(directory);
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(orders, Map.of(), file)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.target("alter table orders add constraint few check (id <> 777)");
            orders.insert(1, 1000);
            orders.tick();
            log.await("trying again");
            long event =
                    orders.count(orders.source, "select ev_id from pgq.event_template where ev_data like 'id=777&%'");
            assertThat(log.text())
                    .contains("queue \"orders\"", "consumer \"test\"", "batch 1 ", "event " + event, "\"few\"");
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isZero();
            orders.target("alter table orders drop constraint few");
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
        }
    }

    @Test
    void more_than_max_dead_letters_stop_the_batch_and_only_what_is_kept_counts() throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("exceptionSleep", 500)
                .consuming("maxDeadLetters", 4)
                .in(directory);
        try (Orders orders = constrained();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(orders, DEAD_LETTER, file)) {
            ShippedRoutesTest.awaitRegistered(orders);
            // found by our own code each time a chunk is tried, and by the server, in one chunk
            orders.insert(1, 1000);
            bad(orders, "id=900000&created_at=never&status=new");
            bad(orders, "id=900001&created_at=never&status=new");
            bad(orders, "id=900002&created_at=2026-10-05&status=unknown");
            bad(orders, "id=900003&created_at=2026-10-06&status=unknown");
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(orders.count(orders.target, "select count(*) from caravan.dead_letter"))
                    .isEqualTo(4);
            for (int i = 0; i < 5; i++) {
                bad(orders, "id=90000" + i + "&created_at=never&status=new");
            }
            orders.tick();
            log.await("more than maxDeadLetters=4");
            assertThat(orders.count(orders.target, "select count(*) from caravan.dead_letter"))
                    .isEqualTo(4);
        }
    }

    @Test
    void one_bad_row_among_a_hundred_thousand_costs_a_few_times_the_batch() throws Exception {
        try (Orders orders = new Orders();
                Job job = Job.dispatch(orders, DEAD_LETTER)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 1000);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            double normal = seconds(orders, 100_001, 200_000);
            orders.target("alter table orders add constraint few check (id <> 250000)");
            double named = seconds(orders, 200_001, 300_000);
            orders.target(
                    "create table even (id bigint primary key)",
                    "insert into even select generate_series(1, 400000)",
                    "delete from even where id = 350000",
                    "alter table orders add constraint even foreign key (id) references even deferrable initially deferred");
            double searched = seconds(orders, 300_001, 400_000);
            System.out.printf(
                    "100,000 rows: %.2f s; with a row that the server names %.2f s (%.1f times); with one that is"
                            + " searched for %.2f s (%.1f times)%n",
                    normal, named, named / normal, searched, searched / normal);
            assertThat(orders.count(orders.target, "select count(*) from caravan.dead_letter"))
                    .isEqualTo(2);
        }
    }

    private static double seconds(Orders orders, int from, int to) throws Exception {
        orders.insert(from, to);
        long begin = System.nanoTime();
        orders.tick();
        await().atMost(Duration.ofSeconds(120))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> orders.count(orders.target, "select tick from caravan.position")
                        == orders.count(orders.source, "select max(tick_id) from pgq.tick"));
        return (System.nanoTime() - begin) / 1e9;
    }

    private static Orders constrained() throws Exception {
        Orders orders = new Orders();
        orders.target(
                "create table statuses (status text primary key)",
                "insert into statuses values ('new'), ('forbidden'), ('raise')",
                "create table customers (customer text primary key)",
                "insert into customers select 'customer ' || i from generate_series(0, 96) i",
                "alter table orders alter status set not null, add check (status <> 'forbidden'),"
                        + " add unique (note, created_at), add foreign key (status) references statuses,"
                        + " add foreign key (customer) references customers deferrable initially deferred",
                "create function refuse() returns trigger language plpgsql as $$ begin if new.status = 'raise' then"
                        + " raise 'not with me'; end if; return new; end $$",
                "create trigger refuse before insert on orders for each row execute function refuse()");
        return orders;
    }

    private static void bad(Orders orders, String data) throws Exception {
        orders.source("select pgq.insert_event('orders', 'I:id,created_at', '" + data
                + "', 'public.orders', null, null, null)");
    }
}
