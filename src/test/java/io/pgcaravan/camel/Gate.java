package io.pgcaravan.camel;

import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/** A check constraint on the target that makes a COPY wait at one row for as long as a test wants. */
final class Gate implements AutoCloseable {

    private static final int LOCK = 20_261;

    private final Orders orders;
    private final Connection connection;

    private Gate(Orders orders) throws SQLException {
        this.orders = orders;
        this.connection = DriverManager.getConnection(orders.targetUrl);
        execute("select pg_advisory_lock(" + LOCK + ")");
    }

    /** The function {@code passes(id)} for a table's check. */
    static void install(Connection target) throws SQLException {
        try (Statement statement = target.createStatement()) {
            statement.execute("""
                    create function passes(id bigint) returns boolean language plpgsql as $$
                    begin
                        if id %% 1000 = 500 then
                            perform pg_advisory_xact_lock_shared(%d);
                        end if;
                        return true;
                    end $$""".formatted(LOCK));
        }
    }

    static Gate closed(Orders orders) throws SQLException {
        return new Gate(orders);
    }

    void awaitArrival() {
        await().atMost(Duration.ofSeconds(60))
                .until(() -> orders.count(
                                orders.target,
                                "select count(*) from pg_locks where locktype = 'advisory' and objid = " + LOCK
                                        + " and not granted and database = (select oid from pg_database where datname ="
                                        + " current_database())")
                        > 0);
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Opens it. */
    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
