package io.pgcaravan.partition;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.RowAccount;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Clock;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The partition step of one job: gives each row its partition, and makes the partitions that are missing, inside the
 * batch's transaction.
 *
 * <p>One instance serves a job for as long as it runs, so that it knows the partitions it has seen. Used by one thread at
 * a time.
 */
public final class Partitioner {

    private static final ZoneId UTC = ZoneId.of("UTC");

    private final PartitionSettings settings;
    private final PartitionMaker maker;
    private final Clock clock;
    /** The batch that is open, or was given up: its failure may be that a partition was no longer there. */
    private PlacedBatch unfinished;

    /** Rows that were left out as too old, in finished batches. */
    private final AtomicLong ignored = new AtomicLong();

    /** The batch that was counted last, and how many of its rows; it may be done again, where its commit failed. */
    private long countedBatch = -1;

    private long countedRows;

    private volatile List<String> lastKey;
    private volatile boolean outdated;

    public Partitioner(PartitionSettings settings) {
        this(settings, Clock.systemUTC());
    }

    /** @param clock says what "today" is for the allowed window, and the time for {@link PartMode#CURRENT_TIME} */
    Partitioner(PartitionSettings settings, Clock clock) {
        this.settings = settings;
        this.clock = clock;
        this.maker = new PartitionMaker(settings);
    }

    /**
     * Places rows. Each gets a partition that exists in the batch's transaction; so does the row before an update, where
     * one exists already (else its partition stays null: there is nothing to move away from). Events without a row
     * (TRUNCATE) stay without a partition.
     *
     * @return the rows to load, in their order: without those that were rejected or (where the settings say so) are older
     *     than the retention period, and without deletes of partitions that do not exist, where the settings say that
     *     none are made for them
     * @throws BadRowException where a row has no partition and the job stops at bad rows
     * @throws PartitionException where a partition can be neither found nor made
     */
    public List<RowChange> place(OpenBatch batch, List<RowChange> rows) throws SQLException {
        return place(batch, rows, true);
    }

    private List<RowChange> place(OpenBatch batch, List<RowChange> rows, boolean chunks) throws SQLException {
        RowAccount account = batch.account();
        if (settings.tableMode() == TableMode.IGNORE) {
            rows.forEach(row -> account.leaveOut(row.entry(), "tableMode=ignore"));
            return List.of();
        }
        for (RowChange row : rows) {
            account.oblige(row.entry(), settings.destTable());
            row.placeFor(settings.destTable());
        }
        if (settings.tableMode() == TableMode.DIRECT) {
            return rows;
        }
        PlacedBatch placed = placed(batch, chunks);
        Placer placing = placed.placing;
        List<RowChange> kept = rows;
        Set<Place> needed = null;
        Set<Place> wanted = null;
        int later = 0;
        Place[] unresolved = null;
        for (int i = 0; i < rows.size(); i++) {
            RowChange row = rows.get(i);
            Place place = row.op() == Op.TRUNCATE ? null : placing.of(row);
            if (place == null) {
                if (row.op() == Op.TRUNCATE) {
                    row.place(null);
                    if (kept != rows) {
                        kept.add(row);
                    }
                    continue;
                }
                if (kept == rows) {
                    kept = new ArrayList<>(rows.subList(0, i));
                }
                batch.reject(new BadRowException(row.event(), placing.refusal()));
                continue;
            }
            Place before = row.before() == null ? null : placing.of(row.before());
            if (place.obsolete && settings.ignoreOldEvents() && (before == null || before.obsolete)) {
                if (kept == rows) {
                    kept = new ArrayList<>(rows.subList(0, i));
                }
                placed.ignored++;
                account.leaveOut(row.entry(), "ignoreOldEvents");
                continue;
            }
            if (kept != rows) {
                kept.add(row);
            }
            row.place(place.partition);
            if (before != null) {
                row.before().place(before.partition);
            }
            boolean missing = place.partition == null;
            boolean missingBefore = before != null && before.partition == null && !before.absent;
            if (missing || missingBefore) {
                if (unresolved == null) {
                    unresolved = new Place[2 * rows.size()];
                    needed = new LinkedHashSet<>();
                    wanted = new LinkedHashSet<>();
                }
                int at = kept == rows ? i : kept.size() - 1;
                later = at + 1;
                if (missing) {
                    unresolved[2 * at] = place;
                    if (row.op() == Op.DELETE && !settings.makeForDeletes()) {
                        wanted.add(place);
                    } else if (needed.add(place)) {
                        place.key = row.key();
                        lastKey = row.key();
                    }
                }
                if (missingBefore) {
                    unresolved[2 * at + 1] = before;
                    wanted.add(before);
                }
            }
        }
        if (later == 0) {
            return kept;
        }
        maker.ensure(batch.target(), batch.batch(), placed.made, needed, wanted);
        return placeLater(batch, kept, unresolved, later);
    }

    private static List<RowChange> placeLater(OpenBatch batch, List<RowChange> rows, Place[] unresolved, int later)
            throws SQLException {
        List<RowChange> kept = null;
        for (int i = 0; i < later; i++) {
            RowChange row = rows.get(i);
            Place place = unresolved[2 * i];
            Place before = unresolved[2 * i + 1];
            if (before != null) {
                row.before().place(before.partition);
            }
            boolean nothingToDelete = place != null && place.partition == null;
            if (nothingToDelete && place.refusal != null) {
                batch.reject(new BadRowException(row.event(), place.refusal));
            } else if (nothingToDelete) {
                batch.account().leaveOut(row.entry(), "delete without a partition");
            }
            if (nothingToDelete && kept == null) {
                kept = new ArrayList<>(rows.subList(0, i));
            }
            if (place != null) {
                row.place(place.partition);
            }
            if (kept != null && !nothingToDelete) {
                kept.add(row);
            }
        }
        if (kept == null) {
            return rows;
        }
        kept.addAll(rows.subList(later, rows.size()));
        return kept;
    }

    /**
     * Places one row.
     *
     * @return whether the row is to be loaded
     */
    public boolean place(OpenBatch batch, RowChange row) throws SQLException {
        return !place(batch, List.of(row), false).isEmpty();
    }

    /**
     * Looks at the target without changing it.
     *
     * @throws PartitionException where the destination table does not fit the settings; says what to do
     */
    public void check(Connection target) throws SQLException {
        if (settings.tableMode() == TableMode.PART) {
            Parent.read(target, settings);
        }
    }

    /**
     * Forgets which partitions exist, for someone who knows that one was dropped or detached. It happens by itself after
     * a batch that failed or went back to a savepoint, and every ten seconds.
     */
    public void forget() {
        maker.forget();
    }

    /** {@link #forget} at the next batch; for another thread, which took partitions away. */
    public void forgetSoon() {
        outdated = true;
    }

    /**
     * How many rows were left out because they are older than the retention period, since this instance was made. A
     * batch that is done again counts once. Any thread may ask.
     */
    public long ignoredRows() {
        return ignored.get();
    }

    /** The key columns of the last row that had its partition looked for; null before the first. Any thread may ask. */
    public List<String> lastKey() {
        return lastKey;
    }

    private PlacedBatch placed(OpenBatch batch, boolean chunks) throws SQLException {
        PlacedBatch placed = batch.participant(this, () -> new PlacedBatch(batch, chunks));
        if (!placed.zoned) {
            keepZone(batch.target());
            placed.zoned = true;
        }
        if (placed.placing == null) {
            if (countedBatch == batch.batch().id()) {
                ignored.addAndGet(-countedRows);
                countedBatch = -1;
            }
            if (unfinished != null || outdated) {
                outdated = false;
                maker.forget();
            }
            unfinished = placed;
            Parent parent = maker.parent(batch.target());
            placed.placing = switch (settings.partMode()) {
                case LIST -> new ListPlacing(settings);
                case HASH -> new HashPlacing(settings, parent);
                default -> new Placing(settings, parent, batch.batch(), clock.instant());
            };
        }
        return placed;
    }

    /**
     * A value without an offset in a timestamptz column is stored as the session's zone says: it has to be the zone that
     * places it. Consumers connect with UTC.
     */
    private void keepZone(Connection target) throws SQLException {
        if (settings.timeZone().equals(UTC)) {
            return;
        }
        try (PreparedStatement statement =
                target.prepareStatement("select pg_catalog.set_config('TimeZone', ?::text, true)")) {
            // Java's +02:00 lies east of Greenwich, POSIX' would lie west: an interval has the sign of ISO
            statement.setString(
                    1,
                    settings.timeZone() instanceof ZoneOffset offset
                            ? "<" + offset.getId() + ">" + posix(offset)
                            : settings.timeZone().getId());
            statement.execute();
        }
    }

    private static String posix(ZoneOffset east) {
        int seconds = -east.getTotalSeconds();
        return "%s%02d:%02d".formatted(seconds < 0 ? "-" : "+", Math.abs(seconds) / 3600, Math.abs(seconds) / 60 % 60);
    }

    /** What the step keeps for one batch. */
    private final class PlacedBatch implements OpenBatch.Participant {
        private final OpenBatch batch;
        private final PartitionMaker.Made made;
        private Placer placing;
        private boolean zoned;
        /** Rows left out since the last flush; a savepoint takes back no more than that. */
        private long ignored;

        private long counted;

        /** Tables that rows were given, also before a savepoint; those that are to be dropped are left out. */
        private final Set<TableName> used = new LinkedHashSet<>();

        /** @param chunks whether rows come in chunks, which only our own loader takes: no other step relies on a key */
        PlacedBatch(OpenBatch batch, boolean chunks) {
            this.batch = batch;
            // a batch in any order is only appended
            this.made = new PartitionMaker.Made(chunks && !batch.ordered() && !batch.careful());
        }

        @Override
        public void flush() {
            // partitions are made before their first row is handed on
            counted += ignored;
            ignored = 0;
        }

        private void noteUsed() {
            for (Place place : placing.places()) {
                if (place.partition != null && !place.obsolete) {
                    used.add(place.partition.table());
                }
            }
        }

        @Override
        public void show() throws SQLException {
            maker.attach(batch.target(), batch.batch(), made);
        }

        @Override
        public void beforeCommit() throws SQLException {
            show();
            noteUsed();
            maker.mustBeAttached(batch.target(), batch.batch(), used);
            unfinished = null;
            Partitioner.this.ignored.addAndGet(counted);
            countedBatch = batch.batch().id();
            countedRows = counted;
        }

        @Override
        public void rolledBack() {
            // a setting made since the savepoint is gone with it
            zoned = false;
            ignored = 0;
            made.rolledBack();
            maker.forget();
            if (placing != null) {
                noteUsed();
                placing.forgetPartitions();
            }
        }
    }
}
