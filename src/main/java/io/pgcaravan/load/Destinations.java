package io.pgcaravan.load;

import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.TableName;
import java.sql.SQLException;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The tables that one batch's rows go to: the destination table and its partitions, as far as rows named them. */
final class Destinations {

    /** From here on a batch is large enough to pay for a look at the catalog, which allows the binary format. */
    private static final int LARGE_BATCH = 20_000;

    private final OpenBatch batch;
    private final LoadSettings settings;
    private final TargetColumns catalog;
    /** Whether tables are looked up under a lock where they can be, for the binary format. */
    private final boolean locking;

    private final Map<Partition, Destination> byPartition = new IdentityHashMap<>();
    private final Map<TableName, Destination> byName = new LinkedHashMap<>();
    private final Set<TableName> touched = new LinkedHashSet<>();
    private TableName lastPlacedFor;
    private boolean lastIsHere;
    private Partition lastPartition;
    private Destination last;

    Destinations(OpenBatch batch, LoadSettings settings, TargetColumns catalog, boolean careful) {
        this.batch = batch;
        this.settings = settings;
        this.catalog = catalog;
        this.locking = settings.binary() && !careful;
    }

    /** In the order of their numbers. */
    Collection<Destination> all() {
        return byName.values();
    }

    /** The names of all tables of the batch, also of those before a savepoint; existing or not. */
    Set<TableName> touched() {
        return touched;
    }

    void clear() {
        byPartition.clear();
        byName.clear();
        lastPartition = null;
        last = null;
    }

    /** The table that a change goes to; {@link #resolveTables} has seen the change. */
    Destination of(RowChange change) {
        return of(partition(change));
    }

    /** The table where the row was before an update, null where the event does not tell or it is the same one. */
    Destination before(RowChange change) {
        Partition before = change.before() == null ? null : change.before().partition();
        return before == null || before == change.partition() || !isPlacedHere(change) ? null : of(before);
    }

    private Destination of(Partition partition) {
        if (partition == lastPartition && last != null) {
            return last;
        }
        Destination found = partition == null
                ? byName.get(settings.table())
                : byPartition.computeIfAbsent(partition, placed -> byName.get(placed.table()));
        lastPartition = partition;
        last = found;
        return found;
    }

    /** Where the partition step put the row; null where it placed it for another table than this one, or did not see it. */
    private Partition partition(RowChange change) {
        return isPlacedHere(change) ? change.partition() : null;
    }

    private boolean isPlacedHere(RowChange change) {
        TableName placedFor = change.placedFor();
        if (placedFor == null) {
            return true;
        }
        if (placedFor != lastPlacedFor) {
            lastPlacedFor = placedFor;
            lastIsHere = placedFor.mayBe(settings.table());
        }
        return lastIsHere;
    }

    /**
     * Looks up the tables that these changes go to, with one question for all of them.
     *
     * @param rowsSeen how many changes of the batch came before
     */
    void resolveTables(List<RowChange> changes, long rowsSeen) throws SQLException {
        Set<TableName> needed = new LinkedHashSet<>();
        Set<TableName> former = new LinkedHashSet<>();
        collect(changes, needed, former);
        former.removeAll(needed);
        touched.addAll(needed);
        touched.addAll(former);
        if (rowsSeen > LARGE_BATCH && locking && !settings.rowMode().keyed()) {
            lockKnown();
        }
        Set<TableName> unknown = new LinkedHashSet<>(needed);
        unknown.addAll(former);
        if (!settings.rowMode().keyed()) {
            // what an append needs to know shows itself where it is out of date
            unknown.removeIf(name -> catalog.remembered(name) != null);
        }
        Map<TableName, TargetTable> locked =
                locking && !unknown.isEmpty() ? catalog.locked(batch.target(), unknown) : Map.of();
        Map<TableName, TargetTable> found =
                locked.size() == unknown.size() ? locked : catalog.look(batch.target(), unknown);
        for (TableName name : needed) {
            TargetTable table = unknown.contains(name) ? found.get(name) : catalog.remembered(name);
            if (table == null) {
                throw LoadErrors.noTable(batch.target(), name.quoted());
            }
            Destination destination = byName.computeIfAbsent(name, this::newDestination);
            destination.table = table;
            destination.current = unknown.contains(name);
            destination.locked = locked.containsKey(name);
        }
        for (TableName name : former) {
            Destination destination = newDestination(name);
            destination.table = found.get(name);
            destination.current = true;
            byName.put(name, destination);
        }
    }

    /**
     * @param needed gets the tables that changes go to and that are not known yet
     * @param former gets those where rows were before an update
     */
    private void collect(List<RowChange> changes, Set<TableName> needed, Set<TableName> former) {
        Partition previous = null;
        boolean first = true;
        for (RowChange change : changes) {
            if (change.op() == Op.TRUNCATE) {
                continue;
            }
            Partition partition = partition(change);
            if (first || partition != previous) {
                first = false;
                previous = partition;
                TableName name = partition == null ? settings.table() : partition.table();
                Destination known = byName.get(name);
                if (known == null || known.table == null) {
                    needed.add(name);
                }
            }
            if (settings.rowMode() == RowMode.PLAIN
                    && change.before() != null
                    && change.before().partition() != null
                    && isPlacedHere(change)
                    && !byName.containsKey(change.before().partition().table())) {
                former.add(change.before().partition().table());
            }
        }
    }

    private Destination newDestination(TableName name) {
        return new Destination(byName.size(), name);
    }

    /** Locks the tables that are known from earlier batches, so that the rest of a large batch can use the binary format. */
    private void lockKnown() throws SQLException {
        Set<TableName> unlocked = new LinkedHashSet<>();
        byName.forEach((name, destination) -> {
            if (!destination.current) {
                unlocked.add(name);
            }
        });
        if (unlocked.isEmpty()) {
            return;
        }
        Map<TableName, TargetTable> locked = catalog.locked(batch.target(), unlocked);
        for (TableName name : unlocked) {
            Destination destination = byName.get(name);
            destination.current = true;
            if (locked.containsKey(name)) {
                destination.table = locked.get(name);
                destination.locked = true;
                destination.direct.clear();
            }
        }
    }

    /** Looks a table up again. */
    void refresh(Destination destination) throws SQLException {
        TargetTable table =
                catalog.look(batch.target(), List.of(destination.name)).get(destination.name);
        if (table == null) {
            throw LoadErrors.noTable(batch.target(), destination.quoted());
        }
        destination.table = table;
        destination.current = true;
    }
}
