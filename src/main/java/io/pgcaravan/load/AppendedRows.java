package io.pgcaravan.load;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.load.Destination.DirectRows;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Query;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Rows of one batch that go straight into their table, held back by table and column set until there are enough for a COPY. */
final class AppendedRows {

    /** Far more than rows of one table need; rows whose columns differ all the time are written out before it is too much. */
    private static final int MOST_SHAPES = 20_000;

    private final OpenBatch batch;
    private final LoadSettings settings;
    private final Destinations destinations;
    private final CopySpool spool;
    private final boolean careful;
    private final Map<List<String>, ColumnSet> columnSets = new HashMap<>();
    private int shapes;

    AppendedRows(OpenBatch batch, LoadSettings settings, Destinations destinations, CopySpool spool, boolean careful) {
        this.batch = batch;
        this.settings = settings;
        this.destinations = destinations;
        this.spool = spool;
        this.careful = careful;
    }

    void append(RowChange change, Destination destination) throws SQLException {
        DirectRows rows = directRows(change.columns(), destination);
        if (rows.shape.taken().isEmpty()) {
            destination.defaults++;
        } else if ((rows.preferred().format() == CopyText.INSTANCE || !hold(rows.preferred(), change, rows.shape))
                && accepts(change, rows.shape)) {
            hold(rows.text(), change, rows.shape);
        }
    }

    /** Whether its texts mean one value whatever the settings, else it is rejected; the binary format takes no others. */
    boolean accepts(RowChange change, CopyShape shape) throws SQLException {
        String refusal = shape.refusal(change);
        if (refusal != null) {
            reject(change, new BadRowException(change.event(), refusal, "22007", null));
        }
        return refusal == null;
    }

    void reject(RowChange change, BadRowException bad) throws SQLException {
        batch.account().unload(change.entry(), settings.table());
        batch.reject(bad);
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
            write();
            destinations.all().forEach(one -> one.direct.clear());
            shapes = 1;
        }
        CopyShape shape = shape(columns, destination);
        String table = destination.quoted();
        HeldRows text = new HeldRows(table, table, shape.list(), CopyText.INSTANCE, false);
        // the binary format means other values where a column's type is not what we believe it to be
        boolean binary = destination.locked && settings.binary() && !careful;
        CopyFormat format = binary ? CopyFormat.forTypes(shape.typeOids()) : CopyText.INSTANCE;
        HeldRows preferred =
                format == CopyText.INSTANCE ? text : new HeldRows(table, table, shape.list(), format, false);
        DirectRows made = new DirectRows(columns, shape, preferred, text);
        direct.add(made);
        return made;
    }

    CopyShape shape(ColumnSet columns, Destination destination) throws SQLException {
        CopyShape shape = CopyShape.of(columns, destination.layout());
        if (!shape.unknown().isEmpty() && !destination.current) {
            destinations.refresh(destination);
            shape = CopyShape.of(columns, destination.layout());
        }
        if (!shape.unknown().isEmpty() && settings.onUnknownColumn() == OnUnknownColumn.FAIL) {
            throw LoadErrors.unknownColumn(batch.target(), destination.quoted(), shape.unknown());
        }
        return shape;
    }

    /** One instance for each list of names, also where a route's own step made a set for each row. */
    ColumnSet canonical(ColumnSet columns) {
        if (columnSets.size() > MOST_SHAPES) {
            columnSets.clear();
        }
        return columnSets.computeIfAbsent(columns.names(), names -> columns);
    }

    /** Writes everything to the target. */
    void write() throws SQLException {
        batch.count(spool.flush(rows -> batch.account().refuse(settings.table(), rows)));
        for (Destination destination : destinations.all()) {
            insertDefaults(destination);
        }
    }

    private void insertDefaults(Destination destination) throws SQLException {
        if (destination.defaults == 0) {
            return;
        }
        String insert = "insert into " + destination.quoted() + " default values";
        try (Statement statement = batch.target().createStatement()) {
            for (long i = 1; i <= destination.defaults; i++) {
                statement.addBatch(insert);
                if (i % 1000 == 0 || i == destination.defaults) {
                    statement.executeBatch();
                }
            }
        } catch (SQLException e) {
            throw LoadErrors.failed(
                    "cannot insert " + destination.defaults + " rows without columns into table "
                            + destination.quoted(),
                    e);
        }
        batch.count(destination.defaults);
        destination.defaults = 0;
    }

    /** Empties the destination table and its partitions; rows that were held back for them are void. */
    void emptyTables() throws SQLException {
        spool.discard();
        destinations.all().forEach(destination -> destination.defaults = 0);
        PartitionTree tree = PartitionTree.of(batch.target(), settings.table(), destinations.touched());
        if (!tree.members().isEmpty()) {
            try {
                Query.execute(batch.target(), tree.emptying(batch.target()));
            } catch (SQLException e) {
                throw LoadErrors.failed(
                        "cannot empty table " + settings.table().quoted()
                                + " as the source table was (onTruncate=ignore leaves it as it is)",
                        e);
            }
        }
    }
}
