package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.server.ThrowAwayServer;
import io.pgcaravan.sql.Query;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No setting of a session, and no server that is slow, silent or read-only, stops a job for good or in silence. */
class SessionTest {

    private static final String LOAD = "- to: # rows -> their partitions, by COPY";

    /** A user's step during which the target's session is idle in transaction. */
    public static final class Slow implements Processor {

        @Override
        public void process(Exchange exchange) throws InterruptedException {
            Thread.sleep(800);
        }
    }

    @TempDir
    Path directory;

    private static String sql(String id, String sql) {
        return "- to:\n    id: " + id + "\n    uri: \"sql:" + sql
                + "\"\n    parameters:\n      dataSource: \"#targetDb\"\n      noop: true\n";
    }

    @Test
    void what_a_step_changes_in_the_session_ends_with_the_batch() throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("exceptionSleep", 500)
                .before(
                        LOAD,
                        sql(
                                        "seen",
                                        "insert into public.seen select concat(current_setting('search_path'), '/',"
                                                + " current_setting('transaction_isolation'))")
                                + sql("one", "set session characteristics as transaction read only")
                                + sql("two", "select set_config('search_path', 'nowhere', false)")
                                + sql("three", "set lock_timeout = '1h'"))
                .in(directory);
        try (Orders orders = new Orders()) {
            orders.target(
                    "create table seen (path text)",
                    "do $$ begin execute format('alter database %I set default_transaction_isolation = ''serializable'' ',"
                            + " current_database()); end $$");
            try (Job job = new Job(orders, Map.of(), file)) {
                ShippedRoutesTest.awaitRegistered(orders);
                for (int i = 0; i < 3; i++) {
                    orders.insert(i * 10 + 1, i * 10 + 10);
                    orders.tick();
                    await().atMost(Duration.ofSeconds(20)).untilAsserted(orders::assertTargetEqualsSource);
                }
            }
            assertThat(orders.column(orders.target, "select distinct path from seen"))
                    .containsExactly("\"$user\", public/read committed");
        }
    }

    @Test
    void time_outs_of_roles_and_databases_are_not_the_jobs() throws Exception {
        Path file = RouteFile.dispatch()
                .consuming("exceptionSleep", 500)
                .before(LOAD, "- process:\n    ref: \"#class:io.pgcaravan.camel.SessionTest$Slow\"\n")
                .in(directory);
        try (Orders orders = new Orders()) {
            orders.source("do $$ begin execute format('alter database %I set statement_timeout = ''100ms''',"
                    + " current_database()); end $$");
            orders.target("do $$ begin execute format('alter database %I set idle_in_transaction_session_timeout ="
                    + " ''200ms''', current_database()); end $$");
            try (Job job = new Job(orders, Map.of(), file)) {
                ShippedRoutesTest.awaitRegistered(orders);
                orders.insert(1, 40_000);
                orders.tick();
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            }
        }
    }

    @Test
    void a_target_that_becomes_read_only_is_left_for_the_one_that_takes_writes() throws Exception {
        try (Orders orders = new Orders();
                ThrowAwayServer first = PgServer.another()) {
            String name = orders.target.getCatalog();
            String url = first.createDatabase("target");
            try (Connection server = DriverManager.getConnection(url)) {
                Query.execute(server, "create database " + name);
            }
            String firstUrl = url.replace("/target", "/" + name);
            try (Connection target = DriverManager.getConnection(firstUrl)) {
                Query.execute(
                        target,
                        "create table orders " + Orders.TABLE
                                + ", primary key (id, created_at)) partition by range (created_at)");
                String both = hosts(firstUrl) + "," + hosts(orders.targetUrl);
                Matcher password = Pattern.compile("password=([^&]*)").matcher(orders.targetUrl);
                if (password.find()) {
                    Query.execute(target, "alter role current_user password '" + password.group(1) + "'");
                }
                String targets = orders.targetUrl.replaceFirst("jdbc:", "").replace(hosts(orders.targetUrl), both)
                        + (orders.targetUrl.contains("?") ? "&" : "?") + "target_session_attrs=read-write";
                try (Job job = new Job(orders.sourceUrl, targets, Map.of(), null, quick())) {
                    ShippedRoutesTest.awaitRegistered(orders);
                    orders.insert(1, 100);
                    orders.tick();
                    await().atMost(Duration.ofSeconds(60))
                            .until(() -> orders.count(target, "select count(*) from orders") == 100);
                    // what a failover brings along
                    orders.target("create table kept (tick bigint)");
                    new io.pgcaravan.batch.Consumers(new io.pgcaravan.queue.Pgq("pgq"), "orders", "test")
                            .reset(orders.source, orders.target);
                    Query.execute(
                            target, "alter system set default_transaction_read_only = on", "select pg_reload_conf()");
                    orders.insert(101, 200);
                    orders.tick();
                    await().atMost(Duration.ofSeconds(60))
                            .until(() -> orders.count(orders.target, "select count(*) from orders") == 100);
                }
            }
        }
    }

    private static String hosts(String url) {
        Matcher hosts = Pattern.compile("jdbc:postgresql://([^/]*)/").matcher(url);
        assertThat(hosts.find()).isTrue();
        return hosts.group(1);
    }

    private Path quick() throws Exception {
        return RouteFile.dispatch()
                .consuming("exceptionSleep", 500)
                .consuming("answerTimeout", 6000)
                .in(directory);
    }

    @Test
    void a_wait_for_a_lock_is_told() throws Exception {
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(orders, Map.of(), quick());
                Connection other = DriverManager.getConnection(orders.targetUrl)) {
            ShippedRoutesTest.awaitRegistered(orders);
            other.setAutoCommit(false);
            Query.execute(other, "lock table orders");
            orders.insert(1, 10);
            orders.tick();
            int holder = other.unwrap(org.postgresql.PGConnection.class).getBackendPID();
            log.await("for a lock that session " + holder + " holds");
            assertThat(AvailabilityTest.down(job)).contains("for a lock that session " + holder + " holds");
            other.rollback();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> AvailabilityTest.down(job).isEmpty());
        }
    }

    @Test
    void a_source_that_does_not_answer_is_told_and_left() throws Exception {
        silent("source");
    }

    @Test
    void a_target_that_does_not_answer_is_told_and_left() throws Exception {
        silent("target");
    }

    @Test
    void a_silent_session_is_ended_at_the_server() throws Exception {
        try (Orders orders = new Orders();
                Connection silent = DriverManager.getConnection(orders.targetUrl)) {
            orders.target("create table held (n int)");
            silent.setAutoCommit(false);
            silent.createStatement().execute("lock table held");
            await().atMost(Duration.ofSeconds(30)).ignoreExceptions().untilAsserted(() -> {
                Connections.terminate(orders.target, Connections.pid(silent));
                orders.target("set lock_timeout = '1s'", "insert into held values (1)");
            });
        }
    }

    private void silent(String side) throws Exception {
        try (Orders orders = new Orders();
                LogLines log = LogLines.of(PgqConsumer.class);
                Job job = new Job(orders, Map.of(), quick())) {
            ShippedRoutesTest.awaitRegistered(orders);
            Connection connection = side.equals("source") ? orders.source : orders.target;
            String pid = String.valueOf(orders.value(
                    connection,
                    "select pid from pg_stat_activity where datname = current_database() and application_name ="
                            + " 'pgcaravan' and query !~ 'pg_stat_activity' order by backend_start limit 1"));
            orders.insert(1, 10);
            signal("STOP", pid);
            try {
                orders.tick();
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> AvailabilityTest.down(job).contains("no progress"));
                log.await("did not answer for 6 s (answerTimeout)");
            } finally {
                signal("CONT", pid);
            }
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> AvailabilityTest.down(job).isEmpty());
        }
    }

    private static void signal(String name, String pid) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + name, pid)
                        .inheritIO()
                        .start()
                        .waitFor())
                .isZero();
    }
}
