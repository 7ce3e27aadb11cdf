package io.pgcaravan.load;

import io.pgcaravan.load.HeldRows.Full;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
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

    /** One thread, which ends soon after the last COPY. */
    private final ThreadPoolExecutor writer =
            new ThreadPoolExecutor(0, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), CopySpool::thread);

    private final Deque<Future<?>> underWay = new ArrayDeque<>();
    private final AtomicLong handedBytes = new AtomicLong();
    private volatile SQLException failure;
    private volatile boolean cancelled;
    private long written;
    private long missing;

    /** @param limit bytes that may be held back and under way together */
    CopySpool(Connection target, long limit) {
        this.target = target;
        this.limit = limit;
    }

    private static Thread thread(Runnable work) {
        Thread thread =
                new Thread(work, "caravan-copy-" + Thread.currentThread().getName());
        thread.setDaemon(true);
        return thread;
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
            if (heldBytes + handedBytes.get() > limit) {
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
        if (handedBytes.get() == 0 && heldBytes > WORTH_A_COPY) {
            handOverLargest(limit / 4, WORTH_A_COPY);
        }
    }

    private void makeRoom() throws SQLException {
        check();
        handOverLargest(limit / 2, 1);
        while (heldBytes + handedBytes.get() > limit && !underWay.isEmpty()) {
            awaitOne();
        }
        check();
    }

    /** Hands over buffers of at least {@code least} bytes until {@code enough} bytes are under way. */
    private void handOverLargest(long enough, int least) {
        held.sort(Comparator.comparingInt(HeldRows::length).reversed());
        for (HeldRows rows : held) {
            if (handedBytes.get() >= enough || rows.length() < least) {
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
        handedBytes.addAndGet(full.capacity());
        while (!underWay.isEmpty() && underWay.peek().isDone()) {
            underWay.poll();
        }
        underWay.add(writer.submit(() -> write(full)));
    }

    /**
     * Writes everything out and waits for it.
     *
     * @param refused gets the number of rows that the target did not take, where there are any
     * @return rows written since the last flush; staged ones do not count
     */
    long flush(LongConsumer refused) throws SQLException {
        awaitAll();
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
        awaitAll();
        check();
        forgetHeld();
    }

    /** Stops a COPY under way and forgets everything. Other threads leave the connection alone when this returns. */
    void cancel() {
        cancelled = true;
        boolean interrupted = false;
        boolean asked = false;
        while (!underWay.isEmpty()) {
            try {
                underWay.peek().get(asked ? Long.MAX_VALUE : 200, TimeUnit.MILLISECONDS);
                underWay.poll();
            } catch (TimeoutException mayWaitForLock) {
                asked = true;
                cancelQuery();
            } catch (ExecutionException ended) {
                underWay.poll();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        cancelled = false;
        failure = null;
        written = 0;
        missing = 0;
        forgetHeld();
    }

    private void cancelQuery() {
        try {
            target.unwrap(PGConnection.class).cancelQuery();
        } catch (SQLException gone) {
            // the connection is lost, and the COPY will end too
        }
    }

    /** The error that ended the transaction while the caller was elsewhere, or null. */
    SQLException failure() {
        return failure;
    }

    void check() throws SQLException {
        SQLException failed = failure;
        if (failed != null) {
            throw failed;
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

    private void awaitAll() throws SQLException {
        while (!underWay.isEmpty()) {
            awaitOne();
        }
    }

    private void awaitOne() throws SQLException {
        try {
            underWay.peek().get();
            underWay.poll();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLException("interrupted while rows were on their way to the target", "57014", e);
        } catch (ExecutionException e) {
            throw new SQLException("the thread that loads rows ended", "XX000", e.getCause());
        }
    }

    /** In the writer's thread. */
    private void write(Full full) {
        try {
            if (failure == null && !cancelled) {
                copy(full);
            }
        } catch (SQLException e) {
            failure = e;
        } catch (RuntimeException | Error e) {
            failure = new SQLException("cannot load rows into table " + full.table() + ": " + e, e);
        } finally {
            handedBytes.addAndGet(-full.capacity());
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
                    written += rows;
                    missing += full.rows() - rows;
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
