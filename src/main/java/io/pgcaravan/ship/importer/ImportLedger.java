package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.LedgerUpgrade;
import io.pgcaravan.ship.Snapshot;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.UUID;

/** Which tables may be imported, and the last set of each. Calls are for the connection's open transaction. */
public final class ImportLedger {

    /** Applied sets that stay listed for each table. */
    private static final int KEPT_SETS = 10_000;

    private static final String HISTORY = """
            insert into caravan.import_history
                   (set_id, table_schema, table_name, set_number, previous_set_id, kind, ids, records, deleted)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?)""";

    /** In the place of a set's kind, where it was not applied itself. */
    private static final String REPLACED = "replaced";

    private final Connection connection;

    public ImportLedger(Connection connection) {
        this.connection = connection;
    }

    /** The command that permits the import of a table. */
    public static String permits(TableName table) {
        return "caravan ddl importer " + table.schema() + " " + table.name() + " --apply";
    }

    /**
     * What a table has.
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

    /** Whether the ledger is there at all. */
    boolean isInstalled() throws SQLException {
        return OwnTables.exists(connection, "caravan.import_set");
    }

    /** @throws ChangeSetException where an earlier version made the ledger, and this user may not add to it */
    void upgrade(TableName table) throws SQLException {
        LedgerUpgrade.addColumn(connection, "caravan.import_history", "previous_set_id uuid", permits(table));
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
        return Query.first(
                connection,
                """
                select set_number, set_id, snapshot::text, source_system, source_database, target_host, target_database, applied_at
                  from caravan.import_set where table_schema = ?::text and table_name = ?::text""" + locking,
                row -> new Position(
                        table,
                        (Long) row.getObject(1),
                        row.getObject(2, UUID.class),
                        row.getString(3),
                        row.getString(4),
                        row.getString(5),
                        row.getString(6) == null ? null : new Target(row.getString(6), row.getString(7)),
                        row.getObject(8) == null
                                ? null
                                : row.getObject(8, OffsetDateTime.class).toInstant()),
                table);
    }

    /**
     * Compares a set with what its table has.
     *
     * @param position null where the table may not be imported
     * @param here the receiver that sets must name; null where the database's name has to do
     */
    ImportDecision decide(Manifest set, Position position, Target here) throws SQLException {
        if (position == null) {
            return refused("this database was not told to accept table " + set.table() + "; " + permits(set.table())
                    + " permits it");
        }
        String stranger = stranger(set.target(), position, here);
        if (stranger != null) {
            return refused(stranger);
        }
        if (wasApplied(set.setId())) {
            return new ImportDecision(Result.ALREADY_APPLIED, "it was applied before");
        }
        boolean full = set.kind() == SetKind.FULL;
        if (position.number == null) {
            return full
                    ? ImportDecision.NEXT
                    : new ImportDecision(
                            Result.GAP, "nothing of the table has been imported yet, so that it waits for a full set");
        }
        long last = position.number;
        boolean sameSource = position.isFrom(set.source().system(), set.source().database());
        // a database that was cloned has the ledger of the one that it was made from
        boolean clone = !sameSource && set.source().system().equals(position.sourceSystem);
        if (set.number() == last + 1 && position.setId.equals(set.previousSetId()) && !clone) {
            return ImportDecision.NEXT;
        }
        if (set.number() < last && wasReplaced(set)) {
            return new ImportDecision(Result.ALREADY_APPLIED, "a full set with a higher number holds it");
        }
        int seen = Long.compareUnsigned(Snapshot.xmax(set.snapshot()), Snapshot.xmax(position.snapshot));
        // numbers begin again where the source's ledger was lost
        boolean newLine = set.previousSetId() == null && seen > 0;
        // a set that was on its way when the source was restored
        boolean old = seen < 0 && set.exportedAt().isBefore(position.appliedAt);
        if (full && sameSource && (set.number() > last && !old || newLine)) {
            return ImportDecision.NEXT;
        }
        if (!full && set.number() > last + 1) {
            return gap("it waits for " + sets(last + 1, set.number() - 1) + ", since the table has set " + last);
        }
        if (sameSource && set.number() < last) {
            long known = nextKnown(set);
            if (known > set.number() + 1) {
                return gap("it waits for " + sets(set.number() + 1, known - 1) + ", which show whether set " + known
                        + " of the table, a full one, holds it");
            }
        }
        return new ImportDecision(Result.DIVERGED, diverged(set, position, sameSource));
    }

    private static ImportDecision gap(String why) {
        return new ImportDecision(Result.GAP, why + "; caravan export --again publishes one that was lost");
    }

    private static String sets(long first, long last) {
        return first == last ? "set " + first : "sets " + first + " to " + last;
    }

    private static ImportDecision refused(String why) {
        return new ImportDecision(Result.REFUSED, "is refused: " + why);
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
        if (set.kind() == SetKind.FULL && set.number() > last) {
            return "it was exported at " + set.exportedAt() + " and has seen less, " + has
                    + ": the source was restored since. It is needed no more, and may be deleted; caravan export --full"
                    + " --after " + set.number() + " sends all rows that the source has now";
        }
        if (set.number() > last) {
            return "it continues set " + set.previousSetId() + ", " + has
                    + ": the two sides have gone different ways. A full set puts that right: caravan export --full";
        }
        return "its id is unknown here, " + has
                + ": the source was restored to an earlier state, or exports ran from two"
                + " places. caravan export --full --after " + last + " sends all rows that the source has now";
    }

    /**
     * Why something from a source is not for this database.
     *
     * @param target the receiver that it names
     * @param here the receiver that it must name; null where the sets before it, or the database's name, have to do
     * @return null where it is
     */
    public String stranger(Target target, Position position, Target here) throws SQLException {
        if (here != null) {
            return here.equals(target) ? null : "it is for " + target + ", and this is " + here;
        }
        String database = connection.getCatalog();
        String other = null;
        if (position.target != null && !position.target.equals(target)) {
            other = "the sets before it were for " + position.target;
        } else if (!database.equals(target.database())) {
            other = "this is database \"" + database + "\"";
        }
        return other == null ? null : "it is for " + target + ", and " + other + "; --target says who is meant";
    }

    /** Whether a set is in its table. */
    boolean wasApplied(UUID setId) throws SQLException {
        return Query.flag(connection, "select exists (select from caravan.import_history where set_id = ?)", setId);
    }

    /**
     * Whether a set of the same line came after this one and holds what it holds: each set names the one before it, so that the
     * line is followed from the sets that were applied. A source that was restored has sets of the same numbers and other ids.
     */
    private boolean wasReplaced(Manifest set) throws SQLException {
        // a ledger of an earlier version, which is only read here, may lack the column
        return Query.flag(
                connection, """
                select exists (select from caravan.import_history h
                                where h.table_schema = ?::text and h.table_name = ?::text and h.set_number > ?
                                  and to_jsonb(h) ->> 'previous_set_id' = ?::text)""", set.table(), set.number(), set.setId().toString());
    }

    /** The lowest number above a set's of which the ledger knows; the set's own where there is none. */
    private long nextKnown(Manifest set) throws SQLException {
        return Query.number(connection, """
                select coalesce(min(set_number), ?) from caravan.import_history
                 where table_schema = ?::text and table_name = ?::text and set_number > ?""", set.number(), set.table(), set.number());
    }

    /** Keeps the id of a set that is held by later ones, so that the set before it is known as well. */
    void replaced(Manifest set) throws SQLException {
        history(set, REPLACED, 0, 0, 0);
    }

    private void history(Manifest set, String kind, long ids, long records, long deleted) throws SQLException {
        Query.update(
                connection,
                HISTORY + (kind.equals(REPLACED) ? " on conflict do nothing" : ""),
                set.setId(),
                set.table(),
                set.number(),
                set.previousSetId(),
                kind,
                ids,
                records,
                deleted);
    }

    /** Writes a set as the last one of its table. */
    void applied(Manifest set, long deleted) throws SQLException {
        TableName table = set.table();
        history(
                set,
                set.kind().word(),
                set.file(SetPart.IDS).rows(),
                set.file(SetPart.RECORDS).rows(),
                deleted);
        Query.update(
                connection,
                "delete from caravan.import_history where table_schema = ? and table_name = ? and set_number <= ?",
                table,
                set.number() - KEPT_SETS);
        long lines = Query.update(
                connection,
                """
                update caravan.import_set
                   set set_number = ?, set_id = ?, snapshot = ?::pg_snapshot, source_system = ?, source_database = ?,
                       target_host = ?, target_database = ?, applied_at = clock_timestamp()
                 where table_schema = ? and table_name = ?""",
                set.number(),
                set.setId(),
                set.snapshot(),
                set.source().system(),
                set.source().database(),
                set.target().host(),
                set.target().database(),
                table);
        if (lines != 1) {
            throw new SQLException("the ledger's line of " + table + " is gone", "40001");
        }
    }
}
