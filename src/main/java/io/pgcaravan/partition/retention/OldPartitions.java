package io.pgcaravan.partition.retention;

import io.pgcaravan.partition.BoundType;
import io.pgcaravan.partition.Parent;
import io.pgcaravan.partition.PartitionException;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Retention;
import io.pgcaravan.sql.LockWaits;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the partitions that are older than a retention period, and drops or detaches them.
 *
 * <p>A partition is old when its upper bound is: for a natively partitioned parent the bound that PostgreSQL enforces; for
 * partitions that inherit, and those without a parent, the record of what was made, and no row of the table may say
 * otherwise. Names never decide.
 */
public final class OldPartitions {

    /** How a partition goes. */
    public enum Way {
        /** DETACH CONCURRENTLY, which blocks nobody; then DROP of the table alone. */
        CONCURRENTLY,
        /** Detached and dropped in one transaction, with a strong lock of the parent for a moment. */
        AT_ONCE,
        /** It inherits from the parent. */
        INHERITS,
        /** It has no parent. */
        ALONE
    }

    /** @param to upper bound, exclusive */
    public record Old(TableName table, long oid, String bound, Instant to, Way way) {}

    /** An old partition that stays, and why. */
    public record Kept(TableName table, String reason) {}

    /**
     * What would be done.
     *
     * @param parent with its schema
     * @param cutoff what ends then or earlier is old
     * @param old in the order of their bounds
     * @param kept old ones that cannot go
     */
    public record Plan(TableName parent, Instant cutoff, List<Old> old, List<Kept> kept) {}

    /** The first half of the advisory locks' keys; the second is the parent's oid. "pgcr" in ASCII. */
    private static final int LOCK_NAMESPACE = 0x70676372;

    private static final int DETACH_CONCURRENTLY_SINCE = 140000;

    private static final String DEPENDENTS = Sql.file("partition/dependents");
    private static final String STANDING = Sql.file("partition/standing");
    private static final String RETIRING = Sql.file("partition/retiring");
    private static final String RETIRE = Sql.file("partition/retire");
    private static final String BOUNDS_PROVEN = Sql.file("partition/bounds-proven");
    private static final String DEFAULT_PARTITION = Sql.file("partition/default-partition");

    private final PartitionSettings settings;
    private final Retention retention;

    /** @param retention what to do; where it is not what the settings say */
    public OldPartitions(PartitionSettings settings, Retention retention) {
        this.settings = settings;
        this.retention = retention;
    }

    // ---- finding

    /**
     * Looks for old partitions, and changes nothing.
     *
     * @param now what the period is measured from
     */
    public Plan plan(Connection target, Instant now) throws SQLException {
        Parent parent = Parent.read(target, settings);
        if (parent.kind() == Parent.Kind.NONE && retention.action() == Retention.Action.DETACH) {
            throw new PartitionException(
                    "retention = detach: there is no table " + parent.table()
                            + " that its partitions could be detached from; use drop",
                    "42P01");
        }
        Instant cutoff = retention.period().before(now, settings.timeZone());
        Plan plan = new Plan(parent.table(), cutoff, new ArrayList<>(), new ArrayList<>());
        List<ListedPartition> all = ListedPartition.list(target, parent, settings.timeZone(), false);
        if (parent.kind() == Parent.Kind.NATIVE) {
            planNative(target, parent, all, plan);
        } else {
            planRecorded(target, parent, all, plan);
        }
        return plan;
    }

    private void planNative(Connection target, Parent parent, List<ListedPartition> all, Plan plan)
            throws SQLException {
        Map<Long, Retiring> begun = retiring(target, parent.table());
        Way way = concurrently(target, parent) ? Way.CONCURRENTLY : Way.AT_ONCE;
        for (ListedPartition listed : all) {
            if (listed.to() == null || listed.to().isAfter(plan.cutoff)) {
                continue;
            }
            if (listed.orphan()) {
                // made by us and no partition any more: ours to drop only where we had begun to
                Retiring mine = begun.get(listed.oid());
                if (mine != null && mine.drop && retention.action() == Retention.Action.DROP) {
                    plan.old.add(new Old(listed.table(), listed.oid(), null, listed.to(), Way.CONCURRENTLY));
                }
                begun.remove(listed.oid());
            } else if (listed.pending() && !begun.containsKey(listed.oid())) {
                plan.kept.add(new Kept(
                        listed.table(),
                        "somebody else began to detach it; finish that with: alter table "
                                + parent.table().quoted() + " detach partition "
                                + listed.table().quoted() + " finalize"));
            } else if (listed.pending()) {
                // first: PostgreSQL lets one partition of a table be on its way out
                plan.old.add(0, new Old(listed.table(), listed.oid(), null, listed.to(), Way.CONCURRENTLY));
            } else if (listed.attached()) {
                consider(target, listed, way, plan);
            }
        }
        for (Retiring left : begun.values()) {
            boolean known = all.stream().anyMatch(listed -> listed.oid() == left.oid);
            if (left.drop
                    && left.alone
                    && !known
                    && retention.action() == Retention.Action.DROP
                    && !left.to.isAfter(plan.cutoff)) {
                plan.old.add(new Old(left.table, left.oid, null, left.to, Way.CONCURRENTLY));
            }
        }
    }

    private void planRecorded(Connection target, Parent parent, List<ListedPartition> all, Plan plan)
            throws SQLException {
        // a template may make tables that do not inherit; where others do, one that does not was taken out by hand
        boolean ownTables = parent.kind() == Parent.Kind.NONE
                || ((settings.partTemplate() != null || settings.partFunc() != null)
                        && all.stream().noneMatch(ListedPartition::attached));
        for (ListedPartition listed : all) {
            if (!listed.recorded() || listed.to() == null || listed.to().isAfter(plan.cutoff)) {
                continue;
            }
            if (listed.attached()) {
                consider(target, listed, Way.INHERITS, plan);
            } else if (listed.orphan() && ownTables && retention.action() == Retention.Action.DROP) {
                consider(target, listed, Way.ALONE, plan);
            }
        }
    }

    private void consider(Connection target, ListedPartition listed, Way way, Plan plan) throws SQLException {
        String reason =
                switch (listed.kind()) {
                    case "r", "p" -> dependents(target, listed.oid());
                    case "f" -> "it is a foreign table, which retention leaves alone";
                    default -> "it is no table";
                };
        if (reason == null) {
            plan.old.add(new Old(listed.table(), listed.oid(), listed.bound(), listed.to(), way));
        } else {
            plan.kept.add(new Kept(listed.table(), reason));
        }
    }

    /** What keeps a partition from going, null for nothing. */
    private String dependents(Connection target, long oid) throws SQLException {
        try (PreparedStatement select = target.prepareStatement(DEPENDENTS)) {
            select.setLong(1, oid);
            try (ResultSet row = select.executeQuery()) {
                List<String> found = new ArrayList<>();
                while (row.next()) {
                    if (row.getBoolean("foreign_key") || retention.action() == Retention.Action.DROP) {
                        found.add(row.getString("what"));
                    }
                }
                return found.isEmpty() ? null : String.join("; ", found);
            }
        }
    }

    private static boolean concurrently(Connection target, Parent parent) throws SQLException {
        if (target.getMetaData().getDatabaseMajorVersion() * 10000 < DETACH_CONCURRENTLY_SINCE) {
            return false;
        }
        // PostgreSQL refuses it where a default partition would have to learn what it may take
        try (PreparedStatement select = target.prepareStatement(DEFAULT_PARTITION)) {
            select.setLong(1, parent.oid());
            try (ResultSet row = select.executeQuery()) {
                return !row.next();
            }
        }
    }

    /** @param alone whether the table is there and no partition of anything */
    private record Retiring(TableName table, long oid, Instant to, boolean drop, boolean there, boolean alone) {}

    /** What was begun and not finished, by oid. */
    private static Map<Long, Retiring> retiring(Connection target, TableName parent) throws SQLException {
        Map<Long, Retiring> begun = new HashMap<>();
        if (!OwnTables.exists(target, "caravan.retired_partition")) {
            return begun;
        }
        try (PreparedStatement select = target.prepareStatement(RETIRING)) {
            select.setString(1, parent.schema());
            select.setString(2, parent.name());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    boolean there = row.getBoolean("there");
                    begun.put(
                            row.getLong("oid"),
                            new Retiring(
                                    new TableName(row.getString("schema"), row.getString("name")),
                                    row.getLong("oid"),
                                    row.getObject("to_time", java.time.OffsetDateTime.class)
                                            .toInstant(),
                                    Retention.Action.DROP.toString().equals(row.getString("action")),
                                    there,
                                    there && !row.getBoolean("child")));
                }
            }
        }
        return begun;
    }

    // ---- doing

    /** Takes the right to take partitions of this table away, for the session; false where another process has it. */
    public boolean lock(Connection target) throws SQLException {
        return lock(target, "pg_try_advisory_lock");
    }

    /** Gives back what {@link #lock} took. */
    public void unlock(Connection target) throws SQLException {
        if (!target.isClosed()) {
            lock(target, "pg_advisory_unlock");
        }
    }

    private boolean lock(Connection target, String function) throws SQLException {
        try (PreparedStatement statement = target.prepareStatement(
                "select pg_catalog." + function
                        + "(?, coalesce(pg_catalog.to_regclass(?::text)::oid::bigint::bit(32)::int, pg_catalog.hashtext(?::text)))")) {
            statement.setInt(1, LOCK_NAMESPACE);
            statement.setString(2, settings.destTable().quoted());
            statement.setString(3, settings.destTable().toString());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    /** The statements that {@link #retire} runs for one partition, for people to read. */
    public List<String> statements(Plan plan, Old old) {
        String parent = plan.parent.quoted();
        String table = old.table.quoted();
        boolean drop = retention.action() == Retention.Action.DROP;
        List<String> statements = new ArrayList<>();
        switch (old.way) {
            case CONCURRENTLY, AT_ONCE ->
                statements.add("alter table " + parent + " detach partition " + table
                        + (old.way == Way.CONCURRENTLY ? " concurrently" : ""));
            case INHERITS -> {
                if (!drop) {
                    statements.add("alter table " + table + " no inherit " + parent);
                }
            }
            case ALONE -> {}
        }
        if (drop) {
            statements.add("drop table " + table);
        }
        return statements;
    }

    /**
     * Makes sure that a partition whose bounds PostgreSQL does not enforce holds no younger row.
     *
     * @throws PartitionException where it does
     */
    public void verify(Connection target, Old old) throws SQLException {
        if (old.way == Way.INHERITS || old.way == Way.ALONE) {
            String column = settings.partField();
            BoundType type = column == null ? BoundType.NONE : columnType(target, old);
            if (type != BoundType.NONE && !proven(target, old, column, type)) {
                refuseYoungerRows(target, old, column, type);
            }
        }
    }

    /**
     * Drops or detaches one partition; tried three times where a lock is not to be had.
     *
     * @param target with autocommit on
     */
    public void retire(Connection target, Plan plan, Old old) throws SQLException {
        OwnTables.ensure(target, "caravan.retired_partition");
        try {
            verify(target, old);
            LockWaits.retrying(() -> {
                if (old.way == Way.CONCURRENTLY) {
                    retireStepByStep(target, plan, old);
                } else {
                    retireAtOnce(target, plan, old);
                }
            });
        } catch (SQLException e) {
            throw explained(target, plan, old, e);
        }
    }

    /** Each step commits by itself; where one was interrupted, the next try goes on behind it. */
    private void retireStepByStep(Connection target, Plan plan, Old old) throws SQLException {
        Standing standing = standing(target, old);
        if (standing != null && standing.parent != null) {
            if (!standing.pending && !standing.bound.equals(old.bound)) {
                throw changed(old);
            }
            begin(target, plan, old);
            String detach = "alter table " + plan.parent.quoted() + " detach partition " + old.table.quoted();
            try (Statement statement = target.createStatement()) {
                statement.execute("set lock_timeout = '" + LockWaits.PATIENT + "'");
                statement.execute(detach + (standing.pending ? " finalize" : " concurrently"));
            } finally {
                resetLockTimeout(target);
            }
        }
        LockWaits.inTransaction(target, () -> {
            try (Statement statement = target.createStatement()) {
                if (standing != null && retention.action() == Retention.Action.DROP) {
                    statement.execute("lock table " + old.table.quoted() + " in access exclusive mode");
                    Standing now = standing(target, old);
                    if (now == null || now.parent != null) {
                        throw changed(old);
                    }
                    statement.execute("drop table " + old.table.quoted());
                }
            }
            finish(target, plan, old);
        });
    }

    private void retireAtOnce(Connection target, Plan plan, Old old) throws SQLException {
        LockWaits.inTransaction(target, () -> {
            try (Statement statement = target.createStatement()) {
                if (old.way != Way.AT_ONCE) {
                    statement.execute("lock table " + old.table.quoted() + " in access exclusive mode");
                    verify(target, old);
                }
                Standing now = standing(target, old);
                boolean same = now != null
                        && (old.way == Way.ALONE ? now.parent == null : now.parent != null)
                        && java.util.Objects.equals(now.bound, old.bound);
                if (!same) {
                    throw changed(old);
                }
                for (String sql : statements(plan, old)) {
                    statement.execute(sql);
                }
            }
            begin(target, plan, old);
            finish(target, plan, old);
        });
    }

    private static PartitionException changed(Old old) {
        return new PartitionException(old.table + " was changed by somebody else meanwhile", "40001");
    }

    private static void resetLockTimeout(Connection target) throws SQLException {
        if (!target.isClosed()) {
            try (Statement statement = target.createStatement()) {
                statement.execute("reset lock_timeout");
            }
        }
    }

    /** @param parent null for none */
    private record Standing(Long parent, boolean pending, String bound) {}

    /** Null where the table is gone, or is another one under its name. */
    private static Standing standing(Connection target, Old old) throws SQLException {
        try (PreparedStatement select = target.prepareStatement(STANDING)) {
            select.setLong(1, old.oid);
            select.setString(2, old.table.schema());
            select.setString(3, old.table.name());
            try (ResultSet row = select.executeQuery()) {
                return row.next()
                        ? new Standing(
                                row.getObject("parent", Long.class), row.getBoolean("pending"), row.getString("bound"))
                        : null;
            }
        }
    }

    private void begin(Connection target, Plan plan, Old old) throws SQLException {
        try (PreparedStatement insert = target.prepareStatement(RETIRE)) {
            insert.setString(1, plan.parent.schema());
            insert.setString(2, plan.parent.name());
            insert.setString(3, old.table.schema());
            insert.setString(4, old.table.name());
            insert.setLong(5, old.oid);
            insert.setObject(6, old.to.atOffset(ZoneOffset.UTC));
            insert.setString(7, retention.action().toString());
            insert.executeUpdate();
        }
    }

    /** The table is gone, or no longer ours: it leaves the record of what we made. */
    private static void finish(Connection target, Plan plan, Old old) throws SQLException {
        try (PreparedStatement update = target.prepareStatement("""
                update caravan.retired_partition r set done_at = pg_catalog.clock_timestamp()
                 where (partition_oid = ?::oid and partition_schema = ?::text and partition_name = ?::text
                        or not exists (select from pg_class c where c.oid = r.partition_oid))
                   and done_at is null""")) {
            update.setLong(1, old.oid);
            update.setString(2, old.table.schema());
            update.setString(3, old.table.name());
            update.executeUpdate();
        }
        if (OwnTables.exists(target, "caravan.partition")) {
            try (PreparedStatement delete = target.prepareStatement("""
                    delete from caravan.partition
                     where parent_schema = ?::text and parent_name = ?::text and partition_schema = ?::text and partition_name = ?::text""")) {
                delete.setString(1, plan.parent.schema());
                delete.setString(2, plan.parent.name());
                delete.setString(3, old.table.schema());
                delete.setString(4, old.table.name());
                delete.executeUpdate();
            }
        }
    }

    // ---- rows that say otherwise

    private BoundType columnType(Connection target, Old old) throws SQLException {
        try (PreparedStatement select = target.prepareStatement("""
                select case t.typtype when 'd' then t.typbasetype else t.oid end::regtype::text
                  from pg_attribute a
                  join pg_type t on t.oid = a.atttypid
                 where a.attrelid = ?::oid and a.attname = ?::text and a.attnum > 0 and not a.attisdropped""")) {
            select.setLong(1, old.oid);
            select.setString(2, settings.partField());
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? Parent.boundType(row.getString(1)) : BoundType.NONE;
            }
        }
    }

    private boolean proven(Connection target, Old old, String column, BoundType type) throws SQLException {
        try (PreparedStatement select = target.prepareStatement(BOUNDS_PROVEN.replace("TYPE", type.sqlType()))) {
            select.setString(1, column);
            select.setLong(2, old.oid);
            select.setString(3, upperBound(old, type));
            try (ResultSet row = select.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    private void refuseYoungerRows(Connection target, Old old, String column, BoundType type) throws SQLException {
        String quoted = TableName.quote(column);
        try (PreparedStatement select =
                target.prepareStatement("select exists (select from " + old.table.quoted() + " where " + quoted
                        + " operator(pg_catalog.>=) ?::" + type.sqlType() + " or " + quoted + " is null)")) {
            select.setString(1, upperBound(old, type));
            try (ResultSet row = select.executeQuery()) {
                row.next();
                if (row.getBoolean(1)) {
                    throw new PartitionException(
                            old.table + " holds rows that are not before " + upperBound(old, type) + " (or have no "
                                    + column
                                    + "), where caravan.partition says that it ends: it stays; move those rows",
                            "55000");
                }
            }
        }
    }

    private String upperBound(Old old, BoundType type) {
        return type.literal(LocalDateTime.ofInstant(old.to, settings.timeZone()), settings.timeZone());
    }

    // ---- failures

    private SQLException explained(Connection target, Plan plan, Old old, SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        String advice =
                switch (state) {
                    case "55P03" ->
                        "; somebody holds it or its parent: a long query, a transaction left open, VACUUM or DDL"
                                + (isPending(target, old) ? " (new queries do not see it any more)" : "");
                    case "23503" -> "; a foreign key keeps it: delete the rows that reference it first";
                    case "2BP01" -> "; it is never dropped with CASCADE";
                    case "42501" -> "; the job's role needs to own " + plan.parent + " and its partitions";
                    default -> "";
                };
        return new PartitionException(
                "Cannot " + retention.action() + " partition " + old.table + " of " + plan.parent + ": "
                        + e.getMessage() + advice,
                e);
    }

    private static boolean isPending(Connection target, Old old) {
        try {
            Standing standing = standing(target, old);
            return standing != null && standing.pending;
        } catch (SQLException gone) {
            return false;
        }
    }
}
