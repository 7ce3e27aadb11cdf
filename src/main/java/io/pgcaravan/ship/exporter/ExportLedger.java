package io.pgcaravan.ship.exporter;

import io.pgcaravan.queue.Source;
import io.pgcaravan.ship.LedgerUpgrade;
import io.pgcaravan.ship.exporter.ExportSet.State;
import io.pgcaravan.ship.exporter.ExportSet.Window;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Sha256;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
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

    private String sql(String sql) {
        return sql.replace(DEFAULT, ledger.quoted());
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
        return Query.flag(connection, "select pg_try_advisory_lock(?)", key(target, table));
    }

    void unlock(Target target, TableName table) throws SQLException {
        Query.flag(connection, "select pg_advisory_unlock(?)", key(target, table));
    }

    /** Keeps tracking rows from being pruned between taking a snapshot and reserving the set that has it. */
    void lockPruning(TableName table) throws SQLException {
        Query.flag(connection, "select pg_advisory_lock_shared(?) is null", key(null, table));
    }

    void unlockPruning(TableName table) throws SQLException {
        Query.flag(connection, "select pg_advisory_unlock_shared(?)", key(null, table));
    }

    /** Until the transaction ends. False where an export is just about to reserve a set of the table. */
    private boolean mayPrune(TableName table) throws SQLException {
        return Query.flag(connection, "select pg_try_advisory_xact_lock(?)", key(null, table));
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
        return one(target, table, Long.MAX_VALUE);
    }

    /** One set, null where the ledger does not know it (any more). */
    public ExportSet set(Target target, TableName table, long number) throws SQLException {
        ExportSet set = one(target, table, number);
        return set == null || set.number() != number ? null : set;
    }

    /** The newest up to a number. */
    private ExportSet one(Target target, TableName table, long number) throws SQLException {
        return Query.first(
                connection,
                sql(
                        "select * from caravan.export_set where target_host = ? and target_database = ? and table_schema = ?"
                                + " and table_name = ? and set_number <= ? order by set_number desc limit 1"),
                ExportLedger::read,
                target.host(),
                target.database(),
                table,
                number);
    }

    /** The sets of one group, in the order of their tables' names. */
    List<ExportSet> group(UUID groupId) throws SQLException {
        return Query.all(
                connection,
                sql("select * from caravan.export_set where group_id = ? order by table_schema, table_name"),
                ExportLedger::read,
                groupId);
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
                        SetKind.of(row.getString("kind")),
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
        Window window = set.window();
        try {
            Query.update(
                    connection,
                    sql(RESERVE),
                    set.target().host(),
                    set.target().database(),
                    set.table(),
                    set.number(),
                    set.setId(),
                    set.previousSetId(),
                    window.kind().word(),
                    window.reason(),
                    window.from(),
                    window.to(),
                    window.sourceSystem(),
                    window.sourceDatabase(),
                    window.tableOid(),
                    window.columns(),
                    window.triggers(),
                    window.partitions(),
                    window.layout(),
                    set.groupId());
        } catch (SQLException e) {
            if ("23505".equals(e.getSQLState())) {
                throw takenOver(set.toString());
            }
            throw e;
        }
    }

    /** Gives up a set that was only reserved: its number is free again. */
    void giveUp(ExportSet set) throws SQLException {
        Query.update(
                connection, sql("delete from caravan.export_set where set_id = ? and state = 'reserved'"), set.setId());
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
                manifest.file(SetPart.IDS).rows(),
                manifest.file(SetPart.RECORDS).rows(),
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
        if (Query.update(connection, sql(sql), values) != 1) {
            throw takenOver(manifest.toString());
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
        return Query.flag(connection, sql("""
                with known as (select * from caravan.export_set where set_id = ? and state = 'published'),
                noted as (
                    update caravan.export_set e set acknowledged_at = clock_timestamp()
                      from known k
                     where (e.target_host, e.target_database, e.table_schema, e.table_name)
                           = (k.target_host, k.target_database, k.table_schema, k.table_name)
                       and e.set_number <= k.set_number and e.state = 'published' and e.acknowledged_at is null)
                select count(*) > 0 from known"""), setId);
    }

    // ---- targets

    /**
     * How far a target has come with a table.
     *
     * @param published number of the last set that was published, 0 for none
     * @param acknowledged number of the last set that the target has acknowledged, 0 for none
     * @param open the set that is not published yet; null for none
     * @param waiting sets that are published and not acknowledged
     */
    public record TargetProgress(
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
    public List<TargetProgress> targets() throws SQLException {
        return Query.all(connection, sql(SUMMARY), row -> {
            String open = row.getString("open_state");
            return new TargetProgress(
                    new Target(row.getString("target_host"), row.getString("target_database")),
                    new TableName(row.getString("table_schema"), row.getString("table_name")),
                    row.getLong("published"),
                    instant(row, "published_at"),
                    row.getLong("acknowledged"),
                    instant(row, "acknowledged_at"),
                    (Long) row.getObject("open_set"),
                    open == null ? null : State.valueOf(open.toUpperCase(Locale.ROOT)),
                    row.getLong("waiting"),
                    row.getBoolean("forgotten"));
        });
    }

    /**
     * Lets a target hold back tracking rows no longer. Its numbers go on where they were if it ever comes back, with a full set.
     *
     * @param table null for all tables
     * @return the tables of which the target was forgotten
     */
    public List<TableName> forget(Target target, TableName table) throws SQLException {
        String schema = table == null ? null : table.schema();
        String name = table == null ? null : table.name();
        return Query.all(
                connection,
                sql("""
                with forgotten as (
                    update caravan.export_set set forgotten_at = clock_timestamp()
                     where target_host = ? and target_database = ? and forgotten_at is null
                       and (?::text is null or (table_schema, table_name) = (?::text, ?::text))
                    returning table_schema, table_name)
                select distinct table_schema, table_name from forgotten order by 1, 2"""),
                row -> new TableName(row.getString(1), row.getString(2)),
                target.host(),
                target.database(),
                schema,
                schema,
                name);
    }

    /**
     * Deletes tracking rows that came from elsewhere by a restore: those of transactions that are yet to come here; and, before the
     * first set from this database, all, as that set is a full one for every target.
     */
    void discardForeign(TableName table, String xidColumn, Source here) throws SQLException {
        String delete = "delete from " + Tracking.tracking(table).quoted() + " where ";
        // what this statement sees was noted by transactions that had ended when it began
        Query.execute(connection, delete + TableName.quote(xidColumn) + " >= pg_snapshot_xmax(pg_current_snapshot())");
        if (mayPrune(table)) {
            Query.update(
                    connection,
                    delete
                            + sql("not exists (select from caravan.export_set e where e.table_schema = ?"
                                    + " and e.table_name = ? and e.source_system = ? and e.source_database = ?)"),
                    table,
                    here.system(),
                    here.database());
        }
    }

    /**
     * Deletes the tracking rows of a table that every target has, and old lines of the ledger. Does nothing where another export
     * is just about to reserve a set.
     */
    void prune(TableName table, String xidColumn) throws SQLException {
        String horizon = mayPrune(table) ? Query.text(connection, sql(HORIZON), table) : null;
        if (horizon == null) {
            return;
        }
        Query.update(connection, sql("""
                update caravan.export_set set pruned = true
                 where table_schema = ? and table_name = ? and not pruned and kind = 'changes'
                   and pg_snapshot_xmin(from_snapshot) < ?::xid8"""), table, horizon);
        Query.update(connection, sql("""
                delete from caravan.export_set e
                 where table_schema = ? and table_name = ? and state = 'published'
                   and set_number <= (select max(l.set_number) from caravan.export_set l
                                       where (l.target_host, l.target_database, l.table_schema, l.table_name)
                                             = (e.target_host, e.target_database, e.table_schema, e.table_name)) - ?"""), table, KEPT_SETS);
        Query.execute(
                connection,
                "delete from " + Tracking.tracking(table).quoted() + " where " + TableName.quote(xidColumn) + " < '"
                        + horizon + "'::xid8");
    }
}
