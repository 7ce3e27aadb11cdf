package io.pgcaravan.load;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.load.PartitionTree.Member;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.TableName;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Changes of one batch that find their row by its key. Those that may meet a row wait in the {@link Stage}. */
final class KeyedRows {

    private final OpenBatch batch;
    private final LoadSettings settings;
    private final TargetColumns catalog;
    private final Destinations destinations;
    private final AppendedRows appended;
    private final CopySpool spool;
    private final boolean careful;
    private StagedChanges staged;
    private boolean stageUsed;
    private List<String> lastKey = List.of();

    KeyedRows(
            OpenBatch batch,
            LoadSettings settings,
            TargetColumns catalog,
            Destinations destinations,
            AppendedRows appended,
            CopySpool spool,
            boolean careful) {
        this.batch = batch;
        this.settings = settings;
        this.catalog = catalog;
        this.destinations = destinations;
        this.appended = appended;
        this.spool = spool;
        this.careful = careful;
    }

    void load(RowChange change, Destination destination) throws SQLException {
        List<String> key = key(change);
        if (key == null) {
            return;
        }
        if (batch.keysMustBeAbsent()) {
            refuseIfPresent(change, key);
        }
        if (isStaged() && !staged.key().equals(key)) {
            write();
        }
        if (change.op() == Op.INSERT && isNew(destination, key)) {
            String missing = missingValue(change, key);
            if (missing == null) {
                appended.append(change, destination);
            } else {
                rejectNullKey(change, missing);
            }
        } else {
            stage(change, key, destination);
        }
    }

    private boolean isStaged() {
        return staged != null && staged.count() > 0;
    }

    /** Whether an insert may go straight into the table: it fails there if its key exists, and nothing staged precedes it. */
    private boolean isNew(Destination destination, List<String> key) {
        boolean nothingBefore = settings.rowMode() == RowMode.PLAIN ? !isStaged() : !destination.staged;
        return !careful && nothingBefore && destination.table.refusesDuplicates(key);
    }

    private void stage(RowChange change, List<String> key, Destination destination) throws SQLException {
        if (staged != null && (staged.full() || !staged.stage().covers(destination.layout()))) {
            write();
        }
        if (staged == null) {
            Stage stage = Stage.of(catalog.step(), destinations.all());
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
            ColumnSet columns = appended.canonical(change.columns());
            shape = staged.shape(columns, destination.layout());
            if (shape == null) {
                CopyShape copy = appended.shape(columns, destination);
                refuseUnknownKey(change, key, destination);
                shape = staged.newShape(copy, destination.layout(), destination.quoted());
            }
        }
        String missing = shape.nullKey(change);
        if (missing != null) {
            rejectNullKey(change, missing);
        } else if (appended.accepts(change, shape.copy())) {
            Destination before = settings.rowMode() == RowMode.PLAIN ? destinations.before(change) : null;
            staged.add(change, shape, destination, before == destination ? null : before);
        }
    }

    private static void refuseUnknownKey(RowChange change, List<String> key, Destination destination)
            throws SQLException {
        for (String column : key) {
            if (!destination.layout().takes(column)) {
                throw new SQLException(
                        "the key column " + TableName.quote(column) + " of " + change.event()
                                + " is not a column of table " + destination.quoted()
                                + " that can be written; correct key or fields, or the table",
                        "42703");
            }
        }
    }

    private void refuseIfPresent(RowChange change, List<String> key) throws SQLException {
        TargetTable.Layout layout = destinations.of(change).layout();
        String where = key.stream()
                .map(column -> TableName.quote(column) + " " + layout.equality(column) + " ?")
                .collect(Collectors.joining(" and "));
        for (Member member : PartitionTree.of(batch.target(), settings.table(), destinations.touched())
                .members()) {
            String table = member.table().quoted();
            try (PreparedStatement statement =
                    batch.target().prepareStatement("select from only " + table + " where " + where + " limit 1")) {
                for (int i = 0; i < key.size(); i++) {
                    // without a type, so that the text takes the column's
                    statement.setObject(i + 1, value(change, key.get(i)), Types.OTHER);
                }
                try (ResultSet row = statement.executeQuery()) {
                    if (row.next()) {
                        throw new BadRowException(
                                change.event(),
                                "table " + table + " has a row with its key "
                                        + key.stream()
                                                .map(column -> column + "=" + value(change, column))
                                                .collect(Collectors.joining(", "))
                                        + ", which later events may have written");
                    }
                }
            }
        }
    }

    private static String value(RowChange change, String column) {
        return change.text(change.columns().position(column));
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
                                + settings.rowMode().name().toLowerCase(Locale.ROOT)
                                + " needs: let the trigger send it (pgq.logutriga does for tables with a primary key),"
                                + " name the key's columns with key=, or choose rowMode=append or keep_all",
                        "55000");
            }
            for (int i = 0; i < key.size() && missing == null; i++) {
                missing = change.columns().position(key.get(i)) < 0 ? key.get(i) : null;
            }
        }
        if (missing != null) {
            appended.reject(
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
        appended.reject(
                change,
                new BadRowException(
                        change.event(),
                        "its key column " + TableName.quote(column)
                                + " is NULL, so its row in the target cannot be found",
                        "23502",
                        null));
    }

    /** Forgets changes that were staged. */
    void discard() {
        staged = null;
        destinations.all().forEach(destination -> destination.staged = false);
    }

    /** Writes everything to the target and applies what was staged. */
    void write() throws SQLException {
        appended.write();
        if (isStaged()) {
            NetEffect effect = new NetEffect(staged, catalog, settings.table(), destinations);
            try {
                batch.count(settings.rowMode() == RowMode.PLAIN ? effect.plain() : effect.keepLatest());
            } catch (SQLException e) {
                throw LoadErrors.failed(
                        "cannot apply " + staged.count() + " changes to table "
                                + settings.table().quoted(),
                        e);
            }
            if (effect.refused() > 0) {
                batch.account().refuse(settings.table(), effect.refused());
            }
        }
        discard();
    }
}
