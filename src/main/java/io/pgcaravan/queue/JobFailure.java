package io.pgcaravan.queue;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/**
 * The table {@code caravan.job} on the target: the last error of a job that fails at every try, for those who look at the
 * database when the application is down or elsewhere. All calls are for the connection's open transaction.
 */
public final class JobFailure {

    private static final String NAME = "caravan.job";

    private static final String RECORD = """
            insert into caravan.job as j (consumer, queue, error, sqlstate)
            select ?, ?, ?, ?
            where ? or pg_catalog.pg_try_advisory_xact_lock(%s)
            on conflict (consumer) do update
                set queue = excluded.queue, error = excluded.error, sqlstate = excluded.sqlstate,
                    at = pg_catalog.clock_timestamp(), tries = j.tries operator(pg_catalog.+) 1""".formatted(Ledger.LOCK);

    private JobFailure() {}

    /**
     * Records an error, unless another process runs the job.
     *
     * @param sqlState null for none
     * @param runs whether this process runs the job, or at least no other one can be told apart by its lock
     */
    public static void record(
            Connection target, String queue, String consumer, String error, String sqlState, boolean runs)
            throws SQLException {
        if (!OwnTables.exists(target, NAME)) {
            return;
        }
        try (PreparedStatement statement = target.prepareStatement(RECORD)) {
            statement.setString(1, consumer);
            statement.setString(2, queue);
            // no text of PostgreSQL's holds a zero byte
            statement.setString(3, error.replace("\0", ""));
            statement.setString(4, sqlState);
            statement.setBoolean(5, runs);
            statement.setString(6, consumer);
            statement.executeUpdate();
        }
    }

    /** Forgets the error of a job that works. */
    public static void clear(Connection target, String consumer) throws SQLException {
        if (!OwnTables.exists(target, NAME)) {
            return;
        }
        try (PreparedStatement statement =
                target.prepareStatement("delete from caravan.job where consumer operator(pg_catalog.=) ?")) {
            statement.setString(1, consumer);
            statement.executeUpdate();
        }
    }
}
