package io.pgcaravan.camel;

import io.pgcaravan.queue.OpenBatch;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.postgresql.PGConnection;

/**
 * Runs the inserts that {@link Inserts} wrote on a thread of its own, in the batch's transaction, while the route works on
 * the next chunk. Whatever else a step asks of its connection waits for them and meets their failure; so does the batch's
 * commit. Statements of the consumer and of other steps on the connection itself wait for the one that runs, as pgjdbc has
 * it, and do not depend on the order.
 */
final class InsertWriter implements OpenBatch.Participant {

    /** How long the thread waits for more before it ends, milliseconds. */
    private static final long LINGER = 100;

    /** How long a statement may go on when the batch is given up before it is cancelled, milliseconds. */
    private static final long PATIENCE = 200;

    private final Connection target;
    private final Map<String, Integer> expected = new HashMap<>();

    private final Object lock = new Object();
    private final Deque<PreparedStatement> waiting = new ArrayDeque<>();
    private Thread thread;
    private boolean busy;
    private SQLException failure;

    InsertWriter(Connection target) {
        this.target = target;
    }

    /** Says that a step will prepare this statement, to insert so many rows with one execution. */
    void expect(String statement, int rows) {
        expected.put(statement, rows);
    }

    /** The rows of an expected statement, which is not expected any more; null for any other. */
    Integer expected(String statement) {
        return expected.remove(statement);
    }

    /** Takes over a statement whose parameters are set: it is executed as a batch and closed. */
    void submit(PreparedStatement statement) throws SQLException {
        synchronized (lock) {
            if (failure != null) {
                throw failure;
            }
            waiting.add(statement);
            if (thread == null) {
                thread = new Thread(
                        this::write, "caravan-insert-" + Thread.currentThread().getName());
                thread.setDaemon(true);
                thread.start();
            }
            lock.notifyAll();
        }
    }

    /** Waits until all that was submitted is done. */
    void await() throws SQLException {
        synchronized (lock) {
            while (busy || !waiting.isEmpty()) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new SQLException("interrupted while rows were on their way to the target", "57014", e);
                }
            }
            if (failure != null) {
                throw failure;
            }
        }
    }

    @Override
    public void flush() throws SQLException {
        await();
        expected.clear();
    }

    @Override
    public SQLException failure() {
        synchronized (lock) {
            return failure;
        }
    }

    @Override
    public void rolledBack() {
        expected.clear();
        boolean interrupted = false;
        boolean asked = false;
        synchronized (lock) {
            waiting.clear();
            while (busy) {
                try {
                    lock.wait(asked ? 0 : PATIENCE);
                    if (busy && !asked) {
                        asked = true;
                        // it may wait for a lock at the server
                        target.unwrap(PGConnection.class).cancelQuery();
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (SQLException e) {
                    // the connection is gone, and its statement with it
                    asked = true;
                }
            }
            failure = null;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void write() {
        while (true) {
            PreparedStatement next;
            synchronized (lock) {
                if (waiting.isEmpty()) {
                    try {
                        lock.wait(LINGER);
                    } catch (InterruptedException e) {
                        // nobody has a reason to interrupt this thread
                        continue;
                    }
                    if (waiting.isEmpty()) {
                        thread = null;
                        return;
                    }
                }
                next = waiting.poll();
                busy = true;
            }
            SQLException failed = null;
            try (PreparedStatement statement = next) {
                statement.executeBatch();
            } catch (BatchUpdateException e) {
                // what is around the reason holds all of the rows
                failed = e.getNextException() == null ? e : e.getNextException();
            } catch (SQLException e) {
                failed = e;
            } catch (RuntimeException | Error e) {
                failed = new SQLException("cannot insert rows: " + e, e);
            }
            synchronized (lock) {
                busy = false;
                if (failed != null) {
                    failure = failed;
                    waiting.clear();
                }
                lock.notifyAll();
            }
        }
    }
}
