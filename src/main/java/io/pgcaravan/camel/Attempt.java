package io.pgcaravan.camel;

import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.RowAccount.Step;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.apache.camel.Exchange;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * One run of a batch through its route, on one thread: makes every step that asks the target's data source join the
 * batch's transaction, and remembers steps that failed, whatever an error handler made of it afterwards.
 *
 * <p>Steps of {@code sql:} find the connection through Spring's DataSourceUtils, all others (and {@code jdbc:}) through
 * {@link BatchDataSource}.
 */
final class Attempt implements AutoCloseable {

    private static final ThreadLocal<Attempt> CURRENT = new ThreadLocal<>();

    /** What a batch that fails in many of its steps remembers of them. */
    private static final int MOST_FAILURES = 1000;

    record Failure(Exchange exchange, Step step, Throwable cause) {}

    private final OpenBatch batch;
    private final DataSource target;
    private final GuardedConnection guard;
    private final Connection guarded;
    private final List<Failure> failures = new ArrayList<>();
    private boolean rollbackAsked;

    private Attempt(OpenBatch batch, DataSource target) {
        this.batch = batch;
        this.target = target;
        this.guard = new GuardedConnection(batch, this::askRollback);
        this.guarded = guard.proxy();
    }

    /** Starts an attempt on this thread. */
    static Attempt begin(OpenBatch batch, DataSource target) {
        if (CURRENT.get() != null) {
            throw new IllegalStateException(batch.batch() + " started while this thread still has "
                    + CURRENT.get().batch.batch());
        }
        Attempt attempt = new Attempt(batch, target);
        CURRENT.set(attempt);
        TransactionSynchronizationManager.bindResource(target, new ConnectionHolder(attempt.guarded, true));
        return attempt;
    }

    /** This thread's attempt, or null. */
    static Attempt current() {
        return CURRENT.get();
    }

    /**
     * The batch that an exchange is part of, null for none. What its step does next counts for the branch that it is in.
     *
     * @throws IllegalStateException where the exchange left the batch's thread
     */
    static OpenBatch batchOf(Exchange exchange, String step) {
        OpenBatch batch = exchange.getProperty(PgqConstants.OPEN_BATCH, OpenBatch.class);
        if (batch != null) {
            if (CURRENT.get() == null || CURRENT.get().batch != batch) {
                batch.leftThread(step);
                throw new IllegalStateException(
                        step + " got rows of " + batch.batch() + " outside the batch's thread and"
                                + " transaction; take out the step before it that changes threads or keeps rows back");
            }
            Slot slot = Slot.of(exchange);
            batch.account().enter(slot == null ? null : slot.branch);
        }
        return batch;
    }

    OpenBatch batch() {
        return batch;
    }

    /** What the route's own statements do on the batch's connection. */
    GuardedConnection guard() {
        return guard;
    }

    /** The batch's connection where {@code dataSource} is its target, else null. */
    Connection connectionOf(DataSource dataSource) {
        return dataSource == target ? guarded : null;
    }

    /** Synchronized because a step that left the thread reports here from where it went. */
    synchronized void failed(Exchange exchange, Step step, Throwable cause) {
        if (failures.size() < MOST_FAILURES) {
            failures.add(new Failure(exchange, step, cause));
        }
    }

    /** The very step may have failed on this exchange before: it was tried again. */
    synchronized void succeeded(Exchange exchange, Step step) {
        if (!failures.isEmpty() && failures.size() < MOST_FAILURES) {
            failures.removeIf(failure -> failure.exchange == exchange && failure.step == step);
        }
    }

    /** A step wants the batch, or a row of it, to be rolled back; that is the whole batch. */
    void askRollback() {
        rollbackAsked = true;
    }

    boolean rollbackAsked() {
        return rollbackAsked;
    }

    /** The first failure that was not made good by a repetition, or null. */
    synchronized Failure failure() {
        return failures.isEmpty() ? null : failures.get(0);
    }

    /** Forgets failures: the target went back to where it was before them. */
    void reset() {
        failures.clear();
        rollbackAsked = false;
    }

    @Override
    public void close() {
        CURRENT.remove();
        TransactionSynchronizationManager.unbindResource(target);
    }
}
