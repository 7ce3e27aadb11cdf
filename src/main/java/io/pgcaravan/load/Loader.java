package io.pgcaravan.load;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.load.Destination.DirectRows;
import io.pgcaravan.load.PartitionTree.Member;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.TableName;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

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

    /** From here on a batch is large enough to pay for a look at the catalog, which allows the binary format. */
    private static final int LARGE_BATCH = 20_000;

    /** Far more than rows of one table need; rows whose columns differ all the time are written out before it is too much. */
    private static final int MOST_SHAPES = 20_000;

    private final OpenBatch batch;
    private final LoadSettings settings;
    private final TargetColumns catalog;
    private final boolean careful;
    private final CopySpool spool;

    private final Map<Partition, Destination> byPartition = new IdentityHashMap<>();
    private final Map<TableName, Destination> destinations = new LinkedHashMap<>();
    private final Set<TableName> touched = new LinkedHashSet<>();
    private final Map<List<String>, ColumnSet> columnSets = new HashMap<>();
    private TableName lastPlacedFor;
    private boolean lastIsHere;
    private Partition lastPartition;
    private Destination last;
    private Event lastEvent;
    private long rowsSeen;
    private int shapes;

    private StagedChanges staged;
    private boolean stageUsed;
    private List<String> lastKey = List.of();

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
            learn(changes);
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
            write();
        } catch (SQLException e) {
            throw failed(e);
        }
    }

    @Override
    public void beforeCommit() throws SQLException {
        List<String> tables = destinations.values().stream()
                .filter(destination -> destination.table != null)
                .map(Destination::quoted)
                .toList();
        if (settings.analyze() && !tables.isEmpty()) {
            try (Statement statement = batch.target().createStatement()) {
                statement.execute("analyze " + String.join(", ", tables));
            } catch (SQLException e) {
                throw LoadErrors.failed("cannot analyze what the batch wrote to", e);
            }
        }
    }

    @Override
    public void rolledBack() {
        spool.cancel();
        lastEvent = null;
        byPartition.clear();
        destinations.clear();
        lastPartition = null;
        last = null;
        staged = null;
    }

    @Override
    public SQLException failure() {
        return spool.failure();
    }

    private void load(RowChange change) throws SQLException {
        rowsSeen++;
        Op op = change.op();
        if (skips(change)) {
            batch.account()
                    .leaveOut(
                            change.entry(),
                            change.leaves() ? "shard" : op == Op.TRUNCATE ? "onTruncate=ignore" : "rowMode=keep_all");
            return;
        }
        batch.account().load(change.entry(), settings.table());
        if (!batch.ordered() && (settings.rowMode().keyed() || op == Op.TRUNCATE)) {
            throw new IllegalStateException((op == Op.TRUNCATE
                            ? "TRUNCATE"
                            : "rowMode=" + settings.rowMode().name().toLowerCase(Locale.ROOT))
                    + " needs the events in their order, and pgq: was told ordered=false; leave that out");
        }
        inOrder(change);
        if (op == Op.TRUNCATE) {
            truncated(change);
        } else if (settings.rowMode() == RowMode.APPEND) {
            append(change, destination(partition(change)));
        } else if (op == Op.OTHER) {
            reject(
                    change,
                    new BadRowException(
                            change.event(),
                            "its type is neither I, U, D nor R; only rowMode=append takes such events (eventTypes leaves them"
                                    + " out)"));
        } else if (settings.rowMode() == RowMode.KEEP_ALL) {
            append(change, destination(partition(change)));
        } else {
            keyed(change, destination(partition(change)));
        }
    }

    /** A step of the route may have sorted or regrouped the rows. */
    private void inOrder(RowChange change) {
        Event event = change.event();
        if (lastEvent != null
                && event.id() < lastEvent.id()
                && (settings.rowMode().keyed() || change.op() == Op.TRUNCATE)
                && event.isOfTableOf(lastEvent)) {
            throw new IllegalStateException(event + " came after " + lastEvent + " to the load step of table "
                    + settings.table()
                    + ", which needs the changes of a table in their order; take out the step that sorts"
                    + " or regroups them (sort, or chunkBy: type)");
        }
        lastEvent = event;
    }

    private void reject(RowChange change, BadRowException bad) throws SQLException {
        batch.account().unload(change.entry(), settings.table());
        batch.reject(bad);
    }

    /** Whether the settings leave the change out: what is another shard's, a delete where history is kept, a TRUNCATE. */
    private boolean skips(RowChange change) {
        return switch (change.op()) {
            case TRUNCATE -> settings.onTruncate() == OnTruncate.IGNORE;
            case DELETE -> change.leaves() && !settings.rowMode().keyed() || settings.rowMode() == RowMode.KEEP_ALL;
            default -> false;
        };
    }

    // ---- rows that go straight into their table

    private void append(RowChange change, Destination destination) throws SQLException {
        DirectRows rows = directRows(change.columns(), destination);
        if (rows.shape.taken().isEmpty()) {
            destination.defaults++;
        } else if ((rows.preferred().format() == CopyText.INSTANCE || !hold(rows.preferred(), change, rows.shape))
                && means(change, rows.shape)) {
            hold(rows.text(), change, rows.shape);
        }
    }

    /** Whether its texts mean one value whatever the settings; the binary format takes no others. */
    private boolean means(RowChange change, CopyShape shape) throws SQLException {
        String refusal = shape.refusal(change);
        if (refusal != null) {
            reject(change, new BadRowException(change.event(), refusal, "22007", null));
        }
        return refusal == null;
    }

    private boolean hold(HeldRows rows, RowChange change, CopyShape shape) throws SQLException {
        int capacity = rows.capacity();
        boolean taken = rows.format().append(change, shape.positions(), rows.buffer());
        if (taken) {
            rows.added(change, careful);
        }
        spool.grown(rows, capacity);
        return taken;
    }

    private DirectRows directRows(ColumnSet columns, Destination destination) throws SQLException {
        List<DirectRows> direct = destination.direct;
        for (int i = 0; i < direct.size(); i++) {
            if (direct.get(i).columns == columns) {
                return direct.get(i);
            }
        }
        ColumnSet known = canonical(columns);
        if (known != columns) {
            return directRows(known, destination);
        }
        if (++shapes > MOST_SHAPES) {
            batch.count(spool.flush(this::refused));
            destinations.values().forEach(one -> one.direct.clear());
            shapes = 1;
        }
        CopyShape shape = shape(columns, destination);
        HeldRows text =
                new HeldRows(destination.quoted(), destination.quoted(), shape.list(), CopyText.INSTANCE, false);
        CopyFormat format = binary(destination) ? CopyFormat.forTypes(shape.typeOids()) : CopyText.INSTANCE;
        HeldRows preferred = format == CopyText.INSTANCE
                ? text
                : new HeldRows(destination.quoted(), destination.quoted(), shape.list(), format, false);
        DirectRows made = new DirectRows(columns, shape, preferred, text);
        direct.add(made);
        return made;
    }

    /** The binary format means other values where a column's type is not what we believe it to be. */
    private boolean binary(Destination destination) {
        return destination.locked && settings.binary() && !careful;
    }

    private CopyShape shape(ColumnSet columns, Destination destination) throws SQLException {
        CopyShape shape = CopyShape.of(columns, destination.layout());
        if (!shape.unknown().isEmpty() && !destination.current) {
            look(destination);
            shape = CopyShape.of(columns, destination.layout());
        }
        if (!shape.unknown().isEmpty() && settings.onUnknownColumn() == OnUnknownColumn.FAIL) {
            throw LoadErrors.unknownColumn(batch.target(), destination.quoted(), shape.unknown());
        }
        return shape;
    }

    /** One instance for each list of names, also where a route's own step made a set for each row. */
    private ColumnSet canonical(ColumnSet columns) {
        if (columnSets.size() > MOST_SHAPES) {
            columnSets.clear();
        }
        return columnSets.computeIfAbsent(columns.names(), names -> columns);
    }

    // ---- changes that find their row by its key

    private void keyed(RowChange change, Destination destination) throws SQLException {
        List<String> key = key(change);
        if (key == null) {
            return;
        }
        if (batch.keysMustBeAbsent()) {
            refuseIfPresent(change, key);
        }
        if (staged != null && staged.count() > 0 && !staged.key().equals(key)) {
            write();
        }
        if (change.op() == Op.INSERT && isNew(destination, key)) {
            String missing = missingValue(change, key);
            if (missing == null) {
                append(change, destination);
            } else {
                rejectNullKey(change, missing);
            }
            return;
        }
        stage(change, key, destination);
    }

    /** Whether an insert may go straight into the table: it fails there if its key exists, and nothing staged precedes it. */
    private boolean isNew(Destination destination, List<String> key) {
        boolean nothingBefore =
                settings.rowMode() == RowMode.PLAIN ? staged == null || staged.count() == 0 : !destination.staged;
        return !careful && nothingBefore && destination.table.refusesDuplicates(key);
    }

    private void stage(RowChange change, List<String> key, Destination destination) throws SQLException {
        if (staged != null && (staged.full() || !staged.stage().covers(destination.layout()))) {
            write();
        }
        if (staged == null) {
            Stage stage = Stage.of(catalog.step(), destinations.values());
            boolean there = catalog.sawStage(stage.table("change")) && !stageUsed && !careful;
            if (!there) {
                stage.prepare(batch.target(), stageUsed);
            }
            catalog.uses(stage.table("change"));
            stageUsed = true;
            staged = new StagedChanges(batch.target(), spool, stage, key, careful);
        }
        StagedChanges.Shape shape = staged.shape(change.columns(), destination.layout());
        if (shape == null) {
            ColumnSet columns = canonical(change.columns());
            shape = staged.shape(columns, destination.layout());
            if (shape == null) {
                CopyShape copy = shape(columns, destination);
                for (String column : key) {
                    if (!destination.layout().takes(column)) {
                        throw new SQLException(
                                "the key column " + TableName.quote(column) + " of " + change.event()
                                        + " is not a column of table " + destination.quoted()
                                        + " that can be written; correct key or fields, or the table",
                                "42703");
                    }
                }
                shape = staged.newShape(copy, destination.layout(), destination.quoted());
            }
        }
        String missing = shape.nullKey(change);
        if (missing != null) {
            rejectNullKey(change, missing);
            return;
        }
        if (!means(change, shape.copy())) {
            return;
        }
        RowChange before = settings.rowMode() == RowMode.PLAIN ? change.before() : null;
        Destination old = before == null
                        || before.partition() == null
                        || before.partition() == change.partition()
                        || !isPlacedHere(change)
                ? null
                : destination(before.partition());
        staged.add(change, shape, destination, old == destination ? null : old);
    }

    private void refuseIfPresent(RowChange change, List<String> key) throws SQLException {
        TargetTable.Layout layout = destination(change.partition()).layout();
        String where = key.stream()
                .map(column -> TableName.quote(column) + " " + layout.equality(column) + " ?")
                .collect(Collectors.joining(" and "));
        for (Member member :
                PartitionTree.of(batch.target(), settings.table(), touched).members()) {
            try (PreparedStatement statement = batch.target()
                    .prepareStatement(
                            "select exists (select from only " + member.table().quoted() + " where " + where + ")")) {
                for (int i = 0; i < key.size(); i++) {
                    // without a type, so that the text takes the column's
                    statement.setObject(i + 1, change.text(change.columns().position(key.get(i))), Types.OTHER);
                }
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    if (row.getBoolean(1)) {
                        throw new BadRowException(
                                change.event(),
                                "table " + member.table().quoted() + " has a row with its key "
                                        + key.stream()
                                                .map(column -> column + "="
                                                        + change.text(
                                                                change.columns().position(column)))
                                                .collect(Collectors.joining(", "))
                                        + ", which later events may have written");
                    }
                }
            }
        }
    }

    /** The key's columns, null where the row was rejected because it lacks one. */
    private List<String> key(RowChange change) throws SQLException {
        String missing = change.missingKey();
        List<String> key = change.key();
        if (missing == null && key.isEmpty()) {
            key = settings.key();
            if (key.isEmpty()) {
                throw new SQLException(
                        change.event() + " names no key, which rowMode="
                                + settings.rowMode().name().toLowerCase(java.util.Locale.ROOT)
                                + " needs: let the trigger send it (pgq.logutriga does for tables with a primary key),"
                                + " name the key's columns with key=, or choose rowMode=append or keep_all",
                        "55000");
            }
            for (int i = 0; i < key.size() && missing == null; i++) {
                missing = change.columns().position(key.get(i)) < 0 ? key.get(i) : null;
            }
        }
        if (missing != null) {
            reject(
                    change,
                    new BadRowException(
                            change.event(),
                            "it lacks the key column " + TableName.quote(missing)
                                    + ", by which its row in the target would be found"));
            return null;
        }
        if (!key.equals(lastKey)) {
            lastKey = List.copyOf(key);
        }
        return lastKey;
    }

    private static String missingValue(RowChange change, List<String> key) {
        for (int i = 0; i < key.size(); i++) {
            if (change.isNull(change.columns().position(key.get(i)))) {
                return key.get(i);
            }
        }
        return null;
    }

    private void rejectNullKey(RowChange change, String column) throws SQLException {
        reject(
                change,
                new BadRowException(
                        change.event(),
                        "its key column " + TableName.quote(column)
                                + " is NULL, so its row in the target cannot be found",
                        "23502",
                        null));
    }

    // ---- the whole table

    private void truncated(RowChange change) throws SQLException {
        switch (settings.onTruncate()) {
            case IGNORE -> throw new IllegalStateException("left out before");
            case STOP ->
                throw new SQLException(
                        change.event() + ": the source table was truncated, and this job stops at that; set"
                                + " onTruncate=apply to empty table "
                                + settings.table().quoted() + " and its partitions too, or onTruncate=ignore",
                        "55000");
            case APPLY -> {
                spool.discard();
                staged = null;
                for (Destination destination : destinations.values()) {
                    destination.staged = false;
                    destination.defaults = 0;
                }
                PartitionTree tree = PartitionTree.of(batch.target(), settings.table(), touched);
                if (!tree.members().isEmpty()) {
                    try (Statement statement = batch.target().createStatement()) {
                        statement.execute(tree.emptying(batch.target()));
                    } catch (SQLException e) {
                        throw LoadErrors.failed(
                                "cannot empty table " + settings.table().quoted()
                                        + " as the source table was (onTruncate=ignore leaves it as it is)",
                                e);
                    }
                }
            }
        }
    }

    // ---- writing

    private void write() throws SQLException {
        batch.count(spool.flush(this::refused));
        for (Destination destination : destinations.values()) {
            insertDefaults(destination);
        }
        if (staged != null) {
            if (staged.count() > 0) {
                apply();
            }
            staged = null;
            destinations.values().forEach(destination -> destination.staged = false);
        }
    }

    private void apply() throws SQLException {
        NetEffect effect = new NetEffect(staged, catalog, settings.table(), destinations.values(), touched);
        try {
            batch.count(settings.rowMode() == RowMode.PLAIN ? effect.plain() : effect.keepLatest());
            if (effect.refused() > 0) {
                refused(effect.refused());
            }
        } catch (SQLException e) {
            throw LoadErrors.failed(
                    "cannot apply " + staged.count() + " changes to table "
                            + settings.table().quoted(),
                    e);
        }
    }

    private void insertDefaults(Destination destination) throws SQLException {
        if (destination.defaults == 0) {
            return;
        }
        try (Statement statement = batch.target().createStatement()) {
            for (long i = 0; i < destination.defaults; i++) {
                statement.addBatch("insert into " + destination.quoted() + " default values");
                if (i % 1000 == 999) {
                    statement.executeBatch();
                }
            }
            statement.executeBatch();
        } catch (SQLException e) {
            throw LoadErrors.failed(
                    "cannot insert " + destination.defaults + " rows without columns into table "
                            + destination.quoted(),
                    e);
        }
        batch.count(destination.defaults);
        destination.defaults = 0;
    }

    private void refused(long rows) {
        batch.account().refuse(settings.table(), rows);
    }

    private SQLException failed(SQLException e) {
        // whatever it was, what we know of the target may be the reason
        catalog.forget();
        return e;
    }

    // ---- the tables

    /** Gets to know the tables that these changes go to, with one question for all of them. */
    private void learn(List<RowChange> changes) throws SQLException {
        Set<TableName> needed = new LinkedHashSet<>();
        Set<TableName> former = new LinkedHashSet<>();
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
                Destination known = destinations.get(name);
                if (known == null || known.table == null) {
                    needed.add(name);
                }
            }
            if (settings.rowMode() == RowMode.PLAIN
                    && change.before() != null
                    && change.before().partition() != null
                    && isPlacedHere(change)
                    && !destinations.containsKey(change.before().partition().table())) {
                former.add(change.before().partition().table());
            }
        }
        former.removeAll(needed);
        touched.addAll(needed);
        touched.addAll(former);
        if (rowsSeen > LARGE_BATCH
                && !careful
                && settings.binary()
                && !settings.rowMode().keyed()) {
            lockKnown();
        }
        if (needed.isEmpty() && former.isEmpty()) {
            return;
        }
        Set<TableName> unknown = new LinkedHashSet<>(needed);
        unknown.addAll(former);
        if (!settings.rowMode().keyed()) {
            // what an append needs to know shows itself where it is out of date
            unknown.removeIf(name -> catalog.remembered(name) != null);
        }
        Map<TableName, TargetTable> found = Map.of();
        Map<TableName, TargetTable> locked = Map.of();
        if (!unknown.isEmpty()) {
            if (settings.binary() && !careful) {
                locked = catalog.locked(batch.target(), unknown);
            }
            found = locked.size() == unknown.size() ? locked : catalog.look(batch.target(), unknown);
        }
        for (TableName name : needed) {
            TargetTable table = unknown.contains(name) ? found.get(name) : catalog.remembered(name);
            if (table == null) {
                throw LoadErrors.noTable(batch.target(), name.quoted());
            }
            Destination destination = destinations.computeIfAbsent(name, this::newDestination);
            destination.table = table;
            destination.current = unknown.contains(name);
            destination.locked = locked.containsKey(name);
        }
        for (TableName name : former) {
            Destination destination = newDestination(name);
            destination.table = found.get(name);
            destination.current = true;
            destinations.put(name, destination);
        }
    }

    private Destination newDestination(TableName name) {
        return new Destination(destinations.size(), name);
    }

    /** Locks the tables that are known from earlier batches, so that the rest of a large batch can use the binary format. */
    private void lockKnown() throws SQLException {
        Set<TableName> unlocked = destinations.values().stream()
                .filter(destination -> !destination.current)
                .map(destination -> destination.name)
                .collect(Collectors.toCollection(LinkedHashSet::new));
        if (unlocked.isEmpty()) {
            return;
        }
        Map<TableName, TargetTable> locked = catalog.locked(batch.target(), unlocked);
        for (TableName name : unlocked) {
            Destination destination = destinations.get(name);
            destination.current = true;
            if (locked.containsKey(name)) {
                destination.table = locked.get(name);
                destination.locked = true;
                destination.direct.clear();
            }
        }
    }

    private void look(Destination destination) throws SQLException {
        TargetTable table =
                catalog.look(batch.target(), List.of(destination.name)).get(destination.name);
        if (table == null) {
            throw LoadErrors.noTable(batch.target(), destination.quoted());
        }
        destination.table = table;
        destination.current = true;
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

    private Destination destination(Partition partition) {
        if (partition == lastPartition && last != null) {
            return last;
        }
        Destination found = partition == null
                ? destinations.get(settings.table())
                : byPartition.computeIfAbsent(partition, placed -> destinations.get(placed.table()));
        lastPartition = partition;
        last = found;
        return found;
    }
}
