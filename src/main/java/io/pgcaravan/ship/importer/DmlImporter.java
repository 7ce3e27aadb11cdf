package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.ReadSession;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Sha256;
import io.pgcaravan.ship.importer.DmlFiles.Found;
import io.pgcaravan.ship.importer.DmlFiles.Kind;
import io.pgcaravan.ship.importer.DmlFiles.WaitException;
import io.pgcaravan.ship.importer.ImportLedger.Position;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.SearchPath;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * Applies what postgres-dml-tracking-util has exported: for each table one transaction that deletes the changed ids and appends
 * the rows, each once. The numbers of the changes, which only grow, tell what a table has already; the newest one is kept in
 * {@code caravan.dml_import}.
 */
public final class DmlImporter {

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

    private static final Pattern DATE_STYLE =
            Pattern.compile("(iso|sql|postgres|german)(?:\\s*,\\s*(dmy|mdy|ymd))?", Pattern.CASE_INSENSITIVE);

    private static final Pattern PLACE = Pattern.compile("COPY [^,]+, (line \\d+.*)", Pattern.DOTALL);

    private final Connect target;
    private final Options options;
    private final Progress progress;

    public DmlImporter(Connect target, Options options, Progress progress) {
        this.target = target;
        this.options = options;
        this.progress = progress;
    }

    /**
     * What to import.
     *
     * @param tables schema and name of each; empty for all that are there
     * @param settle how long files must have rested, and that they are in order; null where somebody says that they are whole
     * @param encoding of the files, as PostgreSQL names it
     * @param dateStyle of the session that wrote the files; null for ISO, and then other texts are refused
     * @param intervalStyle the same, null for postgres
     */
    public record Options(
            Path directory,
            List<TableName> tables,
            Duration settle,
            String encoding,
            String dateStyle,
            String intervalStyle) {
        public Options {
            directory = directory.toAbsolutePath().normalize();
            tables = List.copyOf(tables);
            if (dateStyle != null && !DATE_STYLE.matcher(dateStyle).matches()) {
                throw new IllegalArgumentException("unknown DateStyle \"" + dateStyle
                        + "\"; expected ISO, SQL, Postgres or German, with DMY, MDY or YMD behind a comma");
            }
        }

        private String dateOrder() {
            Matcher style = DATE_STYLE.matcher(dateStyle);
            if (style.matches() && style.group(1).equalsIgnoreCase("german")) {
                return "DMY";
            }
            return style.group(2) == null ? "MDY" : style.group(2);
        }
    }

    /** Hears how far an import has come. */
    @FunctionalInterface
    public interface Progress {

        Progress NONE = (file, bytes, of) -> {};

        /** Called every megabyte or so with the bytes of a file that were sent, and those that it has. */
        void sent(String file, long bytes, long of);
    }

    /** What became of a table's files. */
    public record Outcome(String table, Result result, String message) {

        @Override
        public String toString() {
            return table + ": " + message;
        }
    }

    /**
     * Applies the files of each table, and once more what failed for want of another table's rows.
     *
     * @throws ChangeSetException where the directory cannot be read
     */
    public List<Outcome> importAll() {
        new DropDirectory(options.directory).mustTakeFiles();
        Map<String, Outcome> outcomes = new LinkedHashMap<>();
        boolean moved = true;
        while (moved) {
            moved = false;
            for (Found found : found()) {
                Outcome outcome = importTable(found);
                moved |= outcome.result == Result.APPLIED;
                outcomes.put(outcome.table, outcome);
            }
        }
        for (TableName table : options.tables) {
            outcomes.putIfAbsent(
                    table.toString(),
                    new Outcome(
                            table.toString(),
                            Result.INCOMPLETE,
                            "there is no dml." + table + ".tab in " + options.directory));
        }
        return List.copyOf(outcomes.values());
    }

    private List<Found> found() {
        try {
            return DmlFiles.find(options.directory).stream()
                    .filter(found -> options.tables.isEmpty() || options.tables.contains(found.table()))
                    .toList();
        } catch (IOException e) {
            throw new ChangeSetException(
                    "directory " + options.directory + " cannot be read: " + ChangeSetException.reason(e), e);
        }
    }

    private Outcome importTable(Found found) {
        if (found.table() == null) {
            return new Outcome(found.base(), Result.REFUSED, "is no name of a table, as PostgreSQL quotes it");
        }
        String table = found.table().toString();
        try (DmlFiles files = DmlFiles.open(found, options.settle)) {
            Outcome outcome = inTransaction(found.table(), files);
            if (outcome.result.good()) {
                files.done(Instant.now());
            }
            return outcome;
        } catch (WaitException e) {
            return new Outcome(table, Result.INCOMPLETE, e.getMessage());
        } catch (ChangeSetException | SQLException e) {
            return new Outcome(table, Result.FAILED, "failed, and changed nothing: " + e.getMessage());
        } catch (IOException e) {
            return new Outcome(
                    table,
                    Result.FAILED,
                    "its files cannot be read or moved to done/: " + ChangeSetException.reason(e));
        }
    }

    private Outcome inTransaction(TableName table, DmlFiles files) throws SQLException, IOException, WaitException {
        try (Connection connection = target.open()) {
            connection.setAutoCommit(false);
            try {
                Run run = new Run(connection, table, files);
                Outcome outcome = run.run();
                if (!files.areUnchanged()) {
                    throw new WaitException("waits, as its files were written over while they were read");
                }
                connection.commit();
                return outcome;
            } finally {
                if (!connection.isClosed()) {
                    connection.rollback();
                    connection.setAutoCommit(true);
                }
            }
        }
    }

    /** What a table has of its changes. */
    private record Applied(long lastNumber, String files) {}

    private final class Run {

        private final Connection connection;
        private final TableName table;
        private final DmlFiles files;
        private final MessageDigest digest = Sha256.digest();

        Run(Connection connection, TableName table, DmlFiles files) {
            this.connection = connection;
            this.table = table;
            this.files = files;
        }

        private Outcome outcome(Result result, String message) {
            return new Outcome(table.toString(), result, message);
        }

        Outcome run() throws SQLException, IOException {
            String rolesPath = SearchPath.change(connection, SearchPath.PINNED, true);
            ReadSession.settings(connection);
            execute("set local synchronous_commit = on");
            ImportLedger ledger = new ImportLedger(connection);
            Position position = ledger.isInstalled() ? ledger.lock(table) : null;
            if (position == null || !OwnTables.exists(connection, "caravan.dml_import")) {
                return outcome(
                        Result.REFUSED,
                        "is refused: this database was not told to accept it; caravan ddl importer " + table.schema()
                                + " " + table.name() + " --apply permits it");
            }
            if (position.number() != null) {
                return outcome(
                        Result.REFUSED,
                        "is refused: the table gets change sets now, the last one is set " + position.number()
                                + ", and these files would set it back");
            }
            ImportTable into = table();
            SearchPath.change(connection, rolesPath, true);
            stage();
            String hash = HexFormat.of().formatHex(digest.digest());
            Applied before = applied();
            if (before != null && before.files.equals(hash)) {
                return outcome(Result.ALREADY_APPLIED, "these files were applied before");
            }
            long first = number("select coalesce(min(number), 0) from " + CHANGES);
            long last = number("select coalesce(max(number), 0) from " + CHANGES);
            if (last == 0) {
                if (number("select count(*) from " + RECORDS) > 0) {
                    throw new ChangeSetException(files.name(Kind.IDS) + " is empty, and " + files.name(Kind.RECORDS)
                            + " is not: they are not of one export");
                }
                return outcome(Result.ALREADY_APPLIED, "nothing has changed");
            }
            if (before != null && last <= before.lastNumber) {
                return outcome(
                        Result.REFUSED,
                        "is refused: its changes end with number " + last + ", and the table has those up to "
                                + before.lastNumber
                                + ". Files that come late have to be deleted; if the source counts from 1"
                                + " again, caravan ddl reset and importer for the table let them in");
            }
            return replace(into, before, first, last, hash);
        }

        private Outcome replace(ImportTable into, Applied before, long first, long last, String hash)
                throws SQLException, IOException {
            oneOfEach();
            execute("create temp table " + IDS.substring(8) + " on commit drop as select id from " + CHANGES
                    + " where id is not null union select id from " + RECORDS);
            execute("analyze " + IDS);
            execute("analyze " + RECORDS);
            long records = number("select count(*) from " + RECORDS);
            Replacement.Rows rows = Replacement.Rows.staged(into, IDS, RECORDS);
            new Replacement(connection, List.of(rows)).run();
            SearchPath.change(connection, SearchPath.PINNED, true);
            apply(last, hash);
            return outcome(
                    Result.APPLIED,
                    "changes " + first + " to " + last + ", " + records + " rows written, " + rows.deleted()
                            + " deleted"
                            + (before != null && first > before.lastNumber + 1
                                    ? "; numbers " + (before.lastNumber + 1) + " to " + (first - 1)
                                            + " came in no file: of transactions that were rolled back, or of an export whose"
                                            + " files were lost"
                                    : ""));
        }

        // ---- the files

        private ImportTable table() throws SQLException, IOException {
            List<String> columns = new ArrayList<>(files.columns());
            if (!columns.containsAll(KEY)) {
                throw new ChangeSetException(files.name(Kind.COLUMNS) + ", line 1: has no column id");
            }
            columns.removeAll(generated());
            try {
                return ImportTable.read(connection, table, KEY, columns);
            } catch (ChangeSetException e) {
                throw new ChangeSetException(files.name(Kind.COLUMNS) + ", line 1: " + e.getMessage(), e);
            }
        }

        /** They are in the files as any other column, and the table makes its own. */
        private List<String> generated() throws SQLException {
            List<String> generated = new ArrayList<>();
            try (PreparedStatement statement = connection.prepareStatement(
                    "select attname from pg_attribute where attrelid = to_regclass(?) and attgenerated <> '' and attnum > 0")) {
                statement.setString(1, table.quoted());
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        generated.add(row.getString(1));
                    }
                }
            }
            return generated;
        }

        private void stage() throws SQLException, IOException {
            String columns = TableName.quote(files.columns());
            execute("create temp table " + CHANGES.substring(8)
                    + " on commit drop as select null::bigint as number, id from " + table.quoted() + " with no data");
            execute("create temp table " + RECORDS.substring(8) + " on commit drop as select " + columns + " from "
                    + table.quoted() + " with no data");
            digest.update((columns + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8));
            if (options.dateStyle != null) {
                // the driver wants ISO, and what is read depends on the order alone
                execute("set local datestyle = 'ISO, " + options.dateOrder() + "'");
            }
            if (options.intervalStyle != null) {
                execute("set local intervalstyle = " + Sql.literal(options.intervalStyle));
            }
            stage(Kind.IDS, CHANGES, "(number, id)");
            stage(Kind.RECORDS, RECORDS, "(" + columns + ")");
        }

        /** Dates and intervals stay text until it is known that they are read as they were meant. */
        private void stage(Kind kind, String into, String columns) throws SQLException, IOException {
            List<Styled> styled = styled(into);
            for (Styled column : styled) {
                execute("alter table " + into + " alter " + column.quoted + " type text");
            }
            copy(kind, into + " " + columns);
            for (Styled column : styled) {
                mustBeClear(kind, into, column);
                execute("alter table " + into + " alter " + column.quoted + " type " + column.type + " using "
                        + column.quoted + "::" + column.type);
            }
        }

        private record Styled(String quoted, String type, String unclear) {}

        private List<Styled> styled(String table) throws SQLException {
            List<Styled> styled = new ArrayList<>();
            try (PreparedStatement statement = connection.prepareStatement(STYLED)) {
                statement.setString(1, table);
                statement.setString(2, table);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        List<String> unclear = new ArrayList<>();
                        if (row.getBoolean("dates") && options.dateStyle == null) {
                            unclear.add(UNCLEAR_DATE);
                        }
                        if (row.getBoolean("intervals") && options.intervalStyle == null) {
                            unclear.add(UNCLEAR_INTERVAL);
                        }
                        if (!unclear.isEmpty()) {
                            styled.add(new Styled(
                                    TableName.quote(row.getString("column")),
                                    row.getString("type"),
                                    String.join("|", unclear)));
                        }
                    }
                }
            }
            return styled;
        }

        private void mustBeClear(Kind kind, String table, Styled column) throws SQLException {
            try (PreparedStatement statement = connection.prepareStatement("select " + column.quoted + " from " + table
                    + " where " + column.quoted + " operator(pg_catalog.~) ?::pg_catalog.text limit 1")) {
                statement.setString(1, column.unclear);
                try (ResultSet row = statement.executeQuery()) {
                    if (row.next()) {
                        throw new ChangeSetException(files.name(kind) + ": column " + column.quoted + " has \""
                                + row.getString(1) + "\", which is not of DateStyle ISO or IntervalStyle postgres and"
                                + " may mean several things; --date-style and --interval-style name the settings of"
                                + " the session that exported");
                    }
                }
            }
        }

        private void copy(Kind kind, String into) throws SQLException, IOException {
            CopyIn copy = connection
                    .unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyIn("copy " + into + " from stdin (encoding " + Sql.literal(options.encoding) + ")");
            InputStream in = Channels.newInputStream(files.channel(kind));
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
                        progress.sent(files.name(kind), bytes, files.size(kind));
                    }
                }
                long rows = copy.endCopy();
                if (rows != lines) {
                    throw new ChangeSetException(files.name(kind) + ", line " + (rows + 1)
                            + ": is an end of data, with more lines behind it");
                }
            } catch (SQLException e) {
                throw new ChangeSetException(files.name(kind) + place(e) + ": " + reason(e), e);
            } finally {
                if (copy.isActive()) {
                    copy.cancelCopy();
                }
            }
        }

        private static ServerErrorMessage server(SQLException e) {
            return e instanceof PSQLException failed ? failed.getServerErrorMessage() : null;
        }

        private static String reason(SQLException e) {
            ServerErrorMessage server = server(e);
            return server == null ? e.getMessage() : server.getMessage();
        }

        private static String place(SQLException e) {
            ServerErrorMessage server = server(e);
            Matcher place = PLACE.matcher(server == null || server.getWhere() == null ? "" : server.getWhere());
            return place.matches() ? ", " + place.group(1) : "";
        }

        /** A row that was changed twice is there twice. */
        private void oneOfEach() throws SQLException {
            if (number("select count(*) - count(distinct id) from " + RECORDS) == 0) {
                return;
            }
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("select r.id::text from " + RECORDS + " r group by r.id"
                            + " having count(*) > 1 and min(md5(r::text)) <> max(md5(r::text)) limit 1")) {
                if (row.next()) {
                    throw new ChangeSetException(files.name(Kind.RECORDS) + ": has id " + row.getString(1)
                            + " more than once and with different values, so that it is not of one export");
                }
            }
            execute("delete from " + RECORDS
                    + " r using (select ctid as place, row_number() over (partition by id) as n" + " from " + RECORDS
                    + ") d where d.place = r.ctid and d.n > 1");
        }

        // ---- the ledger

        private Applied applied() throws SQLException {
            try (PreparedStatement statement = connection.prepareStatement(
                    "select last_number, files from caravan.dml_import where table_schema = ? and table_name = ?")) {
                statement.setString(1, table.schema());
                statement.setString(2, table.name());
                try (ResultSet row = statement.executeQuery()) {
                    return row.next() ? new Applied(row.getLong(1), row.getString(2)) : null;
                }
            }
        }

        private void apply(long last, String hash) throws SQLException {
            try (PreparedStatement statement = connection.prepareStatement("""
                    insert into caravan.dml_import (table_schema, table_name, last_number, files) values (?, ?, ?, ?)
                    on conflict (table_schema, table_name) do update
                       set last_number = excluded.last_number, files = excluded.files, applied_at = clock_timestamp()""")) {
                statement.setString(1, table.schema());
                statement.setString(2, table.name());
                statement.setLong(3, last);
                statement.setString(4, hash);
                statement.executeUpdate();
            }
        }

        private long number(String sql) throws SQLException {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(sql)) {
                row.next();
                return row.getLong(1);
            }
        }

        private void execute(String sql) throws SQLException {
            try (Statement statement = connection.createStatement()) {
                statement.execute(sql);
            }
        }
    }
}
