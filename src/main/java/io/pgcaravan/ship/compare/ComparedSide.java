package io.pgcaravan.ship.compare;

import io.pgcaravan.queue.Source;
import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.CopyOutput;
import io.pgcaravan.ship.ReadSession;
import io.pgcaravan.ship.Snapshot;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.ImportLedger;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.postgresql.PGConnection;

/** One side of a comparison: a table, seen by one snapshot from the first question to the last. */
final class ComparedSide implements AutoCloseable {

    private static final String PROBE = Sql.file("ship/hash-probe");
    private static final TableName IMPORT_SET = new TableName("caravan", "import_set");
    private static final int FETCHED = 2000;

    private final Connection connection;
    private final ComparedTable table;
    private final String snapshot;
    private final String probe;

    private ComparedSide(Connection connection, ComparedTable table, String snapshot, String probe) {
        this.connection = connection;
        this.table = table;
        this.snapshot = snapshot;
        this.probe = probe;
    }

    static ComparedSide open(Connect database, TableName name) throws SQLException {
        Connection connection = database.open();
        try {
            ReadSession.begin(connection);
            // the first question takes the snapshot
            String snapshot = Query.text(connection, "select pg_current_snapshot()::text");
            return new ComparedSide(
                    connection, ComparedTable.read(connection, name), snapshot, Query.text(connection, PROBE));
        } catch (SQLException | RuntimeException e) {
            Connect.close(connection);
            throw e;
        }
    }

    ComparedTable table() {
        return table;
    }

    /** What this side sees, as {@code pg_snapshot} prints it. */
    String snapshot() {
        return snapshot;
    }

    /** Equal on servers that hash alike. */
    String probe() {
        return probe;
    }

    Source system() throws SQLException {
        return Source.of(connection);
    }

    /** Ends a statement that another thread waits for. */
    void cancel() throws SQLException {
        connection.unwrap(PGConnection.class).cancelQuery();
    }

    // ---- what is compared

    RangeSums sums(RowHashing hashing) throws SQLException, IOException {
        RangeSums sums = new RangeSums(hashing.ranges());
        CopyOutput.read(connection, hashing.sums(table.name()), line -> {
            String[] part = new String(line, StandardCharsets.US_ASCII).strip().split("\t");
            sums.set(Integer.parseInt(part[0]), Long.parseLong(part[1]), new BigInteger(part[2]).longValue());
        });
        return sums;
    }

    HashedRows rows(RowHashing hashing, BitSet ranges) throws SQLException {
        Cursor cursor = new Cursor(connection, hashing.rows(table.name(), ranges));
        int columns = hashing.key().size();
        return new HashedRows() {
            @Override
            public Row next() throws SQLException {
                if (!cursor.rows.next()) {
                    return null;
                }
                List<String> key = new ArrayList<>(columns);
                for (int i = 0; i < columns; i++) {
                    key.add(cursor.rows.getString(i + 3));
                }
                return new Row(cursor.rows.getLong(1), cursor.rows.getLong(2), key);
            }

            @Override
            public void close() throws SQLException {
                cursor.close();
            }
        };
    }

    // ---- what is on its way

    /** What the target has applied; null where it imports no sets of this table, or this user may not know. */
    ImportLedger.Position position() throws SQLException {
        return mayRead(IMPORT_SET) ? new ImportLedger(connection).position(table.name()) : null;
    }

    /** As {@link ImportLedger#stranger}. */
    String stranger(Target meant, ImportLedger.Position position, Target here) throws SQLException {
        return new ImportLedger(connection).stranger(meant, position, here);
    }

    /**
     * The last set that the target has, where this side, the source, can tell which changes came after it; null otherwise.
     *
     * @param remarks is given why not
     * @throws ChangeSetException where this is a standby that has not come as far
     */
    Answer.AppliedSet known(Answer.AppliedSet applied, List<String> remarks) throws SQLException {
        if (applied == null || !applied.system().equals(system().system())) {
            return null;
        }
        if (Long.compareUnsigned(Snapshot.xmax(applied.snapshot()), Snapshot.xmax(snapshot)) <= 0) {
            return applied;
        }
        if (Query.flag(connection, "select pg_is_in_recovery()")) {
            throw new ChangeSetException("the source has not seen yet what the target has applied: it is a standby that"
                    + " lags behind; compare again later, or with the primary");
        }
        remarks.add(
                "the target has set " + applied.set() + ", which is newer than all that the source has seen: the source"
                        + " was restored to an earlier state. caravan export --full --after " + applied.set()
                        + " makes the target equal to it");
        return null;
    }

    /** How many sets the target has not applied yet, by this side's export ledger; null where that is not known. */
    Long setsAfter(Answer.AppliedSet applied, Target target, TableName ledger) throws SQLException {
        if (target == null || applied == null || !applied.system().equals(system().system()) || !mayRead(ledger)) {
            return null;
        }
        return Query.number(
                connection,
                "select count(*) from " + ledger.quoted() + " where target_host = ? and target_database = ?"
                        + " and table_schema = ? and table_name = ? and set_number > ?",
                target.host(),
                target.database(),
                table.name(),
                applied.set());
    }

    /** Not by {@code to_regclass}, which is an error where the schema may not be used. */
    private boolean mayRead(TableName name) throws SQLException {
        return Query.flag(
                connection,
                "select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')"
                        + " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                        + " where n.nspname = ? and c.relname = ?",
                name);
    }

    /**
     * The column with the transaction ids of the table that notes this table's changes, null where none does, or not by this key.
     */
    private String xidColumn(List<String> key) throws SQLException {
        TableName notes = Tracking.tracking(table.name());
        if (!mayRead(notes)) {
            return null;
        }
        List<String> columns = Query.all(
                connection,
                "select attname from pg_attribute where attrelid = to_regclass(?) and attnum > 0 and not attisdropped"
                        + " order by attnum",
                row -> row.getString(1),
                notes.quoted());
        return columns.size() == key.size() + 1
                        && columns.subList(0, key.size()).equals(key)
                ? columns.get(key.size())
                : null;
    }

    /**
     * The keys that were noted here and that the target cannot have yet.
     *
     * @param seen what the target has applied, as {@code pg_snapshot} prints it; null where that is unknown: then no key is noted
     */
    NotedKeys noted(RowHashing hashing, BitSet ranges, String seen) throws SQLException {
        String xid = seen == null ? null : xidColumn(hashing.key());
        if (xid == null) {
            return NotedKeys.NONE;
        }
        TableName notes = Tracking.tracking(table.name());
        String quoted = "t." + TableName.quote(xid);
        String literal = Snapshot.literal(seen);
        String unseen = quoted + " >= pg_snapshot_xmin(" + literal + ") and not pg_visible_in_snapshot(" + quoted + ", "
                + literal + ")";
        String first = "t." + TableName.quote(hashing.key().get(0));
        if (Query.flag(
                connection,
                "select exists (select from " + notes.quoted() + " t where " + unseen + " and " + first + Tracking.NULL
                        + ")")) {
            return NotedKeys.ALL;
        }
        Cursor cursor =
                new Cursor(connection, hashing.keys(notes, unseen + " and " + first + Tracking.NOT_NULL, ranges));
        return new NotedKeys.Listed(cursor);
    }

    /** A result that is read piece by piece. */
    static final class Cursor implements AutoCloseable {

        private final Statement statement;
        final ResultSet rows;

        Cursor(Connection connection, String query) throws SQLException {
            statement = connection.createStatement();
            try {
                statement.setFetchSize(FETCHED);
                rows = statement.executeQuery(query);
            } catch (SQLException e) {
                statement.close();
                throw e;
            }
        }

        @Override
        public void close() throws SQLException {
            statement.close();
        }
    }

    @Override
    public void close() throws SQLException {
        Connect.close(connection);
    }
}
