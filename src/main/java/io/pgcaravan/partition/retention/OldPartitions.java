package io.pgcaravan.partition.retention;

import io.pgcaravan.partition.ListedPartition;
import io.pgcaravan.partition.Parent;
import io.pgcaravan.partition.PartitionException;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Retention;
import io.pgcaravan.partition.retention.OldPartition.Way;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the partitions that are older than a retention period; {@link OldPartition} drops or detaches one.
 *
 * <p>A partition is old when its upper bound is: for a natively partitioned parent the bound that PostgreSQL enforces; for
 * partitions that inherit, and those without a parent, the record of what was made, and no row of the table may say
 * otherwise. Names never decide.
 */
public final class OldPartitions {

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
    public record Plan(TableName parent, Instant cutoff, List<OldPartition> old, List<Kept> kept) {}

    /** The first half of the advisory locks' keys; the second is the parent's oid. "pgcr" in ASCII. */
    private static final int LOCK_NAMESPACE = 0x70676372;

    private static final int DETACH_CONCURRENTLY_SINCE = 14;

    private static final String DEPENDENTS = Sql.file("partition/dependents");
    private static final String RETIRING = Sql.file("partition/retiring");

    private final PartitionSettings settings;
    private final Retention retention;

    /** @param retention what to do; where it is not what the settings say */
    public OldPartitions(PartitionSettings settings, Retention retention) {
        this.settings = settings;
        this.retention = retention;
    }

    /**
     * Looks for old partitions, and changes nothing.
     *
     * @param now what the period is measured from
     */
    public Plan plan(Connection target, Instant now) throws SQLException {
        Parent parent = Parent.read(target, settings);
        if (parent.partitioning() == Parent.Partitioning.NONE && !drops()) {
            throw new PartitionException(
                    "retention = detach: table " + parent.table()
                            + " does not exist, so its partitions cannot be detached; use drop",
                    "42P01");
        }
        Instant cutoff = retention.period().before(now, settings.timeZone());
        Plan plan = new Plan(parent.table(), cutoff, new ArrayList<>(), new ArrayList<>());
        List<ListedPartition> all = ListedPartition.list(target, parent, settings.timeZone(), false);
        if (parent.isNative()) {
            planNative(target, parent, all, plan);
        } else {
            planRecorded(target, parent, all, plan);
        }
        return plan;
    }

    private boolean drops() {
        return retention.action() == Retention.Action.DROP;
    }

    private void planNative(Connection target, Parent parent, List<ListedPartition> all, Plan plan)
            throws SQLException {
        Map<Long, Retiring> begun = retiring(target, parent.table());
        // PostgreSQL refuses it where a default partition would have to learn what it may take
        Way way = target.getMetaData().getDatabaseMajorVersion() >= DETACH_CONCURRENTLY_SINCE && !parent.hasDefault()
                ? Way.CONCURRENTLY
                : Way.AT_ONCE;
        for (ListedPartition listed : all) {
            Retiring mine = begun.remove(listed.oid());
            if (listed.to() == null || listed.to().isAfter(plan.cutoff)) {
                continue;
            }
            OldPartition old = old(parent.table(), listed.table(), listed.oid(), null, listed.to(), Way.CONCURRENTLY);
            if (listed.orphan()) {
                // made by us and no partition any more: ours to drop only where we had begun to
                if (mine != null && mine.drop && drops()) {
                    plan.old.add(old);
                }
            } else if (listed.pending() && mine == null) {
                plan.kept.add(new Kept(
                        listed.table(),
                        "another session began to detach it; finish that with: alter table "
                                + parent.table().quoted() + " detach partition "
                                + listed.table().quoted() + " finalize"));
            } else if (listed.pending()) {
                // first: PostgreSQL lets one partition of a table be on its way out
                plan.old.add(0, old);
            } else if (listed.attached()) {
                consider(target, listed, way, plan);
            }
        }
        for (Retiring left : begun.values()) {
            if (left.drop && left.alone && drops() && !left.to.isAfter(plan.cutoff)) {
                plan.old.add(old(parent.table(), left.table, left.oid, null, left.to, Way.CONCURRENTLY));
            }
        }
    }

    private void planRecorded(Connection target, Parent parent, List<ListedPartition> all, Plan plan)
            throws SQLException {
        // a template may make tables that do not inherit; where others do, one that does not was taken out by hand
        boolean ownTables = parent.partitioning() == Parent.Partitioning.NONE
                || settings.makesOwnTables() && all.stream().noneMatch(ListedPartition::attached);
        for (ListedPartition listed : all) {
            if (!listed.recorded() || listed.to() == null || listed.to().isAfter(plan.cutoff)) {
                continue;
            }
            if (listed.attached()) {
                consider(target, listed, Way.INHERITS, plan);
            } else if (listed.orphan() && ownTables && drops()) {
                consider(target, listed, Way.ALONE, plan);
            }
        }
    }

    private void consider(Connection target, ListedPartition listed, Way way, Plan plan) throws SQLException {
        String reason =
                switch (listed.kind()) {
                    case "r", "p" -> dependents(target, listed.oid());
                    case "f" -> "it is a foreign table, which retention leaves alone";
                    default -> "it is not a table";
                };
        if (reason == null) {
            plan.old.add(old(plan.parent, listed.table(), listed.oid(), listed.bound(), listed.to(), way));
        } else {
            plan.kept.add(new Kept(listed.table(), reason));
        }
    }

    private OldPartition old(TableName parent, TableName table, long oid, String bound, Instant to, Way way) {
        return new OldPartition(settings, retention, parent, table, oid, bound, to, way);
    }

    /** What keeps a partition from going, null for nothing. */
    private String dependents(Connection target, long oid) throws SQLException {
        List<String> found = Query.all(
                target, DEPENDENTS, row -> row.getBoolean("foreign_key") || drops() ? row.getString("what") : "", oid);
        found.removeIf(String::isEmpty);
        return found.isEmpty() ? null : String.join("; ", found);
    }

    /** @param alone whether the table is there and no partition of anything */
    private record Retiring(TableName table, long oid, Instant to, boolean drop, boolean alone) {}

    /** What was begun and not finished, by oid. */
    private static Map<Long, Retiring> retiring(Connection target, TableName parent) throws SQLException {
        Map<Long, Retiring> begun = new HashMap<>();
        if (OwnTables.exists(target, "caravan.retired_partition")) {
            Query.all(target, RETIRING, OldPartitions::retiring, parent).forEach(one -> begun.put(one.oid, one));
        }
        return begun;
    }

    private static Retiring retiring(ResultSet row) throws SQLException {
        return new Retiring(
                new TableName(row.getString("schema"), row.getString("name")),
                row.getLong("oid"),
                row.getObject("to_time", OffsetDateTime.class).toInstant(),
                Retention.Action.DROP.toString().equals(row.getString("action")),
                row.getBoolean("there") && !row.getBoolean("child"));
    }

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
        String sql = """
                select pg_catalog.%s(?, coalesce(pg_catalog.to_regclass(?::text)::oid::bigint::bit(32)::int,
                                                 pg_catalog.hashtext(?::text)))""";
        return Query.flag(
                target,
                sql.formatted(function),
                LOCK_NAMESPACE,
                settings.destTable().quoted(),
                settings.destTable().toString());
    }
}
