package io.pgcaravan.changeset;

import io.pgcaravan.queue.OwnTables;
import io.pgcaravan.table.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.UUID;

/** Which tables may be imported, and the last set of each. Calls are for the connection's open transaction. */
public final class ImportLedger {

    /** Applied sets that stay listed for each table; older ones are told by their numbers. */
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
            TableName table, Long number, UUID setId, String snapshot, String sourceSystem, Target target) {}

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
                select set_number, set_id, snapshot::text, source_system, target_host, target_database
                  from caravan.import_set where table_schema = ? and table_name = ?""" + locking)) {
            statement.setString(1, table.schema());
            statement.setString(2, table.name());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return null;
                }
                String host = row.getString(5);
                return new Position(
                        table,
                        (Long) row.getObject(1),
                        row.getObject(2, UUID.class),
                        row.getString(3),
                        row.getString(4),
                        host == null ? null : new Target(host, row.getString(6)));
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
        boolean sameSource = set.source().system().equals(position.sourceSystem);
        boolean newer = Long.compareUnsigned(Snapshot.xmax(set.snapshot()), Snapshot.xmax(position.snapshot)) > 0;
        if (set.number() < last && sameSource && !newer) {
            return new Standing.AlreadyApplied("a full set with a higher number holds it");
        }
        if (set.kind() == Manifest.Kind.FULL && (set.number() > last || sameSource && newer)) {
            return new Standing.Next(position);
        }
        if (set.kind() == Manifest.Kind.CHANGES && set.number() > last + 1) {
            return new Standing.Gap("it waits for "
                    + (set.number() == last + 2
                            ? "set " + (last + 1)
                            : "sets " + (last + 1) + " to " + (set.number() - 1))
                    + ", since the table has set " + last + "; caravan export --again publishes one that was lost");
        }
        if (set.number() == last + 1 && position.setId.equals(set.previousSetId())) {
            return new Standing.Next(position);
        }
        return new Standing.Diverged(
                "it continues set " + set.previousSetId() + ", and the table has set " + last + " ("
                        + position.setId + ") of system " + position.sourceSystem
                        + ": the two sides have gone different ways. A full set puts that right: caravan export --full"
                        + (set.kind() == Manifest.Kind.FULL
                                ? "; this one is full, but of another source: if that is meant, caravan ddl reset and importer for"
                                        + " the table let it in"
                                : ""));
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

    private boolean wasApplied(UUID setId) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("select exists (select from caravan.import_history where set_id = ?)")) {
            statement.setObject(1, setId);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    /** Writes a set as the last one of its table. */
    void applied(Manifest set, long deleted) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("""
                with history as (
                    insert into caravan.import_history (set_id, table_schema, table_name, set_number, kind, ids, records, deleted)
                    values (?, ?, ?, ?, ?, ?, ?, ?)
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
