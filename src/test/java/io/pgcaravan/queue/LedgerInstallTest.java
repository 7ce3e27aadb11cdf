package io.pgcaravan.queue;

import static io.pgcaravan.PgServer.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
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
