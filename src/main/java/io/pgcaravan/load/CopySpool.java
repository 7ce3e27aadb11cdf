package io.pgcaravan.load;

import io.pgcaravan.load.HeldRows.Full;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.function.LongConsumer;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Rows on their way into many tables, within a limit of memory: the largest buffers are written out when it is reached.
 * A thread of its own streams them to the target while the caller encodes the next rows.
 *
 * <p>Other statements may use the connection meanwhile: pgjdbc lets them wait for the end of a COPY that is under way
 * ({@code QueryExecutorImpl.waitOnLock}), and a COPY here never waits for anything but the server, since its rows are
 * complete before it starts.
 */
final class CopySpool {

    /** Large enough that a COPY's own cost (about 0.2 ms) does not show. */
    private static final int WORTH_A_COPY = 128 * 1024;

    /** Sent at a time; the server handles a message as a whole. */
    private static final int PIECE = 64 * 1024;

    private final Connection target;
    private final long limit;
    private final List<HeldRows> held = new ArrayList<>();
    private long heldBytes;

    private final Object lock = new Object();
    private final Deque<Full> handedOver = new ArrayDeque<>();
    private Thread writer;
    private boolean closing;
    private SQLException failure;
    private volatile long handedBytes;
    private volatile boolean cancelled;
    private long written;
    private long missing;

    /** @param limit bytes that may be held back and under way together */
    CopySpool(Connection target, long limit) {
        this.target = target;
        this.limit = limit;
    }

    /** A limit that suits the heap: an eighth of it, at most 32 MB. */
    static long limitOfHeap() {
        return Math.min(32L << 20, Runtime.getRuntime().maxMemory() / 8);
    }

    /**
     * Notes that rows grew.
     *
     * @param capacityBefore {@link HeldRows#capacity} before the row was encoded
     */
    void grown(HeldRows rows, int capacityBefore) throws SQLException {
        if (!rows.listed) {
            rows.listed = true;
            held.add(rows);
        }
        int more = rows.capacity() - capacityBefore;
        if (more != 0) {
            heldBytes += more;
            if (heldBytes + handedBytes > limit) {
                makeRoom();
            }
        }
        if (rows.length() >= limit / 4) {
            handOver(rows);
            held.removeIf(one -> !one.listed);
        }
    }

    /** Keeps the writer busy: hands over what is worth a COPY while it has nothing to do. */
    void feed() throws SQLException {
        check();
        if (handedBytes == 0 && heldBytes > WORTH_A_COPY) {
            handOverLargest(limit / 4, WORTH_A_COPY);
        }
    }

    private void makeRoom() throws SQLException {
        check();
        handOverLargest(limit / 2, 1);
        synchronized (lock) {
            while (heldBytes + handedBytes > limit && handedBytes > 0 && failure == null) {
                await();
            }
        }
        check();
    }

    /** Hands over buffers of at least {@code least} bytes until {@code enough} bytes are under way. */
    private void handOverLargest(long enough, int least) {
        held.sort(Comparator.comparingInt(HeldRows::length).reversed());
        for (HeldRows rows : held) {
            if (handedBytes >= enough || rows.length() < least) {
                break;
            }
            handOver(rows);
        }
        held.removeIf(rows -> !rows.listed);
    }

    private void handOver(HeldRows rows) {
        heldBytes -= rows.capacity();
        rows.listed = false;
        Full full = rows.take();
        synchronized (lock) {
            handedOver.add(full);
            handedBytes += full.capacity();
            if (writer == null) {
                closing = false;
                writer = new Thread(
                        this::write, "caravan-copy-" + Thread.currentThread().getName());
                writer.setDaemon(true);
                writer.start();
            }
            lock.notifyAll();
        }
    }

    /**
     * Writes everything out and waits for it; the thread has ended then.
     *
     * @param refused gets the number of rows that the target did not take, where there are any
     * @return rows written since the last flush; staged ones do not count
     */
    long flush(LongConsumer refused) throws SQLException {
        endWriter();
        check();
        try {
            for (HeldRows rows : held) {
                rows.listed = false;
                if (rows.length() > 0) {
                    copy(rows.take());
                }
            }
        } finally {
            forgetHeld();
        }
        long rows = written;
        written = 0;
        if (missing > 0) {
            refused.accept(missing);
            missing = 0;
        }
        return rows;
    }

    /** Forgets what was not handed over yet, and waits for the rest. */
    void discard() throws SQLException {
        endWriter();
        check();
        forgetHeld();
    }

    /** Stops a COPY under way and forgets everything. Other threads leave the connection alone when this returns. */
    void cancel() {
        cancelled = true;
        Thread running = writer;
        if (running != null) {
            synchronized (lock) {
                handedOver.clear();
                closing = true;
                lock.notifyAll();
            }
            joinCancelled(running);
        }
        synchronized (lock) {
            writer = null;
            handedOver.clear();
            handedBytes = 0;
            failure = null;
        }
        cancelled = false;
        written = 0;
        missing = 0;
        forgetHeld();
    }

    /** The error that ended the transaction while the caller was elsewhere, or null. */
    SQLException failure() {
        synchronized (lock) {
            return failure;
        }
    }

    void check() throws SQLException {
        synchronized (lock) {
            if (failure != null) {
                throw failure;
            }
        }
    }

    private void forgetHeld() {
        for (HeldRows rows : held) {
            rows.drop();
            rows.listed = false;
        }
        held.clear();
        heldBytes = 0;
    }

    private void joinCancelled(Thread running) {
        boolean interrupted = false;
        boolean asked = false;
        while (running.isAlive()) {
            try {
                running.join(asked ? 0 : 200);
                if (running.isAlive() && !asked) {
                    asked = true;
                    // it may wait for a lock at the server
                    target.unwrap(PGConnection.class).cancelQuery();
                }
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (SQLException e) {
                // the connection is gone, and so will be the thread
                asked = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void endWriter() throws SQLException {
        synchronized (lock) {
            closing = true;
            lock.notifyAll();
            while (writer != null) {
                await();
            }
        }
    }

    private void await() throws SQLException {
        try {
            lock.wait(1000);
            if (writer != null && !writer.isAlive()) {
                // out of memory even for telling so
                writer = null;
                handedBytes = 0;
                failure = failure == null
                        ? new SQLException("the thread that loads rows ended", "XX000", new InternalError())
                        : failure;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLException("interrupted while rows were on their way to the target", "57014", e);
        }
    }

    private void write() {
        while (true) {
            Full next;
            synchronized (lock) {
                while (handedOver.isEmpty() && !closing) {
                    try {
                        lock.wait();
                    } catch (InterruptedException e) {
                        // nobody but cancel() ends this thread, and it does not interrupt
                        continue;
                    }
                }
                next = handedOver.poll();
                if (next == null || failure != null) {
                    writer = null;
                    handedOver.clear();
                    handedBytes = 0;
                    lock.notifyAll();
                    return;
                }
            }
            SQLException failed = null;
            try {
                copy(next);
            } catch (SQLException e) {
                failed = e;
            } catch (RuntimeException | Error e) {
                failed = new SQLException("cannot load rows into table " + next.table() + ": " + e, e);
            }
            synchronized (lock) {
                handedBytes -= next.capacity();
                if (failed != null && failure == null) {
                    failure = failed;
                }
                lock.notifyAll();
            }
        }
    }

    private void copy(Full full) throws SQLException {
        try {
            CopyIn in = target.unwrap(PGConnection.class).getCopyAPI().copyIn(full.copy());
            try {
                byte[] bytes = full.buffer().array();
                int length = full.buffer().length();
                for (int at = 0; at < length; at += PIECE) {
                    if (cancelled) {
                        throw new SQLException("cancelled", "57014");
                    }
                    in.writeToCopy(bytes, at, Math.min(PIECE, length - at));
                }
                long rows = in.endCopy();
                if (!full.staged()) {
                    synchronized (lock) {
                        written += rows;
                        missing += full.rows() - rows;
                    }
                }
            } finally {
                if (in.isActive()) {
                    in.cancelCopy();
                }
            }
        } catch (SQLException e) {
            throw LoadErrors.copyFailed(full, e);
        }
    }
}
