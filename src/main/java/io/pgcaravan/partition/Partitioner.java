package io.pgcaravan.partition;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.RowAccount;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
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
        List<RowChange> kept = rows;
        Unresolved unresolved = null;
        for (int i = 0; i < rows.size(); i++) {
            RowChange row = rows.get(i);
            if (!placed.takes(row)) {
                if (kept == rows) {
                    kept = new ArrayList<>(rows.subList(0, i));
                }
                continue;
            }
            if (kept != rows) {
                kept.add(row);
            }
            if (placed.misses()) {
                if (unresolved == null) {
                    unresolved = new Unresolved(rows.size());
                }
                unresolved.add(kept == rows ? i : kept.size() - 1, row, placed.place, placed.before);
            }
        }
        if (unresolved == null) {
            return kept;
        }
        maker.ensure(batch.target(), batch.batch(), placed.made, unresolved.needed, unresolved.wanted);
        return unresolved.place(batch, kept);
    }

    /** Rows of one call whose partitions have to be looked for. */
    private final class Unresolved {
        private final Place[] places;
        private final Place[] befores;
        private final Set<Place> needed = new LinkedHashSet<>();
        private final Set<Place> wanted = new LinkedHashSet<>();
        private int end;

        Unresolved(int rows) {
            places = new Place[rows];
            befores = new Place[rows];
        }

        void add(int at, RowChange row, Place place, Place before) {
            end = at + 1;
            if (place.partition == null) {
                places[at] = place;
                if (row.op() == Op.DELETE && !settings.makeForDeletes()) {
                    wanted.add(place);
                } else if (needed.add(place)) {
                    place.key = row.key();
                    lastKey = row.key();
                }
            }
            if (before != null && before.partition == null && !before.absent) {
                befores[at] = before;
                wanted.add(before);
            }
        }

        List<RowChange> place(OpenBatch batch, List<RowChange> rows) throws SQLException {
            List<RowChange> kept = rows;
            for (int i = 0; i < end; i++) {
                RowChange row = rows.get(i);
                Place place = places[i];
                if (befores[i] != null) {
                    row.before().place(befores[i].partition);
                }
                if (place != null && place.partition == null) {
                    if (kept == rows) {
                        kept = new ArrayList<>(rows.subList(0, i));
                    }
                    if (place.refusal != null) {
                        batch.reject(new BadRowException(row.event(), place.refusal));
                    } else {
                        batch.account().leaveOut(row.entry(), "delete without a partition");
                    }
                    continue;
                }
                if (place != null) {
                    row.place(place.partition);
                }
                if (kept != rows) {
                    kept.add(row);
                }
            }
            if (kept != rows) {
                kept.addAll(rows.subList(end, rows.size()));
            }
            return kept;
        }
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
     * Forgets at the next batch which partitions exist, for a caller (in any thread) that took partitions away. It also happens
     * after a batch that failed or went back to a savepoint, and every ten seconds.
     */
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
        if (placed.placer == null) {
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
            placed.placer = switch (settings.partMode()) {
                case LIST -> new ListPlacer(settings);
                case HASH -> new HashPlacer(settings, parent);
                default -> new DatePlacer(settings, parent, batch.batch(), clock.instant());
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
        // Java's +02:00 lies east of Greenwich, POSIX' would lie west: an interval has the sign of ISO
        String zone = settings.timeZone() instanceof ZoneOffset offset
                ? "<" + offset.getId() + ">" + posix(offset)
                : settings.timeZone().getId();
        Query.text(target, "select pg_catalog.set_config('TimeZone', ?::text, true)", zone);
    }

    private static String posix(ZoneOffset east) {
        int seconds = -east.getTotalSeconds();
        return "%s%02d:%02d".formatted(seconds < 0 ? "-" : "+", Math.abs(seconds) / 3600, Math.abs(seconds) / 60 % 60);
    }

    /** What the step keeps for one batch. */
    private final class PlacedBatch implements OpenBatch.Participant {
        private final OpenBatch batch;
        private final MadePartitions made;
        private Placer placer;
        /** Of the last row, and of the row before its update; null for none. */
        private Place place;

        private Place before;
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
            this.made = new MadePartitions(chunks && !batch.ordered() && !batch.careful());
        }

        /** Places a row as far as partitions are known; false where it is not to be loaded. */
        boolean takes(RowChange row) throws SQLException {
            place = null;
            before = null;
            if (row.op() == Op.TRUNCATE) {
                return true;
            }
            place = placer.of(row);
            if (place == null) {
                batch.reject(new BadRowException(row.event(), placer.refusal()));
                return false;
            }
            before = row.before() == null ? null : placer.of(row.before());
            if (place.obsolete && settings.ignoreOldEvents() && (before == null || before.obsolete)) {
                ignored++;
                batch.account().leaveOut(row.entry(), "ignoreOldEvents");
                return false;
            }
            row.place(place.partition);
            if (before != null) {
                row.before().place(before.partition);
            }
            return true;
        }

        /** Whether a partition of the last row has to be looked for. */
        boolean misses() {
            return place != null && place.partition == null
                    || before != null && before.partition == null && !before.absent;
        }

        @Override
        public void flush() {
            // partitions are made before their first row is handed on
            counted += ignored;
            ignored = 0;
        }

        private void noteUsed() {
            for (Place place : placer.places()) {
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
            if (placer != null) {
                noteUsed();
                placer.places().forEach(Place::forgetPartition);
            }
        }
    }
}
