package io.pgcaravan.batch;

import io.pgcaravan.sql.OwnTables;
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
            insert into caravan.job as j (consumer, queue, error, sqlstate, since, at, tries)
            select ?, ?, ?, ?, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp(), 1
            where ? or pg_catalog.pg_try_advisory_xact_lock(%s)
            on conflict (consumer) do update
                set queue = excluded.queue, error = excluded.error, sqlstate = excluded.sqlstate,
                    since = coalesce(j.since, excluded.since), at = excluded.at,
                    tries = coalesce(j.tries, 0) operator(pg_catalog.+) 1""".formatted(Ledger.LOCK);

    private static final String CLEAR = """
            insert into caravan.job as j (consumer, queue) values (?, ?)
            on conflict (consumer) do update
                set queue = excluded.queue, error = null, sqlstate = null, since = null, at = null, tries = null
                where j.error is not null""";

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
    public static void clear(Connection target, String queue, String consumer) throws SQLException {
        if (!OwnTables.exists(target, NAME)) {
            return;
        }
        try (PreparedStatement statement = target.prepareStatement(CLEAR)) {
            statement.setString(1, consumer);
            statement.setString(2, queue);
            statement.executeUpdate();
        }
    }
}
