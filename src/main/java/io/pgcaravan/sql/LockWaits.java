package io.pgcaravan.sql;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * How long work beside the batches waits for a lock. Whoever waits for a strong lock holds up everybody that comes after,
 * so it gives up soon and tries again.
 */
public final class LockWaits {

    /** For locks that readers or writers would queue behind. */
    private static final String BRIEF = "500ms";

    /** For DETACH CONCURRENTLY, which waits for others without being in anybody's way. */
    public static final String PATIENT = "3s";

    /** Pauses between tries, milliseconds. */
    private static final long[] PAUSES = {500, 1500};

    private LockWaits() {}

    /** Something that a lock of somebody else may forbid for now. */
    @FunctionalInterface
    public interface Work {
        void run() throws SQLException;
    }

    /** Does it, and again where a lock was not to be had or a deadlock was met: three times in all. */
    public static void retrying(Work work) throws SQLException {
        for (int pause = 0; ; pause++) {
            try {
                work.run();
                return;
            } catch (SQLException e) {
                if (pause == PAUSES.length || !passes(e)) {
                    throw e;
                }
            }
            try {
                Thread.sleep(PAUSES[pause]);
            } catch (InterruptedException stop) {
                Thread.currentThread().interrupt();
                throw new SQLException("stopped while waiting for a lock", "57014", stop);
            }
        }
    }

    /** Does it in a transaction whose statements wait for locks {@link #BRIEF briefly}. */
    public static void inTransaction(Connection target, Work work) throws SQLException {
        target.setAutoCommit(false);
        try {
            try (Statement statement = target.createStatement()) {
                statement.execute("set local lock_timeout = '" + BRIEF + "'");
            }
            work.run();
            target.commit();
        } catch (SQLException e) {
            target.rollback();
            throw e;
        } finally {
            target.setAutoCommit(true);
        }
    }

    /** Whether it is a lock that was not to be had, or a deadlock. */
    public static boolean passes(SQLException e) {
        return "55P03".equals(e.getSQLState()) || "40P01".equals(e.getSQLState());
    }
}
