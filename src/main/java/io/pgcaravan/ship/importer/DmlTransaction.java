package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.ReadSession;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Sha256;
import io.pgcaravan.ship.importer.DmlFiles.OpenFile;
import io.pgcaravan.ship.importer.DmlImporter.Outcome;
import io.pgcaravan.ship.importer.ImportLedger.Position;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.SearchPath;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** The transaction that applies the files of one table, and notes the newest number in {@code caravan.dml_import}. */
final class DmlTransaction {

    /** The tool knows of no other key. */
    private static final List<String> KEY = List.of("id");

    private static final String IDS = "pg_temp.caravan_dml_ids";
    private static final String RECORDS = "pg_temp.caravan_dml_records";
    private static final String CHANGES = "pg_temp.caravan_dml_changes";

    private static final String STYLED = Sql.file("ship/styled-columns");

    /** Day and month in an order that only DateStyle tells, or names of months and zones. */
    private static final String UNCLEAR_DATE =
            "(^|[^0-9])[0-9]{1,2}([-./])[0-9]{1,2}\\2[0-9]{2,}|(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";

    /** {@code -1 2:03:04}, where only IntervalStyle tells whether the hours are negative as well. */
    private static final String UNCLEAR_INTERVAL = "(^|[^0-9])-[0-9]+ [0-9]+:";

    private static final Pattern PLACE = Pattern.compile("COPY [^,]+, (line \\d+.*)", Pattern.DOTALL);

    private final Connection connection;
    private final TableName table;
    private final DmlFiles files;
    private final DmlImporter.Options options;
    private final DmlImporter.Progress progress;
    private final MessageDigest digest = Sha256.digest();

    /** @param connection without autocommit */
    DmlTransaction(
            Connection connection,
            TableName table,
            DmlFiles files,
            DmlImporter.Options options,
            DmlImporter.Progress progress) {
        this.connection = connection;
        this.table = table;
        this.files = files;
        this.options = options;
        this.progress = progress;
    }

    /** What a table has of its changes. */
    private record LastImport(long number, String files) {}

    /** @throws NotImportedException where nothing was changed */
    Outcome run() throws SQLException, IOException, NotImportedException {
        String rolesPath = SearchPath.change(connection, SearchPath.PINNED, true);
        ReadSession.settings(connection);
        execute("set local synchronous_commit = on");
        mustBePermitted();
        ImportTable into = table();
        SearchPath.change(connection, rolesPath, true);
        stage();
        Outcome outcome = apply(into);
        if (!files.areUnchanged()) {
            throw NotImportedException.incomplete("waits, as its files were written over while they were read");
        }
        connection.commit();
        return outcome;
    }

    private Outcome outcome(Result result, String message) {
        return new Outcome(table.toString(), result, message);
    }

    private void mustBePermitted() throws SQLException, NotImportedException {
        ImportLedger ledger = new ImportLedger(connection);
        Position position = ledger.isInstalled() ? ledger.lock(table) : null;
        if (position == null || !OwnTables.exists(connection, "caravan.dml_import")) {
            throw new NotImportedException(
                    Result.REFUSED,
                    "is refused: this database was not told to accept it; " + ImportLedger.permits(table)
                            + " permits it");
        }
        if (position.number() != null) {
            throw new NotImportedException(
                    Result.REFUSED,
                    "is refused: the table gets change sets now, the last one is set " + position.number()
                            + ", and these files would set it back");
        }
    }

    private Outcome apply(ImportTable into) throws SQLException, IOException, NotImportedException {
        String hash = HexFormat.of().formatHex(digest.digest());
        LastImport before = Query.first(
                connection,
                "select last_number, files from caravan.dml_import where table_schema = ? and table_name = ?",
                row -> new LastImport(row.getLong(1), row.getString(2)),
                table);
        if (before != null && before.files.equals(hash)) {
            return outcome(Result.ALREADY_APPLIED, "these files were applied before");
        }
        long first = number("select coalesce(min(number), 0) from " + CHANGES);
        long last = number("select coalesce(max(number), 0) from " + CHANGES);
        long records = number("select count(*) from " + RECORDS);
        if (last == 0) {
            if (records > 0) {
                throw new ChangeSetException(files.ids().name() + " is empty, and "
                        + files.records().name() + " is not: they are not of one export");
            }
            return outcome(Result.ALREADY_APPLIED, "nothing has changed");
        }
        if (before != null && last <= before.number) {
            throw new NotImportedException(
                    Result.REFUSED,
                    "is refused: its changes end with number " + last + ", and the table has those up to "
                            + before.number
                            + ". Files that come late have to be deleted; if the source counts from 1"
                            + " again, caravan ddl reset and importer for the table let them in");
        }
        records -= deleteDuplicates();
        execute("create temp table " + IDS.substring(8) + " on commit drop as select id from " + CHANGES
                + " where id is not null union select id from " + RECORDS);
        execute("analyze " + IDS);
        execute("analyze " + RECORDS);
        Replacement.Rows rows = new Replacement.Rows(into, IDS, RECORDS, null);
        Replacement replacement = new Replacement(connection, List.of(rows));
        replacement.run();
        SearchPath.change(connection, SearchPath.PINNED, true);
        Query.update(connection, """
                insert into caravan.dml_import (table_schema, table_name, last_number, files) values (?, ?, ?, ?)
                on conflict (table_schema, table_name) do update
                   set last_number = excluded.last_number, files = excluded.files, applied_at = clock_timestamp()""", table, last, hash);
        return outcome(
                Result.APPLIED,
                "changes " + first + " to " + last + ", " + records + " rows written, " + replacement.deleted(rows)
                        + " deleted"
                        + (before != null && first > before.number + 1
                                ? "; numbers " + (before.number + 1) + " to " + (first - 1)
                                        + " came in no file: of transactions that were rolled back, or of an export whose"
                                        + " files were lost"
                                : ""));
    }

    /**
     * A row that was changed twice is there twice.
     *
     * @return how many were deleted
     */
    private long deleteDuplicates() throws SQLException {
        String id = Query.text(
                connection,
                "select r.id::text from " + RECORDS + " r group by r.id"
                        + " having count(*) > 1 and min(md5(r::text)) <> max(md5(r::text)) limit 1");
        if (id != null) {
            throw new ChangeSetException(files.records().name() + ": has id " + id
                    + " more than once and with different values, so that it is not of one export");
        }
        return Query.update(
                connection,
                "delete from " + RECORDS
                        + " r using (select ctid as place, row_number() over (partition by id) as n from " + RECORDS
                        + ") d where d.place = r.ctid and d.n > 1");
    }

    // ---- the files

    private ImportTable table() throws SQLException, IOException {
        List<String> columns = new ArrayList<>(files.columns());
        String line = files.columnsFile().name() + ", line 1: ";
        if (!columns.containsAll(KEY)) {
            throw new ChangeSetException(line + "has no column id");
        }
        // generated columns are in the files as any other, and the table makes its own
        columns.removeAll(Query.all(
                connection,
                "select attname from pg_attribute where attrelid = to_regclass(?) and attgenerated <> '' and attnum > 0",
                row -> row.getString(1),
                table.quoted()));
        try {
            return ImportTable.read(connection, table, KEY, columns);
        } catch (ChangeSetException e) {
            throw new ChangeSetException(line + e.getMessage(), e);
        }
    }

    private void stage() throws SQLException, IOException {
        String columns = TableName.quote(files.columns());
        execute("create temp table " + CHANGES.substring(8)
                + " on commit drop as select null::bigint as number, id from " + table.quoted() + " with no data");
        execute("create temp table " + RECORDS.substring(8) + " on commit drop as select " + columns + " from "
                + table.quoted() + " with no data");
        digest.update((columns + "\n").getBytes(StandardCharsets.UTF_8));
        if (options.dateStyle() != null) {
            // the driver wants ISO, and what is read depends on the order alone
            execute("set local datestyle = 'ISO, " + options.dateOrder() + "'");
        }
        if (options.intervalStyle() != null) {
            execute("set local intervalstyle = " + Sql.literal(options.intervalStyle()));
        }
        stage(files.ids(), CHANGES, "(number, id)");
        stage(files.records(), RECORDS, "(" + columns + ")");
    }

    /** Dates and intervals stay text until it is known that they are read as they were meant. */
    private void stage(OpenFile file, String into, String columns) throws SQLException, IOException {
        List<Styled> styled = Query.all(connection, STYLED, this::styled, into, into).stream()
                .filter(column -> !column.unclear.isEmpty())
                .toList();
        String alter = "alter table " + into + " alter ";
        for (Styled column : styled) {
            execute(alter + column.quoted + " type text");
        }
        copy(file, into + " " + columns);
        for (Styled column : styled) {
            mustBeClear(file, into, column);
            execute(alter + column.quoted + " type " + column.type + " using " + column.quoted + "::" + column.type);
        }
    }

    /** @param unclear which texts may mean several things; empty for none */
    private record Styled(String quoted, String type, String unclear) {}

    private Styled styled(ResultSet row) throws SQLException {
        List<String> unclear = new ArrayList<>();
        if (row.getBoolean("dates") && options.dateStyle() == null) {
            unclear.add(UNCLEAR_DATE);
        }
        if (row.getBoolean("intervals") && options.intervalStyle() == null) {
            unclear.add(UNCLEAR_INTERVAL);
        }
        return new Styled(TableName.quote(row.getString("column")), row.getString("type"), String.join("|", unclear));
    }

    private void mustBeClear(OpenFile file, String table, Styled column) throws SQLException {
        String text = Query.text(
                connection,
                "select " + column.quoted + " from " + table + " where " + column.quoted
                        + " operator(pg_catalog.~) ?::pg_catalog.text limit 1",
                column.unclear);
        if (text != null) {
            throw new ChangeSetException(file.name() + ": column " + column.quoted + " has \"" + text
                    + "\", which is not of DateStyle ISO or IntervalStyle postgres and may mean several things;"
                    + " --date-style and --interval-style name the settings of the session that exported");
        }
    }

    private void copy(OpenFile file, String into) throws SQLException, IOException {
        CopyIn copy = connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyIn("copy " + into + " from stdin (encoding " + Sql.literal(options.encoding()) + ")");
        InputStream in = file.stream();
        byte[] buffer = new byte[1 << 16];
        long bytes = 0;
        long lines = 0;
        try {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
                for (int i = 0; i < n; i++) {
                    lines += buffer[i] == '\n' ? 1 : 0;
                }
                bytes += n;
                copy.writeToCopy(buffer, 0, n);
                if ((bytes & 0xfffff) < n) {
                    progress.sent(file.name(), bytes, file.size());
                }
            }
            long rows = copy.endCopy();
            if (rows != lines) {
                throw new ChangeSetException(
                        file.name() + ", line " + (rows + 1) + ": is an end of data, with more lines behind it");
            }
        } catch (SQLException e) {
            ServerErrorMessage server = e instanceof PSQLException failed ? failed.getServerErrorMessage() : null;
            String where = server == null || server.getWhere() == null ? "" : server.getWhere();
            Matcher place = PLACE.matcher(where);
            throw new ChangeSetException(
                    file.name() + (place.matches() ? ", " + place.group(1) : "") + ": "
                            + (server == null ? e.getMessage() : server.getMessage()),
                    e);
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    private long number(String sql) throws SQLException {
        return Query.number(connection, sql);
    }

    private void execute(String sql) throws SQLException {
        Query.execute(connection, sql);
    }
}
