package io.pgcaravan.load;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Query;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;

/**
 * Loads one batch's row changes into a table and its partitions, inside the batch's transaction. Rows that are certain to be
 * new are held back by table and column set and go there by COPY when there are enough of them, and at {@link #flush}.
 * Other changes wait in temporary tables of the target, and {@link #flush} applies what they amount to.
 *
 * <p>Used by one thread at a time. After {@link #load} a thread of the loader's own may still be writing; any statement
 * on the batch's connection simply waits for it. {@link #rolledBack} ends it, and must come before the connection goes back to
 * the transaction's start: what the thread has still to write would begin another transaction.
 */
public final class Loader implements OpenBatch.Participant {

    /** PostgreSQL's limit of columns without those that the {@link Stage} adds to a table's own. */
    public static final int MOST_KEYED_COLUMNS = 1600 - 6;

    private final OpenBatch batch;
    private final LoadSettings settings;
    private final TargetColumns catalog;
    private final boolean careful;
    private final CopySpool spool;
    private final Destinations destinations;
    private final AppendedRows appended;
    private final KeyedRows keyed;
    private Event lastEvent;
    private long rowsSeen;

    /**
     * @param catalog kept by the step across batches
     * @param careful whether this is the second attempt at a batch that holds a bad row, or a key that is there already:
     *     nothing is taken to be new then, and errors name the row at fault where they can
     */
    public Loader(OpenBatch batch, LoadSettings settings, TargetColumns catalog, boolean careful) {
        this.batch = batch;
        this.settings = settings;
        this.catalog = catalog;
        this.careful = careful;
        this.spool = new CopySpool(batch.target(), CopySpool.limitOfHeap());
        this.destinations = new Destinations(batch, settings, catalog, careful);
        this.appended = new AppendedRows(batch, settings, destinations, spool, careful);
        this.keyed = new KeyedRows(batch, settings, catalog, destinations, appended, spool, careful);
    }

    /**
     * Takes changes in the order of their events.
     *
     * @throws SQLException what went wrong with these changes, or with earlier ones that were written meanwhile
     */
    public void load(List<RowChange> changes) throws SQLException {
        try {
            batch.writesTo(settings.table(), this);
            spool.check();
            destinations.resolveTables(changes, rowsSeen);
            for (RowChange change : changes) {
                load(change);
            }
            if (!careful) {
                spool.feed();
            }
        } catch (SQLException e) {
            throw failed(e);
        }
    }

    /** Writes everything to the target and applies what was staged. */
    @Override
    public void flush() throws SQLException {
        try {
            keyed.write();
        } catch (SQLException e) {
            throw failed(e);
        }
    }

    @Override
    public void beforeCommit() throws SQLException {
        List<String> tables = destinations.all().stream()
                .filter(destination -> destination.table != null)
                .map(Destination::quoted)
                .toList();
        if (settings.analyze() && !tables.isEmpty()) {
            try {
                Query.execute(batch.target(), "analyze " + String.join(", ", tables));
            } catch (SQLException e) {
                throw LoadErrors.failed("cannot analyze what the batch wrote to", e);
            }
        }
    }

    @Override
    public void rolledBack() {
        spool.cancel();
        lastEvent = null;
        keyed.discard();
        destinations.clear();
    }

    @Override
    public SQLException failure() {
        return spool.failure();
    }

    private SQLException failed(SQLException e) {
        // whatever it was, what we know of the target may be the reason
        catalog.forget();
        return e;
    }

    private void load(RowChange change) throws SQLException {
        rowsSeen++;
        Op op = change.op();
        if (skips(change)) {
            batch.account()
                    .leaveOut(
                            change.entry(),
                            change.movesToOtherShard()
                                    ? "shard"
                                    : op == Op.TRUNCATE ? "onTruncate=ignore" : "rowMode=keep_all");
            return;
        }
        batch.account().load(change.entry(), settings.table());
        mustBeInOrder(change);
        if (op == Op.TRUNCATE) {
            truncate(change);
        } else if (settings.rowMode() == RowMode.APPEND) {
            appended.append(change, destinations.of(change));
        } else if (op == Op.OTHER) {
            appended.reject(
                    change,
                    new BadRowException(
                            change.event(),
                            "its type is neither I, U, D nor R; only rowMode=append takes such events (eventTypes leaves them"
                                    + " out)"));
        } else if (settings.rowMode() == RowMode.KEEP_ALL) {
            appended.append(change, destinations.of(change));
        } else {
            keyed.load(change, destinations.of(change));
        }
    }

    /** Whether the settings leave the change out: what is another shard's, a delete where history is kept, a TRUNCATE. */
    private boolean skips(RowChange change) {
        return switch (change.op()) {
            case TRUNCATE -> settings.onTruncate() == OnTruncate.IGNORE;
            case DELETE ->
                change.movesToOtherShard() && !settings.rowMode().keyed() || settings.rowMode() == RowMode.KEEP_ALL;
            default -> false;
        };
    }

    /** A step of the route may have sorted or regrouped the rows. */
    private void mustBeInOrder(RowChange change) {
        Event event = change.event();
        boolean ordered = settings.rowMode().keyed() || change.op() == Op.TRUNCATE;
        if (ordered && !batch.ordered()) {
            throw new IllegalStateException((change.op() == Op.TRUNCATE
                            ? "TRUNCATE"
                            : "rowMode=" + settings.rowMode().name().toLowerCase(Locale.ROOT))
                    + " needs the events in their order: remove ordered=false from pgq:");
        }
        if (ordered && lastEvent != null && event.id() < lastEvent.id() && event.isOfTableOf(lastEvent)) {
            throw new IllegalStateException(event + " came after " + lastEvent + " to the load step of table "
                    + settings.table()
                    + ", which needs the changes of a table in their order; take out the step that sorts"
                    + " or regroups them (sort, or chunkBy: type)");
        }
        lastEvent = event;
    }

    private void truncate(RowChange change) throws SQLException {
        if (settings.onTruncate() == OnTruncate.STOP) {
            throw new SQLException(
                    change.event() + ": the source table was truncated, and onTruncate=stop ends the job there; set"
                            + " onTruncate=apply to empty table "
                            + settings.table().quoted() + " and its partitions too, or onTruncate=ignore",
                    "55000");
        }
        appended.emptyTables();
        keyed.discard();
    }
}
