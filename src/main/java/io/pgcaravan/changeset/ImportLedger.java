package io.pgcaravan.changeset;

import io.pgcaravan.queue.OwnTables;
import io.pgcaravan.table.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.UUID;

/** Which tables may be imported, and the last set of each. Calls are for the connection's open transaction. */
public final class ImportLedger {

    /** Applied sets that stay listed for each table. */
    private static final int KEPT_SETS = 10_000;

    private final Connection connection;

    public ImportLedger(Connection connection) {
        this.connection = connection;
    }

    /**
     * How a table stands.
     *
     * @param number of the last set that was applied; null where there is none yet, and in all fields that follow
     * @param snapshot what that set had seen
     */
    public record Position(
            TableName table,
            Long number,
            UUID setId,
            String snapshot,
            String sourceSystem,
            String sourceDatabase,
            Target target,
            Instant appliedAt) {

        /** As it is once a set is applied. */
        static Position after(Manifest set) {
            return new Position(
                    set.table(),
                    set.number(),
                    set.setId(),
                    set.snapshot(),
                    set.source().system(),
                    set.source().database(),
                    set.target(),
                    Instant.now());
        }

        /** Whether the table's rows come from that database. */
        public boolean isFrom(String system, String database) {
            return system.equals(sourceSystem) && database.equals(sourceDatabase);
        }
    }

    /** How a set stands to what its table has. */
    sealed interface Standing {

        record Next(Position position) implements Standing {}

        record AlreadyApplied(String why) implements Standing {}

        /** One or more sets before it are missing. */
        record Gap(String why) implements Standing {}

        /** It continues something else than what the table has. */
        record Diverged(String why) implements Standing {}

        /** The table was never permitted, or it is for another target. */
        record Refused(String why) implements Standing {}
    }

    /** Whether the ledger is there at all. */
    boolean isInstalled() throws SQLException {
        return OwnTables.exists(connection, "caravan.import_set");
    }

    /** @throws ChangeSetException where an earlier version made the ledger, and this user may not add to it */
    void upgrade(TableName table) throws SQLException {
        addColumn(
                connection,
                "caravan.import_history",
                "previous_set_id uuid",
                "caravan ddl importer " + table.schema() + " " + table.name() + " --apply");
    }

    /**
     * Adds a column that ledgers of earlier versions lack.
     *
     * @param column its name and type
     * @param command that does it for a user who may not
     */
    static void addColumn(Connection connection, String ledger, String column, String command) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("select exists (select from pg_attribute"
                + " where attrelid = to_regclass(?) and attname = ? and not attisdropped)")) {
            statement.setString(1, ledger);
            statement.setString(2, column.substring(0, column.indexOf(' ')));
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                if (row.getBoolean(1)) {
                    return;
                }
            }
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("alter table " + ledger + " add column if not exists " + column);
        } catch (SQLException e) {
            if ("42501".equals(e.getSQLState())) {
                throw new ChangeSetException(
                        "the ledger " + ledger
                                + " was made by an earlier version, and this user may not upgrade it: its"
                                + " owner does so with " + command,
                        e);
            }
            throw e;
        }
    }

    /** Locks a table's line until the transaction ends. Null where the table may not be imported. */
    Position lock(TableName table) throws SQLException {
        return position(table, " for update");
    }

    /** A table's line as it is. Null where the table may not be imported. */
    public Position position(TableName table) throws SQLException {
        return position(table, "");
    }

    private Position position(TableName table, String locking) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("""
                select set_number, set_id, snapshot::text, source_system, source_database, target_host, target_database, applied_at
                  from caravan.import_set where table_schema = ?::text and table_name = ?::text""" + locking)) {
            statement.setString(1, table.schema());
            statement.setString(2, table.name());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return null;
                }
                String host = row.getString(6);
                return new Position(
                        table,
                        (Long) row.getObject(1),
                        row.getObject(2, UUID.class),
                        row.getString(3),
                        row.getString(4),
                        row.getString(5),
                        host == null ? null : new Target(host, row.getString(7)),
                        row.getObject(8) == null
                                ? null
                                : row.getObject(8, OffsetDateTime.class).toInstant());
            }
        }
    }

    /**
     * Compares a set with what its table has.
     *
     * @param here whom sets must be for; null where the database's name has to do
     */
    Standing standing(Manifest set, Position position, Target here) throws SQLException {
        TableName table = set.table();
        if (position == null) {
            return new Standing.Refused("this database was not told to accept table " + table
                    + "; caravan ddl importer " + table.schema() + " " + table.name() + " --apply permits it");
        }
        String stranger = stranger(set, position, here);
        if (stranger != null) {
            return new Standing.Refused(stranger);
        }
        if (wasApplied(set.setId())) {
            return new Standing.AlreadyApplied("it was applied before");
        }
        if (position.number == null) {
            return set.kind() == Manifest.Kind.FULL
                    ? new Standing.Next(position)
                    : new Standing.Gap("nothing of the table has been imported yet, so that it waits for a full set");
        }
        long last = position.number;
        boolean full = set.kind() == Manifest.Kind.FULL;
        boolean sameSource = position.isFrom(set.source().system(), set.source().database());
        // a database that was cloned has the ledger of the one that it was made from
        boolean clone = !sameSource && set.source().system().equals(position.sourceSystem);
        if (set.number() == last + 1 && position.setId.equals(set.previousSetId()) && !clone) {
            return new Standing.Next(position);
        }
        if (set.number() < last && wasReplaced(set)) {
            return new Standing.AlreadyApplied("a full set with a higher number holds it");
        }
        int seen = Long.compareUnsigned(Snapshot.xmax(set.snapshot()), Snapshot.xmax(position.snapshot));
        // numbers begin again where the source's ledger was lost
        boolean newLine = set.previousSetId() == null && seen > 0;
        // a set that was on its way when the source was restored
        boolean old = seen < 0 && set.exportedAt().isBefore(position.appliedAt);
        if (full && sameSource && (set.number() > last && !old || newLine)) {
            return new Standing.Next(position);
        }
        if (!full && set.number() > last + 1) {
            return new Standing.Gap("it waits for " + sets(last + 1, set.number() - 1) + ", since the table has set "
                    + last + "; caravan export --again publishes one that was lost");
        }
        if (sameSource && set.number() < last) {
            long known = nextKnown(set);
            if (known > set.number() + 1) {
                return new Standing.Gap(
                        "it waits for " + sets(set.number() + 1, known - 1) + ", which show whether set " + known
                                + " of the table, a full one, holds it; caravan export --again publishes one that was lost");
            }
        }
        return new Standing.Diverged(diverged(set, position, sameSource));
    }

    private static String sets(long first, long last) {
        return first == last ? "set " + first : "sets " + first + " to " + last;
    }

    private static String diverged(Manifest set, Position position, boolean sameSource) {
        long last = position.number;
        String has = "and the table has set " + last + " (" + position.setId + ")";
        if (!sameSource) {
            return "it comes from database \"" + set.source().database() + "\" of system "
                    + set.source().system() + ", " + has + " from database \"" + position.sourceDatabase
                    + "\" of system " + position.sourceSystem
                    + ": a table follows one source. If it is to follow the other one from now on, caravan ddl reset"
                    + " --import-only and caravan ddl importer for the table let a full set in";
        }
        if (set.kind() == Manifest.Kind.FULL && set.number() > last) {
            return "it was exported at " + set.exportedAt() + " and has seen less, " + has
                    + ": the source was restored since. It is needed no more, and may be deleted; caravan export --full --after "
                    + set.number() + " sends all rows that the source has now";
        }
        if (set.number() > last) {
            return "it continues set " + set.previousSetId() + ", " + has
                    + ": the two sides have gone different ways. A full set puts that right: caravan export --full";
        }
        return "its id is unknown here, " + has
                + ": the source was restored to an earlier state, or exports ran from two"
                + " places. caravan export --full --after " + last + " sends all rows that the source has now";
    }

    private String stranger(Manifest set, Position position, Target here) throws SQLException {
        if (here != null) {
            return here.equals(set.target()) ? null : "it is for " + set.target() + ", and this is " + here;
        }
        if (position.target != null && !position.target.equals(set.target())) {
            return "it is for " + set.target() + ", and the sets before it were for " + position.target
                    + "; --target says who is meant";
        }
        String database = connection.getCatalog();
        return database.equals(set.target().database())
                ? null
                : "it is for " + set.target() + ", and this is database \"" + database
                        + "\"; --target says who is meant";
    }

    /** Whether a set is in its table. */
    boolean wasApplied(UUID setId) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("select exists (select from caravan.import_history where set_id = ?)")) {
            statement.setObject(1, setId);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    /**
     * Whether a set of the same line came after this one and holds what it holds: each set names the one before it, so that the
     * line is followed from the sets that were applied. A source that was restored has sets of the same numbers and other ids.
     */
    private boolean wasReplaced(Manifest set) throws SQLException {
        // a ledger of an earlier version, which is only read here, may lack the column
        try (PreparedStatement statement = connection.prepareStatement("""
                select exists (select from caravan.import_history h
                                where h.table_schema = ?::text and h.table_name = ?::text and h.set_number > ?
                                  and to_jsonb(h) ->> 'previous_set_id' = ?::text)""")) {
            statement.setString(1, set.table().schema());
            statement.setString(2, set.table().name());
            statement.setLong(3, set.number());
            statement.setString(4, set.setId().toString());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    /** The lowest number above a set's of which the ledger knows; the set's own where there is none. */
    private long nextKnown(Manifest set) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("""
                select coalesce(min(set_number), ?) from caravan.import_history
                 where table_schema = ?::text and table_name = ?::text and set_number > ?""")) {
            statement.setLong(1, set.number());
            statement.setString(2, set.table().schema());
            statement.setString(3, set.table().name());
            statement.setLong(4, set.number());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    /** Keeps the id of a set that is held by later ones, so that the set before it is known as well. */
    void replaced(Manifest set) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("""
                insert into caravan.import_history
                       (set_id, table_schema, table_name, set_number, previous_set_id, kind, ids, records, deleted)
                values (?, ?, ?, ?, ?, 'replaced', 0, 0, 0) on conflict do nothing""")) {
            statement.setObject(1, set.setId());
            statement.setString(2, set.table().schema());
            statement.setString(3, set.table().name());
            statement.setLong(4, set.number());
            statement.setObject(5, set.previousSetId());
            statement.executeUpdate();
        }
    }

    /** Writes a set as the last one of its table. */
    void applied(Manifest set, long deleted) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("""
                with history as (
                    insert into caravan.import_history (set_id, table_schema, table_name, set_number, previous_set_id, kind, ids, records, deleted)
                    values (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    returning *),
                trimmed as (
                    delete from caravan.import_history h using history n
                     where h.table_schema = n.table_schema and h.table_name = n.table_name
                       and h.set_number <= n.set_number - ?)
                update caravan.import_set s
                   set set_number = h.set_number, set_id = h.set_id, snapshot = ?::pg_snapshot, source_system = ?,
                       source_database = ?, target_host = ?, target_database = ?, applied_at = clock_timestamp()
                  from history h
                 where s.table_schema = h.table_schema and s.table_name = h.table_name""")) {
            int i = 0;
            statement.setObject(++i, set.setId());
            statement.setString(++i, set.table().schema());
            statement.setString(++i, set.table().name());
            statement.setLong(++i, set.number());
            statement.setObject(++i, set.previousSetId());
            statement.setString(++i, set.kind().word());
            statement.setLong(++i, set.file(SetName.Part.IDS).rows());
            statement.setLong(++i, set.file(SetName.Part.RECORDS).rows());
            statement.setLong(++i, deleted);
            statement.setInt(++i, KEPT_SETS);
            statement.setString(++i, set.snapshot());
            statement.setString(++i, set.source().system());
            statement.setString(++i, set.source().database());
            statement.setString(++i, set.target().host());
            statement.setString(++i, set.target().database());
            if (statement.executeUpdate() != 1) {
                throw new SQLException("the ledger's line of " + set.table() + " is gone", "40001");
            }
        }
    }
}
