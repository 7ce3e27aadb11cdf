package io.pgcaravan.ship.compare;

import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.ReadSession;
import io.pgcaravan.ship.exporter.SourceTable;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.StringJoiner;
import java.util.stream.Collectors;

/**
 * Notes keys at the source as if their rows had been changed there, so that the next set of every target has them: the target
 * deletes their rows, and appends those that the source has. All that holds for sets holds for this.
 *
 * <p>Nothing is noted before {@link #commit}.
 */
public final class Repair implements Comparison.Differences, AutoCloseable {

    private static final int BATCH = 1000;

    /** Fewer than this are no question of what is quicker. */
    private static final long FEW = 100_000;

    private final Connection connection;
    private final TableName table;
    private final SourceTable source;
    private final String insert;
    private final List<List<String>> waiting = new ArrayList<>();
    private long noted;
    private long withoutKey;

    private Repair(Connection connection, TableName table, SourceTable source, String insert) {
        this.connection = connection;
        this.table = table;
        this.source = source;
        this.insert = insert;
    }

    /** @throws ChangeSetException where the table's changes are not noted at all */
    public static Repair of(Connect database, TableName table) {
        try {
            Connection connection = database.open();
            try {
                connection.setAutoCommit(false);
                ReadSession.settings(connection);
                SourceTable source = SourceTable.read(connection, table);
                return new Repair(connection, table, source, insert(connection, table, source));
            } catch (SQLException | RuntimeException e) {
                connection.rollback();
                connection.close();
                throw e;
            }
        } catch (SQLException e) {
            throw failed(table, e);
        }
    }

    /** The tracking table's own types, without their lengths: a key that does not fit is an error then, and not cut off. */
    private static String insert(Connection connection, TableName table, SourceTable source) throws SQLException {
        List<String[]> columns = Query.all(
                connection,
                "select quote_ident(attname), format_type(atttypid, -1) from pg_attribute where attrelid = to_regclass(?)"
                        + " and attnum > 0 and not attisdropped and attname <> ? order by attnum",
                row -> new String[] {row.getString(1), row.getString(2)},
                Tracking.tracking(table).quoted(),
                source.xidColumn());
        StringJoiner names = new StringJoiner(", ");
        StringJoiner given = new StringJoiner(", ");
        StringJoiner values = new StringJoiner(", ");
        for (int i = 0; i < columns.size(); i++) {
            names.add(columns.get(i)[0]);
            given.add("c" + i);
            values.add("k.c" + i + "::" + columns.get(i)[1]);
        }
        return "insert into " + Tracking.tracking(table).quoted() + " (" + names + ") select " + values
                + " from unnest(" + String.join(", ", Collections.nCopies(columns.size(), "?::text[]")) + ") k ("
                + given + ")";
    }

    @Override
    public void by(List<String> key) {
        if (!key.equals(source.key())) {
            throw new ChangeSetException("rows of " + table + " are noted by their primary key ("
                    + String.join(", ", source.key()) + "), and were compared by (" + String.join(", ", key) + ")");
        }
    }

    /** Takes what is wrong; what is on its way needs no repair. */
    @Override
    public void add(Difference difference) throws SQLException {
        if (difference.onItsWay()) {
            return;
        }
        if (difference.key().stream().anyMatch(column -> column == null)) {
            // a line of NULLs stands for a TRUNCATE
            withoutKey++;
            return;
        }
        waiting.add(difference.key());
        noted++;
        if (noted > Math.max(FEW, source.rows())) {
            throw new ChangeSetException("more rows of " + table + " differ than the source has: a full set"
                    + " puts that right sooner (caravan export --full); nothing was noted");
        }
        if (waiting.size() == BATCH) {
            flush();
        }
    }

    private void flush() throws SQLException {
        if (waiting.isEmpty()) {
            return;
        }
        try {
            Object[] values = new Object[source.key().size()];
            for (int column = 0; column < values.length; column++) {
                int at = column;
                values[at] = connection.createArrayOf(
                        "text", waiting.stream().map(key -> key.get(at)).toArray(String[]::new));
            }
            Query.update(connection, insert, values);
        } catch (SQLException e) {
            throw failed(table, e);
        }
        waiting.clear();
    }

    /**
     * Makes what was noted count.
     *
     * @return how many keys that are
     */
    public long commit() {
        try {
            flush();
            connection.commit();
            return noted;
        } catch (SQLException e) {
            throw failed(table, e);
        }
    }

    /** Rows of the target that have NULL in their key, and can be reached only by a full set. */
    public long withoutKey() {
        return withoutKey;
    }

    private static ChangeSetException failed(TableName table, SQLException e) {
        return new ChangeSetException(
                "the keys of " + table + " that differ cannot be noted in " + Tracking.tracking(table) + ": "
                        + e.getMessage().lines().collect(Collectors.joining("; "))
                        + ("42501".equals(e.getSQLState())
                                ? "; let the owner of that table do it, or a role with the rights that caravan grants --side repair prints"
                                : "")
                        + "; nothing was noted",
                e);
    }

    /** Forgets what was not committed. */
    @Override
    public void close() {
        try (connection) {
            connection.rollback();
        } catch (SQLException e) {
            // the connection is gone, and what it had not committed with it
        }
    }
}
