package io.pgcaravan.batch;

import static io.pgcaravan.PgServer.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.queue.Source;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** The ledger is there for everybody who asks for it. */
class LedgerInstallTest {

    private static final Source SOURCE = new Source("1", "shop", "UTF8");

    /** Two jobs that start on a new target: the second waits, and must see what it had just found missing. */
    @Test
    void installed_by_another_process_while_waiting_for_it_is_found() throws Exception {
        String url = PgServer.get().createDatabase("ledger_target");
        try (Connection other = DriverManager.getConnection(url);
                Connection ours = DriverManager.getConnection(url)) {
            lookAround(ours);
            other.setAutoCommit(false);
            Ledger.tryOut(other, "first", SOURCE);
            CompletableFuture<Ledger> opened = CompletableFuture.supplyAsync(() -> {
                try {
                    return Ledger.open(ours, "second", SOURCE);
                } catch (SQLException e) {
                    throw new CompletionException(e);
                }
            });
            await().atMost(Duration.ofSeconds(60)).until(() -> value(
                            other,
                            "select count(*) from pg_locks where locktype = 'advisory' and not granted"
                                    + " and database = (select oid from pg_database where datname = current_database())")
                    .equals("1"));
            other.commit();
            assertThat(opened.get()).isNotNull();
            assertThat(Ledger.isComplete(ours)).isTrue();
        }
    }

    /** A ledger of the time before jobs kept their errors there. */
    @Test
    void what_an_earlier_version_lacked_is_added_and_its_rows_stay() throws Exception {
        String url = PgServer.get().createDatabase("ledger_target");
        try (Connection target = DriverManager.getConnection(url)) {
            earlier(target);
            assertThat(Ledger.open(target, "test", SOURCE)
                            .applied(target, "orders")
                            .tick())
                    .isEqualTo(7);
            assertThat(OwnTables.exists(target, "caravan.job")).isTrue();
        }
    }

    /** A job's role may lack the right to make tables in the schema: then the job works without the new one. */
    @Test
    void a_role_that_may_not_add_it_works_without() throws Exception {
        String url = PgServer.get().createDatabase("ledger_target");
        String role = "job_" + System.nanoTime();
        try (Connection target = DriverManager.getConnection(url)) {
            earlier(target);
            Query.execute(
                    target,
                    "create role " + role,
                    "grant usage on schema caravan, pgq_ext to " + role,
                    "grant all on all tables in schema caravan, pgq_ext to " + role,
                    "set role " + role);
            try {
                assertThat(Ledger.open(target, "test", SOURCE)
                                .applied(target, "orders")
                                .tick())
                        .isEqualTo(7);
                JobFailure.record(target, "orders", "test", "no such day", null, true);
                JobFailure.clear(target, "orders", "test");
            } finally {
                Query.execute(target, "reset role", "drop owned by " + role, "drop role " + role);
            }
        }
    }

    private static void earlier(Connection target) throws SQLException {
        Query.execute(
                target,
                "create schema caravan",
                Sql.file("target/pgq_ext"),
                Sql.file("target/caravan.position"),
                Sql.file("target/caravan.dead_letter"),
                Sql.file("target/caravan.partition"),
                "select pgq_ext.set_last_tick('test', 7)",
                "insert into caravan.position (consumer, queue, source_system, source_database, tick, tick_time, event_seq,"
                        + " rows) values ('test', 'orders', '1', 'shop', 7, now(), 3, 3)");
    }

    /** A session that has done all this before asks its caches, which need not know of others' commits yet. */
    private static void lookAround(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        for (int i = 0; i < 10; i++) {
            Ledger.tryOut(connection, "second", SOURCE);
            connection.rollback();
            Ledger.isComplete(connection);
            connection.rollback();
        }
        connection.setAutoCommit(true);
    }
}
