package io.pgcaravan.camel;

import io.pgcaravan.queue.OpenBatch;
import java.sql.Connection;
import java.util.IdentityHashMap;
import java.util.Map;
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

    record Failure(String step, Throwable cause) {}

    private final OpenBatch batch;
    private final DataSource target;
    private final InsertWriter inserts;
    private final Connection guarded;
    private final Map<Exchange, Failure> failures = new IdentityHashMap<>();
    private Failure first;
    private int walks;
    private boolean rollbackAsked;

    private Attempt(OpenBatch batch, DataSource target) {
        this.batch = batch;
        this.target = target;
        this.inserts = batch.participant(this, () -> new InsertWriter(batch.target()));
        this.guarded = GuardedConnection.of(batch.target(), batch.batch(), inserts, () -> rollbackAsked = true);
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

    OpenBatch batch() {
        return batch;
    }

    /** Runs the inserts of collected rows. */
    InsertWriter inserts() {
        return inserts;
    }

    /** The batch's connection where {@code dataSource} is its target, else null. */
    Connection connectionOf(DataSource dataSource) {
        return dataSource == target ? guarded : null;
    }

    /** Synchronized because a step that left the thread reports here from where it went. */
    synchronized void failed(Exchange exchange, String step, Throwable cause) {
        if (first == null) {
            first = new Failure(step, cause);
        }
        failures.put(exchange, new Failure(step, cause));
    }

    /** A step that had failed on this exchange was tried again, and went well. */
    synchronized void wentWell(Exchange exchange, String step) {
        Failure failure = failures.isEmpty() ? null : failures.get(exchange);
        if (failure != null && failure.step.equals(step)) {
            failures.remove(exchange);
            if (failures.isEmpty()) {
                first = null;
            }
        }
    }

    /** Somebody walks through a chunk's events. */
    void walkBegins() {
        walks++;
    }

    /** A walk through a chunk's events came to the end. */
    void walkEnds() {
        walks--;
    }

    /** Whether a walk through a chunk's events broke off. */
    boolean leftEventsOut() {
        return walks > 0;
    }

    /** Whether a step rolled the connection back, as it believes. */
    boolean rollbackAsked() {
        return rollbackAsked;
    }

    /** The first failure that was not made good by a repetition, or null. */
    synchronized Failure failure() {
        return failures.isEmpty() ? null : first;
    }

    /** Forgets failures: the target went back to where it was before them. */
    void forgive() {
        failures.clear();
        first = null;
        walks = 0;
        rollbackAsked = false;
    }

    @Override
    public void close() {
        CURRENT.remove();
        TransactionSynchronizationManager.unbindResource(target);
    }
}
