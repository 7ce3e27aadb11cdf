package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.sql.Sql;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The ledger is the one that Skytools' consumers keep, shared with them where it is there. */
class LedgerTest {

    @Test
    void it_is_installed_where_it_is_missing_and_works_as_skytools_does() throws Exception {
        try (Orders orders = new Orders();
                Job job = Job.dispatch(orders, Map.of())) {
            ShippedRoutesTest.awaitRegistered(orders);
            apply(orders, 1);
            assertThat(orders.count(orders.target, "select pgq_ext.get_last_tick('test')"))
                    .isEqualTo(2);
            // an empty batch is a tick all the same
            orders.tick();
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> orders.count(orders.target, "select pgq_ext.get_last_tick('test')") == 3);
            assertThat(orders.count(orders.target, "select rows from caravan.position"))
                    .isZero();
            assertThat(orders.value(orders.target, "select pgq_ext.get_last_tick('nobody')"))
                    .isNull();
            assertThat(orders.column(
                            orders.target,
                            "select pgq_ext.set_last_tick('a', 7) union all select pgq_ext.set_last_tick('a', 's', 9)"))
                    .containsExactly("1", "1");
            assertThat(orders.column(
                            orders.target,
                            "select pgq_ext.get_last_tick('a') union all select pgq_ext.get_last_tick('a', 's')"))
                    .containsExactly("7", "9");
            orders.target("select pgq_ext.set_last_tick('a', null)");
            assertThat(orders.value(orders.target, "select pgq_ext.get_last_tick('a')"))
                    .isNull();
            assertThat(orders.column(
                            orders.target,
                            "select pgq_ext.set_batch_done('a', b) from unnest(array[1, 1, 2]) with ordinality t (b, n)"
                                    + " order by n"))
                    .containsExactly("t", "f", "t");
            assertThat(orders.value(orders.target, "select pgq_ext.is_batch_done('a', 2)"))
                    .isEqualTo(true);
            assertThat(orders.column(
                            orders.target,
                            "select pgq_ext.set_event_done('a', 1, e) from unnest(array[5, 5, 6]) with ordinality t (e, n)"
                                    + " order by n"))
                    .containsExactly("t", "f", "t");
            assertThat(orders.value(orders.target, "select pgq_ext.is_event_done('a', 1, 5)"))
                    .isEqualTo(true);
        }
    }

    /** Cascaded nodes and cooperative consumers keep rows there too, some under the same name. */
    @Test
    void rows_of_others_in_one_that_is_there_stay_as_they_are() throws Exception {
        try (Orders orders = new Orders()) {
            orders.target(
                    Sql.file("target/pgq_ext"),
                    "select pgq_ext.set_last_tick('another', 42), pgq_ext.set_last_tick('test', 'part', 77),"
                            + " pgq_ext.set_batch_done('test', 5), pgq_ext.set_event_done('another', 6, 7)");
            try (Job job = Job.dispatch(orders, Map.of())) {
                ShippedRoutesTest.awaitRegistered(orders);
                apply(orders, 1);
                apply(orders, 101);
            }
            assertThat(orders.column(
                            orders.target,
                            "select concat_ws(' ', consumer_id, subconsumer_id, last_tick_id) from pgq_ext.completed_tick"
                                    + " order by 1"))
                    .containsExactly("another  42", "test  3", "test part 77");
            assertThat(
                            orders.column(
                                    orders.target,
                                    "select concat_ws(' ', consumer_id, last_batch_id) from pgq_ext.completed_batch union all"
                                            + " select concat_ws(' ', consumer_id, batch_id, event_id) from pgq_ext.completed_event"))
                    .containsExactly("test 5", "another 6 7");
        }
    }

    @Test
    void the_one_of_skytools_2_without_subconsumers_is_shared_and_left_as_it_is() throws Exception {
        try (Orders orders = new Orders()) {
            orders.target(
                    "create schema pgq_ext",
                    "create table pgq_ext.completed_tick (consumer_id text primary key, last_tick_id bigint not null)",
                    "insert into pgq_ext.completed_tick values ('another', 42)",
                    "create function pgq_ext.get_last_tick(a_consumer text) returns bigint language sql as"
                            + " $$ select last_tick_id from pgq_ext.completed_tick where consumer_id = $1 $$",
                    "create function pgq_ext.set_last_tick(a_consumer text, a_tick_id bigint) returns integer language plpgsql as $$"
                            + " begin update pgq_ext.completed_tick set last_tick_id = a_tick_id where consumer_id = a_consumer;"
                            + " if not found then insert into pgq_ext.completed_tick values (a_consumer, a_tick_id); end if;"
                            + " return 1; end $$");
            // where a table_dispatcher of that name had stopped
            orders.source("select pgq.register_consumer('orders', 'test')");
            orders.insert(1, 100);
            orders.tick();
            orders.target("insert into pgq_ext.completed_tick values ('test', 1)");
            try (Job job = Job.dispatch(orders, Map.of())) {
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                apply(orders, 101);
            }
            assertThat(orders.column(
                            orders.target,
                            "select consumer_id || ' ' || last_tick_id from pgq_ext.completed_tick order by 1"))
                    .containsExactly("another 42", "test 3");
            assertThat(
                            orders.column(
                                    orders.target,
                                    "select proname::text from pg_proc where pronamespace = 'pgq_ext'::regnamespace order by 1"))
                    .containsExactly("get_last_tick", "set_last_tick");
        }
    }

    private static void apply(Orders orders, int from) throws Exception {
        orders.insert(from, from + 99);
        orders.tick();
        await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
    }
}
