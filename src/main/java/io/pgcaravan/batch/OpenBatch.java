package io.pgcaravan.batch;

import io.pgcaravan.queue.Batch;
import io.pgcaravan.sql.TableName;
import java.nio.charset.Charset;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A batch on its way into the target: the transaction it is applied in, and the steps that take part in it. Steps (the
 * partition step, the loader) keep what they have not yet written to the target in a {@link Participant}; they are
 * flushed in the order they joined, before the ledger is set and the transaction commits.
 *
 * <p>Used by one thread at a time.
 */
public final class OpenBatch {

    /** A step with work that must reach the target before the batch commits. */
    public interface Participant {

        /** Writes everything still held back to the target. Called at the end of every exchange of the batch. */
        void flush() throws SQLException;

        /** A statement of the route may look at the target next. Called after every participant was flushed. */
        default void show() throws SQLException {}

        /** Last work inside the transaction, after every participant was flushed for the last time. */
        default void beforeCommit() throws SQLException {}

        /**
         * The target is about to go back to a savepoint or to the transaction's start: stop writing, forget what was held
         * back and what was believed to be in the target because of this batch. Comes before the rollback, because
         * what is still written after it would begin another transaction.
         */
        void rolledBack();

        /**
         * What this participant's own thread ran into, null for nothing. The transaction is aborted then, and any other
         * statement fails with SQLSTATE 25P02, which says nothing of the reason.
         */
        default SQLException failure() {
            return null;
        }
    }

    /** Where rows that cannot be loaded go; throws the bad row itself where the job stops at bad rows. */
    @FunctionalInterface
    public interface BadRows {
        void reject(OpenBatch batch, BadRowException badRow) throws SQLException;
    }

    private final Batch batch;
    private final Connection target;
    private final Charset sourceEncoding;
    private final boolean careful;
    private final BadRows badRows;
    private final List<Object> owners = new ArrayList<>();
    private final List<Participant> participants = new ArrayList<>();
    private final Map<TableName, Participant> writers = new LinkedHashMap<>();
    private final RowAccount account;
    private long rows;
    private boolean keysMustBeAbsent;
    private boolean ordered = true;
    private boolean bytesAsStored;
    private volatile String strayed;

    /**
     * @param target the connection whose open transaction the batch is applied in
     * @param sourceEncoding what bytes inside url-encoded data mean: the source database's encoding
     */
    public OpenBatch(Batch batch, Connection target, Charset sourceEncoding, BadRows badRows) {
        this(batch, target, sourceEncoding, false, false, badRows);
    }

    /**
     * @param careful true in the second attempt at a batch that holds a bad row: chunk by chunk, each behind a savepoint,
     *     so steps had better do what is simple and names the row at fault than what is fast
     * @param filteredIsLeftOut whether events that a filter of the route keeps back count as left out on purpose
     */
    public OpenBatch(
            Batch batch,
            Connection target,
            Charset sourceEncoding,
            boolean careful,
            boolean filteredIsLeftOut,
            BadRows badRows) {
        this.batch = batch;
        this.target = target;
        this.sourceEncoding = sourceEncoding;
        this.careful = careful;
        this.badRows = badRows;
        this.account = new RowAccount(batch, careful, filteredIsLeftOut);
    }

    public Batch batch() {
        return batch;
    }

    /** What became of each event. */
    public RowAccount account() {
        return account;
    }

    /** The target's connection, inside the batch's transaction. Never commit, roll back or close it. */
    public Connection target() {
        return target;
    }

    /** The encoding of the bytes behind {@code %xx} in the source's events. */
    public Charset sourceEncoding() {
        return sourceEncoding;
    }

    /** Says that the source (a database in SQL_ASCII) sends its texts unconverted, in {@link #sourceEncoding}. */
    public void takeBytesAsStored() {
        bytesAsStored = true;
    }

    /** Whether texts come in {@link #sourceEncoding} rather than in UTF-8. */
    public boolean bytesAsStored() {
        return bytesAsStored;
    }

    /** Whether this is the second, careful attempt at a batch that holds a bad row. */
    public boolean careful() {
        return careful;
    }

    /**
     * Demands of changes that find their row by its key that there is no such row: an event that comes late, out of its
     * order, would undo what later ones did to it.
     */
    public void demandAbsentKeys() {
        keysMustBeAbsent = true;
    }

    /** Whether {@link #demandAbsentKeys} was called. */
    public boolean keysMustBeAbsent() {
        return keysMustBeAbsent;
    }

    /** Says that the batch's events come in any order, so that nothing may depend on it. */
    public void takeAnyOrder() {
        ordered = false;
    }

    /** Whether the events come in the order of their ids. */
    public boolean ordered() {
        return ordered;
    }

    /**
     * The participant of one step in this batch, made at its first use.
     *
     * @param owner the step, or what equals for steps that do the same: they share the participant then, and with it the
     *     order of their rows
     */
    @SuppressWarnings("unchecked")
    public <P extends Participant> P participant(Object owner, java.util.function.Supplier<P> make) {
        for (int i = 0; i < owners.size(); i++) {
            if (owners.get(i).equals(owner)) {
                return (P) participants.get(i);
            }
        }
        P made = make.get();
        owners.add(owner);
        participants.add(made);
        return made;
    }

    /**
     * A participant is about to take rows of a table: what another one holds back for it, under whichever name, is written
     * before, so that changes of one row stay in their order.
     */
    public void writesTo(TableName table, Participant participant) throws SQLException {
        for (Map.Entry<TableName, Participant> writer : writers.entrySet()) {
            if (writer.getValue() != participant && writer.getKey().mayBe(table)) {
                writer.getValue().flush();
                writer.setValue(participant);
            }
        }
        writers.put(table, participant);
    }

    /** The tables that {@link #writesTo} named. */
    public Set<TableName> tables() {
        return writers.keySet();
    }

    /**
     * Hands over a row that cannot be loaded. Returns where the job goes on without it (it is then among the dead
     * letters of this transaction), throws it where the job stops.
     */
    public void reject(BadRowException badRow) throws SQLException {
        badRows.reject(this, badRow);
        account.bury(badRow);
    }

    /** A step met an exchange of this batch on another thread than the batch's, where it cannot take part. Any thread. */
    public void leftThread(String step) {
        strayed = step;
    }

    /** The step that {@link #leftThread} named, null for none. */
    public String leftThread() {
        return strayed;
    }

    /** Counts rows that this batch wrote to or removed from the target. */
    public void count(long written) {
        rows += written;
    }

    /** Rows counted so far. */
    public long rows() {
        return rows;
    }

    /** Forgets these events and what was counted since: the target went back to where it had {@code before} rows. */
    public void reopen(List<Event> events, long before) {
        account.reopen(events);
        rows = before;
    }

    /** Writes what every step holds back. */
    public void flush() throws SQLException {
        for (Participant participant : participants) {
            participant.flush();
        }
    }

    /** Brings the target to where a statement of the route expects it: with all rows, in partitions of their table. */
    public void show() throws SQLException {
        flush();
        for (Participant participant : participants) {
            participant.show();
        }
    }

    /** The steps' last work before the commit. */
    public void beforeCommit() throws SQLException {
        flush();
        for (Participant participant : participants) {
            participant.beforeCommit();
        }
    }

    /** Tells every step that the target went back. */
    public void rolledBack() {
        for (Participant participant : participants) {
            participant.rolledBack();
        }
    }

    /** The reason why the transaction is aborted, where a step ran into it on a thread of its own; else null. */
    public SQLException failure() {
        for (Participant participant : participants) {
            SQLException failure = participant.failure();
            if (failure != null) {
                return failure;
            }
        }
        return null;
    }
}
