package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts the rows of sets into the place of those that tables have, in the connection's open transaction: changed keys are deleted,
 * and the records that still exist are appended. Where rows that stay must not go even for a moment, they are updated in place.
 */
final class Replacement {

    private static final String UNIQUE_VIOLATION = "23505";

    private final Connection connection;
    private final List<Rows> tables;
    private final Map<Rows, Long> deleted = new HashMap<>();

    /** @param tables those that others refer to first */
    Replacement(Connection connection, List<Rows> tables) {
        this.connection = connection;
        this.tables = tables;
    }

    /** Sends the records of a set. */
    interface Records {

        /** @param into the table and its columns, as COPY takes them */
        void copy(String into) throws SQLException, IOException;
    }

    /**
     * What goes from one table, and what comes.
     *
     * @param ids a temporary table with the keys that go; null for all
     * @param staged a temporary table with the records, which there has to be where rows stay in place; null for none
     * @param records sends them right into the table; null where they are staged
     */
    record Rows(ImportTable table, String ids, String staged, Records records) {

        boolean stay() {
            return table.keeps() != null;
        }
    }

    /** How many rows of a table were deleted and did not come again, or all that were deleted where none had to stay. */
    long deleted(Rows rows) {
        return deleted.getOrDefault(rows, 0L);
    }

    /**
     * Rows that others refer to go last, when those have moved to other rows. Only where a unique value has moved as well, from
     * a row that is gone, they have to go first; and that is safe only if nothing is deleted together with them.
     *
     * @throws ChangeSetException where a unique value moves from row to row in a way that needs another constraint
     */
    void run() throws SQLException, IOException {
        // those that may wait: unique values that rows exchange, tables that refer to each other
        execute("set constraints all deferred");
        for (int i = tables.size() - 1; i >= 0; i--) {
            if (!tables.get(i).stay()) {
                delete(tables.get(i));
            }
        }
        boolean stay = tables.stream().anyMatch(Rows::stay);
        Savepoint before = stay ? connection.setSavepoint() : null;
        try {
            append();
            deleteVanished();
            execute("set constraints all immediate");
        } catch (SQLException e) {
            if (!stay || !UNIQUE_VIOLATION.equals(e.getSQLState())) {
                throw e;
            }
            retry(before, e);
        }
    }

    private void retry(Savepoint before, SQLException violation) throws SQLException, IOException {
        if (tables.stream().noneMatch(rows -> rows.table.cascades())) {
            connection.rollback(before);
            try {
                deleteVanished();
                append();
                execute("set constraints all immediate");
                return;
            } catch (SQLException e) {
                if (!UNIQUE_VIOLATION.equals(e.getSQLState())) {
                    throw e;
                }
            }
        }
        Rows fixed = tables.stream()
                .filter(rows -> rows.stay() && !rows.table.mayBeAbsent())
                .findFirst()
                .orElse(null);
        if (fixed != null) {
            throw new ChangeSetException(
                    violation.getMessage() + ". A unique value moves from one row to another, and as "
                            + fixed.table.keeps()
                            + ", rows of " + fixed.table.name()
                            + " are updated in place, one by one. A unique constraint that is DEFERRABLE lets them"
                            + " exchange values: make this one so in the target",
                    violation);
        }
        connection.rollback(before);
        for (Rows rows : tables) {
            if (rows.stay()) {
                exchange(rows);
            } else {
                append(rows);
            }
        }
        execute("set constraints all immediate");
    }

    private void append() throws SQLException, IOException {
        for (Rows rows : tables) {
            append(rows);
        }
    }

    private void deleteVanished() throws SQLException {
        for (int i = tables.size() - 1; i >= 0; i--) {
            if (tables.get(i).stay()) {
                delete(tables.get(i));
            }
        }
    }

    private void delete(Rows rows) throws SQLException {
        String sql = delete(rows.table, rows.ids);
        if (rows.stay()) {
            sql += (rows.ids == null ? " where" : " and") + " not exists (select from " + rows.staged + " k where "
                    + rows.table.sameKey() + ")";
        }
        deleted.put(rows, Query.update(connection, sql));
    }

    private static String delete(ImportTable table, String ids) {
        return "delete from " + table.name().quoted() + " t"
                + (ids == null ? "" : " using " + ids + " k where " + table.sameKey());
    }

    private void append(Rows rows) throws SQLException, IOException {
        ImportTable table = rows.table;
        if (rows.staged == null) {
            rows.records.copy(table.name().quoted() + " (" + TableName.quote(table.columns()) + ")");
            return;
        }
        String insert = insert(rows);
        if (rows.stay()) {
            List<String> sets = table.updated().stream()
                    .map(TableName::quote)
                    .map(column -> column + " = excluded." + column)
                    .toList();
            insert += " on conflict (" + TableName.quote(table.key()) + ") do "
                    + (sets.isEmpty() ? "nothing" : "update set " + String.join(", ", sets));
        }
        execute(insert);
    }

    private static String insert(Rows rows) {
        String columns = TableName.quote(rows.table.columns());
        return "insert into " + rows.table.name().quoted() + " (" + columns + ") overriding system value select "
                + columns + " from " + rows.staged;
    }

    /** Deletes and appends in one statement, at the end of which foreign keys look: they find every row that stays. */
    private void exchange(Rows rows) throws SQLException {
        execute("with gone as (" + delete(rows.table, rows.ids) + " returning 1) " + insert(rows)
                // all are gone before the first one comes
                + " where (select count(*) from gone) >= 0");
    }

    private void execute(String sql) throws SQLException {
        Query.execute(connection, sql);
    }
}
