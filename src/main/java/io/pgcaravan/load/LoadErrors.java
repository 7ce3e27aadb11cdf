package io.pgcaravan.load;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.load.HeldRows.Full;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Says what failed, on which table, and what to do next; keeps the SQLSTATE. */
final class LoadErrors {

    /** CONTEXT of an error in COPY, in English; localized servers word it differently and then no row is named. */
    private static final Pattern COPY_LINE =
            Pattern.compile("^COPY (.*), line (\\d+)(?:, column .*|: \".*)?$", Pattern.MULTILINE);

    private static final Pattern COPY_COLUMN =
            Pattern.compile("^COPY .*, line \\d+, column ([^:\\n]+)", Pattern.MULTILINE);

    private static final Pattern ANY_COPY = Pattern.compile("^COPY ", Pattern.MULTILINE);

    private LoadErrors() {}

    /**
     * A COPY's error.
     *
     * @return with the rows' table and number
     * @throws BadRowException where the error blames one row and says which, or a value of an unknown row
     */
    static SQLException copyFailed(Full full, SQLException cause) {
        String state = cause.getSQLState();
        boolean value = isOfValue(cause);
        if (full.changes() != null && (value || BadRowException.isBadRow(state))) {
            RowChange change = blamed(full, cause);
            if (change != null) {
                throw new BadRowException(
                        change.event(),
                        "cannot load it into table " + full.table() + ": " + message(cause) + advice(state, change),
                        state,
                        cause);
            }
        }
        String said = "cannot load " + full.rows() + (full.rows() == 1 ? " row" : " rows") + " into table "
                + full.table() + ": " + message(cause);
        if (value) {
            throw new BadRowException(null, said, state, cause);
        }
        return new SQLException(said, state, cause);
    }

    /**
     * Whether a column's type does not take a value, for a reason that does not tell by its SQLSTATE alone: a regclass that names no
     * table here, a text that makes too large a tsvector.
     */
    private static boolean isOfValue(SQLException cause) {
        ServerErrorMessage server = cause instanceof PSQLException failure ? failure.getServerErrorMessage() : null;
        String state = String.valueOf(cause.getSQLState());
        return server != null
                && server.getWhere() != null
                && COPY_COLUMN.matcher(server.getWhere()).find()
                && state.matches("(42|3F|54|0A).*")
                && !state.equals("42501");
    }

    /** An error of another statement. */
    static SQLException failed(String what, SQLException cause) {
        return new SQLException(what + ": " + message(cause), cause.getSQLState(), cause);
    }

    static SQLException noTable(Connection target, String quoted) throws SQLException {
        return new SQLException(
                "table " + quoted + " does not exist in the target database \"" + target.getCatalog()
                        + "\"; create it, or correct destTable (with its schema where the search path lacks it)",
                "42P01");
    }

    static SQLException unknownColumn(Connection target, String table, List<String> columns) throws SQLException {
        return new SQLException(
                "table " + table + " in the target database \"" + target.getCatalog() + "\" lacks "
                        + (columns.size() == 1 ? "column " : "columns ")
                        + TableName.quote(columns)
                        + " of the events; add it to the table, leave it out with fields or skipFields,"
                        + " or set onUnknownColumn=ignore",
                "42703");
    }

    private static RowChange blamed(Full full, SQLException cause) {
        ServerErrorMessage server = cause instanceof PSQLException failure ? failure.getServerErrorMessage() : null;
        String where = server == null ? null : server.getWhere();
        if (where == null || ANY_COPY.matcher(where).results().count() != 1) {
            return null;
        }
        Matcher line = COPY_LINE.matcher(where);
        if (!line.find()) {
            return null;
        }
        long number = Long.parseLong(line.group(2));
        return number < 1 || number > full.changes().size()
                ? null
                : full.changes().get((int) number - 1);
    }

    private static String advice(String state, RowChange change) {
        boolean duplicate = "23505".equals(state) && (change.op() == Op.UPDATE || change.op() == Op.DELETE);
        return duplicate
                ? "; this row mode adds a row for every "
                        + (change.op() == Op.UPDATE ? "update" : "delete")
                        + " too: to apply updates and deletes set rowMode=keep_latest or rowMode=plain"
                        + " (row_mode in an ini file),"
                        + " or drop the unique index"
                : "";
    }

    /** The server's message and detail without its other fields. */
    static String message(SQLException cause) {
        ServerErrorMessage server = cause instanceof PSQLException failure ? failure.getServerErrorMessage() : null;
        if (server == null) {
            return String.valueOf(cause.getMessage());
        }
        Matcher column = COPY_COLUMN.matcher(String.valueOf(server.getWhere()));
        return server.getMessage()
                + (column.find() ? " (column " + column.group(1) + ")" : "")
                + (server.getDetail() == null ? "" : " (" + server.getDetail() + ")");
    }
}
