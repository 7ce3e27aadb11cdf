package io.pgcaravan.ship.exporter;

import io.pgcaravan.queue.Source;
import io.pgcaravan.ship.LedgerUpgrade;
import io.pgcaravan.ship.exporter.ExportSet.State;
import io.pgcaravan.ship.exporter.ExportSet.Window;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.Manifest.Kind;
import io.pgcaravan.ship.format.SetName.Part;
import io.pgcaravan.ship.format.Sha256;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/**
 * The export ledger of one source database: each set of each target and table, and how far it has come. Calls are for the
 * connection's open transaction; nothing here commits.
 */
public final class ExportLedger {

    private static final String DEFAULT = "caravan.export_set";

    /** Published sets that stay listed, per target and table. */
    private static final int KEPT_SETS = 1000;

    private static final String RESERVE = Sql.file("ship/reserve");
    private static final String SUMMARY = Sql.file("ship/targets");
    private static final String HORIZON = Sql.file("ship/horizon");

    private final Connection connection;
    private final TableName ledger;

    /**
     * @param ledger {@link Tracking#LEDGER}, or the one that {@code caravan ddl export-table} made
     */
    public ExportLedger(Connection connection, TableName ledger) {
        this.connection = connection;
        this.ledger = ledger;
    }

    private PreparedStatement prepare(String sql) throws SQLException {
        return connection.prepareStatement(sql.replace(DEFAULT, ledger.quoted()));
    }

    /** @throws ChangeSetException where the ledger is not installed, or of an earlier version that this user may not upgrade */
    void mustBeInstalled() throws SQLException {
        if (!OwnTables.exists(connection, ledger.quoted())) {
            throw new ChangeSetException("there is no export ledger " + ledger.quoted() + " in database \""
                    + connection.getCatalog() + "\": caravan ddl export-table --apply makes it");
        }
        LedgerUpgrade.addColumn(
                connection,
                ledger.quoted(),
                "table_layout text",
                "caravan ddl export-table " + ledger.schema() + " " + ledger.name() + " --apply");
    }

    // ---- locks

    /** Keeps a second export of the same table for the same target out, until the session ends. False where one is at work. */
    public boolean lock(Target target, TableName table) throws SQLException {
        return locked("select pg_try_advisory_lock(?)", key(target, table));
    }

    void unlock(Target target, TableName table) throws SQLException {
        locked("select pg_advisory_unlock(?)", key(target, table));
    }

    /** Keeps tracking rows from being pruned between taking a snapshot and reserving the set that has it. */
    void lockPruning(TableName table) throws SQLException {
        locked("select pg_advisory_lock_shared(?) is null", key(null, table));
    }

    void unlockPruning(TableName table) throws SQLException {
        locked("select pg_advisory_unlock_shared(?)", key(null, table));
    }

    private boolean locked(String sql, long key) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setLong(1, key);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    private static long key(Target target, TableName table) {
        String name = "caravan export\0" + (target == null ? "" : target.host() + "\0" + target.database()) + "\0"
                + table.schema() + "\0" + table.name();
        return ByteBuffer.wrap(Sha256.digest().digest(name.getBytes(StandardCharsets.UTF_8)))
                .getLong();
    }

    // ---- sets

    /** The newest set of a target and table in any state, null where there is none. */
    ExportSet last(Target target, TableName table) throws SQLException {
        List<ExportSet> sets = sets(
                "where target_host = ? and target_database = ? and table_schema = ? and table_name = ?"
                        + " order by set_number desc limit 1",
                target.host(),
                target.database(),
                table.schema(),
                table.name());
        return sets.isEmpty() ? null : sets.get(0);
    }

    /** One set, null where the ledger does not know it (any more). */
    public ExportSet set(Target target, TableName table, long number) throws SQLException {
        List<ExportSet> sets = sets(
                "where target_host = ? and target_database = ? and table_schema = ? and table_name = ? and set_number = ?",
                target.host(),
                target.database(),
                table.schema(),
                table.name(),
                number);
        return sets.isEmpty() ? null : sets.get(0);
    }

    /** The sets of one group, in the order of their tables' names. */
    List<ExportSet> group(UUID groupId) throws SQLException {
        return sets("where group_id = ? order by table_schema, table_name", groupId);
    }

    private List<ExportSet> sets(String where, Object... values) throws SQLException {
        List<ExportSet> sets = new ArrayList<>();
        try (PreparedStatement statement = prepare("select * from caravan.export_set " + where)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    sets.add(read(row));
                }
            }
        }
        return sets;
    }

    private static ExportSet read(ResultSet row) throws SQLException {
        return new ExportSet(
                new Target(row.getString("target_host"), row.getString("target_database")),
                new TableName(row.getString("table_schema"), row.getString("table_name")),
                row.getLong("set_number"),
                row.getObject("set_id", UUID.class),
                row.getObject("previous_set_id", UUID.class),
                State.valueOf(row.getString("state").toUpperCase(Locale.ROOT)),
                new Window(
                        Kind.of(row.getString("kind")),
                        row.getString("reason"),
                        row.getString("from_snapshot"),
                        row.getString("to_snapshot"),
                        row.getString("source_system"),
                        row.getString("source_database"),
                        row.getLong("table_oid"),
                        row.getString("table_columns"),
                        row.getString("tracking"),
                        row.getString("partitions"),
                        row.getString("table_layout")),
                row.getObject("group_id", UUID.class),
                row.getString("manifest"),
                row.getBoolean("pruned"),
                row.getObject("forgotten_at") != null);
    }

    private static Instant instant(ResultSet row, String column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    void reserve(ExportSet set) throws SQLException {
        try (PreparedStatement statement = prepare(RESERVE)) {
            int i = 0;
            statement.setString(++i, set.target().host());
            statement.setString(++i, set.target().database());
            statement.setString(++i, set.table().schema());
            statement.setString(++i, set.table().name());
            statement.setLong(++i, set.number());
            statement.setObject(++i, set.setId());
            statement.setObject(++i, set.previousSetId());
            statement.setString(++i, set.window().kind().word());
            statement.setString(++i, set.window().reason());
            statement.setString(++i, set.window().from());
            statement.setString(++i, set.window().to());
            statement.setString(++i, set.window().sourceSystem());
            statement.setString(++i, set.window().sourceDatabase());
            statement.setLong(++i, set.window().tableOid());
            statement.setString(++i, set.window().columns());
            statement.setString(++i, set.window().triggers());
            statement.setString(++i, set.window().partitions());
            statement.setString(++i, set.window().layout());
            statement.setObject(++i, set.groupId());
            statement.executeUpdate();
        } catch (SQLException e) {
            if ("23505".equals(e.getSQLState())) {
                throw takenOver(set.toString());
            }
            throw e;
        }
    }

    /** Gives up a set that was only reserved: its number is free again. */
    void giveUp(ExportSet set) throws SQLException {
        try (PreparedStatement statement =
                prepare("delete from caravan.export_set where set_id = ? and state = 'reserved'")) {
            statement.setObject(1, set.setId());
            statement.executeUpdate();
        }
    }

    /** The files of a set are complete: from reserved, or once more after they were lost. */
    void written(Manifest manifest) throws SQLException {
        update(
                manifest,
                """
                update caravan.export_set
                   set state = case state when 'reserved' then 'written' else state end, written_at = clock_timestamp(),
                       manifest = ?, ids = ?, records = ?, bytes = ?
                 where set_id = ?""",
                manifest.toJson(),
                manifest.file(Part.IDS).rows(),
                manifest.file(Part.RECORDS).rows(),
                manifest.totalBytes(),
                manifest.setId());
    }

    void published(Manifest manifest) throws SQLException {
        update(manifest, """
                update caravan.export_set
                   set state = 'published', published_at = clock_timestamp()
                 where set_id = ? and state in ('written', 'published')""", manifest.setId());
    }

    private void update(Manifest manifest, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = prepare(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            if (statement.executeUpdate() != 1) {
                throw takenOver(manifest.toString());
            }
        }
    }

    private static ChangeSetException takenOver(String set) {
        return new ChangeSetException(set + " was taken over by another export meanwhile; nothing is lost");
    }

    /**
     * Notes that a target has a set, and with it all before it.
     *
     * @return whether the ledger knows that set
     */
    public boolean acknowledged(UUID setId) throws SQLException {
        try (PreparedStatement statement = prepare("""
                with known as (select * from caravan.export_set where set_id = ? and state = 'published'),
                noted as (
                    update caravan.export_set e set acknowledged_at = clock_timestamp()
                      from known k
                     where (e.target_host, e.target_database, e.table_schema, e.table_name)
                           = (k.target_host, k.target_database, k.table_schema, k.table_name)
                       and e.set_number <= k.set_number and e.state = 'published' and e.acknowledged_at is null)
                select count(*) > 0 from known""")) {
            statement.setObject(1, setId);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    // ---- targets

    /**
     * How a target stands with a table.
     *
     * @param published number of the last set that was published, 0 for none
     * @param acknowledged number of the last set that the target has acknowledged, 0 for none
     * @param open the set that is not published yet; null for none
     * @param waiting sets that are published and not acknowledged
     */
    public record Standing(
            Target target,
            TableName table,
            long published,
            Instant publishedAt,
            long acknowledged,
            Instant acknowledgedAt,
            Long open,
            State openState,
            long waiting,
            boolean forgotten) {}

    /** All targets, by table. */
    public List<Standing> targets() throws SQLException {
        List<Standing> targets = new ArrayList<>();
        try (PreparedStatement statement = prepare(SUMMARY);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                String open = row.getString("open_state");
                targets.add(new Standing(
                        new Target(row.getString("target_host"), row.getString("target_database")),
                        new TableName(row.getString("table_schema"), row.getString("table_name")),
                        row.getLong("published"),
                        instant(row, "published_at"),
                        row.getLong("acknowledged"),
                        instant(row, "acknowledged_at"),
                        (Long) row.getObject("open_set"),
                        open == null ? null : State.valueOf(open.toUpperCase(Locale.ROOT)),
                        row.getLong("waiting"),
                        row.getBoolean("forgotten")));
            }
        }
        return targets;
    }

    /**
     * Lets a target hold back tracking rows no longer. Its numbers go on where they were if it ever comes back, with a full set.
     *
     * @param table null for all tables
     * @return the tables of which the target was forgotten
     */
    public List<TableName> forget(Target target, TableName table) throws SQLException {
        List<TableName> tables = new ArrayList<>();
        try (PreparedStatement statement = prepare("""
                with forgotten as (
                    update caravan.export_set set forgotten_at = clock_timestamp()
                     where target_host = ? and target_database = ? and forgotten_at is null
                       and (?::text is null or (table_schema, table_name) = (?, ?))
                    returning table_schema, table_name)
                select distinct table_schema, table_name from forgotten order by 1, 2""")) {
            statement.setString(1, target.host());
            statement.setString(2, target.database());
            statement.setString(3, table == null ? null : table.schema());
            statement.setString(4, table == null ? null : table.schema());
            statement.setString(5, table == null ? null : table.name());
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    tables.add(new TableName(row.getString(1), row.getString(2)));
                }
            }
        }
        return tables;
    }

    /**
     * Deletes tracking rows that came from elsewhere by a restore: those of transactions that are yet to come here; and, before the
     * first set from this database, all, as that set is a full one for every target.
     */
    void discardForeign(TableName table, String xidColumn, Source here) throws SQLException {
        String delete = "delete from " + Tracking.tracking(table).quoted() + " where ";
        try (Statement statement = connection.createStatement()) {
            // what this statement sees was noted by transactions that had ended when it began
            statement.executeUpdate(
                    delete + TableName.quote(xidColumn) + " >= pg_snapshot_xmax(pg_current_snapshot())");
        }
        if (!locked("select pg_try_advisory_xact_lock(?)", key(null, table))) {
            return;
        }
        try (PreparedStatement statement = prepare(
                delete + "not exists (select from caravan.export_set e"
                        + " where e.table_schema = ? and e.table_name = ? and e.source_system = ? and e.source_database = ?)")) {
            statement.setString(1, table.schema());
            statement.setString(2, table.name());
            statement.setString(3, here.system());
            statement.setString(4, here.database());
            statement.executeUpdate();
        }
    }

    /**
     * Deletes the tracking rows of a table that every target has, and old lines of the ledger. Does nothing where another export
     * is just about to reserve a set.
     *
     * @return rows deleted
     */
    long prune(TableName table, String xidColumn) throws SQLException {
        if (!locked("select pg_try_advisory_xact_lock(?)", key(null, table))) {
            return 0;
        }
        String horizon;
        try (PreparedStatement statement = prepare(HORIZON)) {
            statement.setString(1, table.schema());
            statement.setString(2, table.name());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                horizon = row.getString(1);
            }
        }
        if (horizon == null) {
            return 0;
        }
        try (PreparedStatement statement = prepare("""
                update caravan.export_set set pruned = true
                 where table_schema = ? and table_name = ? and not pruned and kind = 'changes'
                   and pg_snapshot_xmin(from_snapshot) < ?::xid8""")) {
            statement.setString(1, table.schema());
            statement.setString(2, table.name());
            statement.setString(3, horizon);
            statement.executeUpdate();
        }
        try (PreparedStatement statement = prepare("""
                delete from caravan.export_set e
                 where table_schema = ? and table_name = ? and state = 'published'
                   and set_number <= (select max(l.set_number) from caravan.export_set l
                                       where (l.target_host, l.target_database, l.table_schema, l.table_name)
                                             = (e.target_host, e.target_database, e.table_schema, e.table_name)) - ?""")) {
            statement.setString(1, table.schema());
            statement.setString(2, table.name());
            statement.setInt(3, KEPT_SETS);
            statement.executeUpdate();
        }
        try (Statement statement = connection.createStatement()) {
            return statement.executeLargeUpdate("delete from "
                    + Tracking.tracking(table).quoted() + " where " + TableName.quote(xidColumn) + " < '" + horizon
                    + "'::xid8");
        }
    }
}
