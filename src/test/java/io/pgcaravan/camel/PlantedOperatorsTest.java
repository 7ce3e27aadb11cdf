package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whoever may create functions in the role's search path does not run them with the job's rights, nor change what is a key. */
public class PlantedOperatorsTest {

    /**
     * In schema public: an operator for each pair of common types that PostgreSQL has none of its own for, and each of its functions of
     * texts once more for varchar and for name. All note that they were called.
     */
    public static final String PLANT = """
            create function public.note(what text) returns void language plpgsql as $$ begin
                insert into public.planted values (what, current_query()) on conflict do nothing;
            end $$;
            create table public.planted (what text primary key, query text);
            do $$
            declare
                types regtype[] := array['text', 'varchar', 'name', '"char"', 'oid', 'regclass', 'int2', 'int4', 'int8', 'bool',
                                         'text[]', 'name[]', 'varchar[]', 'oid[]', 'int2[]', 'int2vector'];
                a regtype; b regtype; op text; f record; other regtype; n int := 0;
            begin
                foreach a in array types loop foreach b in array types loop
                    n := n + 1;
                    execute format('create function public.planted_%s(%s, %s) returns bool language plpgsql as %L', n, a, b,
                                   format('begin perform public.note(''operator of %s and %s''); return true; end', a, b));
                    foreach op in array array['=', '<>', '<', '>', '<=', '>='] loop
                        if not exists (select from pg_operator where oprname = op and oprleft = a and oprright = b) then
                            execute format('create operator public.%s (function = public.planted_%s, leftarg = %s, rightarg = %s)',
                                           op, n, a, b);
                        end if;
                    end loop;
                end loop; end loop;
                for f in select distinct proname, pronargs from pg_proc
                          where pronamespace = 'pg_catalog'::regnamespace and prokind = 'f' and pronargs between 1 and 3
                            and 'text'::regtype = all (proargtypes::oid[]) loop
                    foreach other in array array['varchar', 'name']::regtype[] loop
                        if not exists (select from pg_proc where proname = f.proname and pronargs = f.pronargs
                                          and other = all (proargtypes::oid[])) then
                            execute format('create function public.%I(%s) returns text language plpgsql as %L', f.proname,
                                           array_to_string(array_fill(other::text, array[f.pronargs::int]), ', '),
                                           format('begin perform public.note(''%s(%s)''); return null; end', f.proname, other));
                        end if;
                    end loop;
                end loop;
            end $$""";

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"plain", "keep_latest", "append"})
    void operators_and_functions_of_others_are_never_called(String mode) throws Exception {
        try (Orders orders = new Orders(", primary key (customer, created_at)) partition by range (created_at)")) {
            orders.source(
                    "drop table orders",
                    "create table orders (id bigint, customer varchar(20), amount numeric(10,2), note text, created_at timestamp"
                            + " not null, status text, primary key (customer))",
                    "create trigger orders_queue after insert or update or delete on orders for each row execute function"
                            + " pgq.logutriga('orders', 'backup')");
            orders.target("alter table orders alter customer type varchar(20)", PLANT);
            try (Job job = Job.dispatch(
                    orders,
                    Map.of("dispatch.rowMode", mode, "dispatch.eventTypes", mode.equals("append") ? "I" : ""))) {
                ShippedRoutesTest.awaitRegistered(orders);
                for (int i = 0; i < 3; i++) {
                    orders.source(
                            "insert into orders select i, 'c' || i, i, 'x', timestamp '2026-10-01' + i * interval '1 hour', 'new'"
                                    + " from generate_series(" + (i * 100) + ", " + (i * 100 + 99) + ") i");
                    if (!mode.equals("append")) {
                        orders.source(
                                // keep_latest leaves a row behind in the partition that it moves out of
                                "update orders set note = null"
                                        + (mode.equals("plain") ? ", created_at = created_at + interval '1 day'" : "")
                                        + " where id % 7 = 0",
                                "delete from orders where id % 5 = 0");
                    }
                    orders.tick();
                    long tick = orders.count(orders.source, "select max(tick_id) from pgq.tick");
                    await().atMost(Duration.ofSeconds(30)).until(() -> {
                        assertThat(orders.column(orders.target, "select what || ': ' || query from planted"))
                                .isEmpty();
                        return CutConnectionsTest.applied(orders) == tick;
                    });
                }
                orders.assertTargetEqualsSource();
            }
        }
    }

    @Test
    void keys_are_one_by_the_operator_of_their_type() throws Exception {
        try (Orders orders = new Orders()) {
            citext(orders, "source");
            citext(orders, "target");
            try (Job job = Job.dispatch(orders, Map.of("dispatch.rowMode", "plain", "dispatch.eventTypes", ""))) {
                ShippedRoutesTest.awaitRegistered(orders);
                orders.source("insert into orders values (1, 'Abc', 1, 'x', '2026-10-01', 'new')");
                orders.tick();
                orders.source("update orders set customer = 'ABC', status = 'paid'");
                orders.tick();
                await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
                orders.source("delete from orders");
                orders.tick();
                await().atMost(Duration.ofSeconds(30)).untilAsserted(orders::assertTargetEqualsSource);
            }
        }
    }

    /** A key of citext, in a schema that no search path has. */
    private static void citext(Orders orders, String side) throws SQLException {
        String[] statements = {
            "create schema ext",
            "create extension citext schema ext",
            "drop table orders",
            "create table orders (id bigint, customer ext.citext, amount numeric(10,2), note text, created_at timestamp not null,"
                    + " status text, primary key (customer"
                    + (side.equals("source") ? "))" : ", created_at)) partition by range (created_at)")
        };
        if (side.equals("source")) {
            orders.source(statements);
            orders.source(
                    "create trigger orders_queue after insert or update or delete on orders for each row execute function"
                            + " pgq.logutriga('orders', 'backup')");
        } else {
            orders.target(statements);
        }
    }
}
