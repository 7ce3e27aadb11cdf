package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import io.pgcaravan.sql.Query;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

/** {@code caravan queue} on a real PgQ. */
class QueueCommandTest {

    private String url;
    private Connection source;

    @BeforeEach
    void connect() throws SQLException {
        url = PgServer.get().createDatabaseWithPgq("queues");
        source = DriverManager.getConnection(url);
    }

    @AfterEach
    void disconnect() throws SQLException {
        source.close();
    }

    @Test
    void create_makes_a_queue_once_and_sets_what_is_given() throws SQLException {
        assertThat(queue("create", "shop", "--max-lag", "100 ms", "--max-count", "50"))
                .satisfies(run -> {
                    assertThat(run.status()).as(run.err()).isZero();
                    assertThat(run.out())
                            .contains("queue \"shop\" made", "max-lag is now 100 ms", "next: ")
                            .contains("function logutriga writes values alike for all sessions from now on");
                });
        assertThat(value("select array_to_string(proconfig, ';') from pg_proc where proname = 'logutriga'"))
                .contains("DateStyle=ISO, YMD", "IntervalStyle=postgres", "extra_float_digits=1", "lc_monetary=C");
        assertThat(value("select queue_ticker_max_lag || ' ' || queue_ticker_max_count from pgq.queue"))
                .isEqualTo("00:00:00.1 50");
        assertThat(queue("create", "shop", "--rotation", "1 hour")).satisfies(run -> {
            assertThat(run.status()).isZero();
            assertThat(run.out()).contains("was there already", "rotation is now 1 hour");
        });
        assertThat(value("select queue_ticker_max_lag || ' ' || queue_rotation_period from pgq.queue"))
                .isEqualTo("00:00:00.1 01:00:00");
    }

    @Test
    void a_setting_that_makes_no_sense_changes_nothing() throws SQLException {
        CommandRun run = queue("create", "shop", "--idle-period", "soon");
        assertThat(run.status()).isEqualTo(2);
        assertThat(run.err()).contains("--idle-period: invalid value \"soon\"; expected an interval");
        assertThat(run.out()).isEmpty();
        assertThat(value("select count(*) from pgq.queue")).isEqualTo("0");
    }

    @Test
    void a_table_with_an_unusual_name_feeds_its_queue() throws SQLException {
        execute("create schema \"My Shop\"", "create table \"My Shop\".\"it's\"\"1\" (id int primary key, note text)");
        CommandRun run = queue("create", "it's \\ a queue", "--table", "My Shop.it's\"1", "--backup");
        assertThat(run.status()).as(run.err()).isZero();
        execute(
                "insert into \"My Shop\".\"it's\"\"1\" values (1, 'a')",
                "update \"My Shop\".\"it's\"\"1\" set note = 'b'",
                "truncate \"My Shop\".\"it's\"\"1\"");
        // PgQ before 3.5 has an insert's row there as well
        assertThat(value("select string_agg(ev_type || ' ' || ev_data || ' ' || case when ev_type like 'U%' then"
                        + " ev_extra2 else '' end, ', ' order by ev_id) from pgq.event_1"))
                .isEqualTo("I:id id=1&note=a , U:id id=1&note=b id=1&note=a, R  ");
        assertThat(queue("create", "it's \\ a queue", "--table", "My Shop.it's\"1")
                        .out())
                .contains("feeds it already");
    }

    @Test
    void a_table_without_a_key_and_one_that_is_missing_are_told() throws SQLException {
        execute("create table loose (a int)");
        assertThat(queue("create", "shop", "--table", "loose").out()).contains("public.loose has no primary key");
        CommandRun run = queue("create", "other", "--table", "public.nothing");
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.err()).contains("there is no table \"public\".\"nothing\"");
        assertThat(value("select count(*) from pgq.queue")).isEqualTo("1");
    }

    @Test
    void drop_refuses_what_is_in_use() throws SQLException {
        execute("create table orders (id int primary key)");
        queue("create", "shop", "--table", "public.orders");
        execute("select pgq.register_consumer('shop', 'first')", "select pgq.register_consumer('shop', 'second')");
        CommandRun refused = queue("drop", "shop");
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).contains("\"first\", \"second\"", "public.orders", "--force");
        CommandRun forced = queue("drop", "shop", "--force");
        assertThat(forced.status()).as(forced.err()).isZero();
        execute("insert into orders values (1)");
        assertThat(value("select count(*) from pgq.queue")).isEqualTo("0");
        assertThat(queue("drop", "shop").err()).contains("there is no queue \"shop\"");
    }

    @Test
    void list_shows_queues_and_consumers() throws SQLException {
        assertThat(queue("list").out()).contains("there are no queues");
        queue("create", "shop");
        queue("create", "empty");
        execute(
                "select pgq.register_consumer('shop', 'first')",
                "select pgq.register_consumer('shop', 'second')",
                "select pgq.insert_event('shop', 'x', '') from generate_series(1, 7)");
        queue("tick", "shop");
        String list = queue("list").out();
        assertThat(list.lines().toList()).hasSize(4);
        assertThat(list).containsPattern("QUEUE +EVENTS/S").containsPattern("shop .* 1 of 3 +first .*\\d");
        assertThat(list).containsPattern("(?m)^ +second ");
    }

    @Test
    void tick_closes_a_batch_and_wakes_who_waits() throws SQLException {
        queue("create", "shop");
        queue("create", "still");
        queue("create", "paused");
        execute("listen pgcaravan_tick", "select pgq.set_queue_config('paused', 'ticker_paused', 'true')");
        assertThat(queue("tick", "shop").out()).contains("queue \"shop\": tick 2");
        assertThat(source.unwrap(PGConnection.class).getNotifications(5000))
                .singleElement()
                .satisfies(told -> assertThat(told.getParameter()).isEqualTo("shop"));
        assertThat(queue("tick").out())
                .contains("\"shop\": tick 3", "\"still\": tick 2")
                .doesNotContain("paused");
        assertThat(queue("tick", "paused")).satisfies(run -> {
            assertThat(run.status()).isEqualTo(1);
            assertThat(run.err()).contains("is paused");
        });
        assertThat(queue("tick", "nothing").err()).contains("there is no queue \"nothing\"");
    }

    @Test
    void a_database_without_pgq_is_told_how_to_get_it() throws SQLException {
        CommandRun run = CommandRun.of("queue", "list", "--db", PgServer.get().createDatabase("without_pgq"));
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err()).contains("there is no PgQ", "create extension pgq");
    }

    @Test
    void bad_usage_is_status_2_and_a_database_that_is_away_status_1() {
        assertThat(CommandRun.of("queue", "list", "--db", "nonsense").status()).isEqualTo(2);
        assertThat(queue("list", "--schema", "a b").status()).isEqualTo(2);
        assertThat(CommandRun.of("queue").status()).isEqualTo(2);
        CommandRun away = CommandRun.of("queue", "list", "--db", "host=127.0.0.1 port=1 dbname=x user=y");
        assertThat(away.status()).isEqualTo(1);
        assertThat(away.err().lines()).hasSize(1);
        assertThat(away.err()).contains("cannot be reached");
    }

    private CommandRun queue(String... args) {
        String[] all = new String[args.length + 3];
        all[0] = "queue";
        System.arraycopy(args, 0, all, 1, args.length);
        all[args.length + 1] = "--db";
        all[args.length + 2] = url;
        return CommandRun.of(all);
    }

    private void execute(String... statements) throws SQLException {
        Query.execute(source, statements);
    }

    private String value(String query) throws SQLException {
        return PgServer.value(source, query);
    }
}
