package io.pgcaravan.partition.retention;

import io.pgcaravan.partition.BoundType;
import io.pgcaravan.partition.PartitionException;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Retention;
import io.pgcaravan.sql.LockWaits;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A partition that is older than the retention period, to be dropped or detached.
 *
 * @param parent with its schema
 * @param bound what PostgreSQL checks, as the catalog wrote it when the partition was found; null for nothing
 * @param to upper bound, exclusive
 */
public record OldPartition(
        PartitionSettings settings,
        Retention retention,
        TableName parent,
        TableName table,
        long oid,
        String bound,
        Instant to,
        Way way) {

    /** How a partition goes. */
    public enum Way {
        /** DETACH CONCURRENTLY, which blocks no other session; then DROP of the table alone. */
        CONCURRENTLY,
        /** Detached and dropped in one transaction, with a strong lock of the parent for a moment. */
        AT_ONCE,
        /** It inherits from the parent. */
        INHERITS,
        /** It has no parent. */
        ALONE
    }

    private static final String INHERITANCE = Sql.file("partition/inheritance");
    private static final String RETIRE = Sql.file("partition/retire");
    private static final String BOUNDS_PROVEN = Sql.file("partition/bounds-proven");

    private boolean drops() {
        return retention.action() == Retention.Action.DROP;
    }

    /** The statements that {@link #retire} runs, for people to read. */
    public List<String> statements() {
        List<String> statements = new ArrayList<>();
        switch (way) {
            case CONCURRENTLY -> statements.add(detach() + " concurrently");
            case AT_ONCE -> statements.add(detach());
            case INHERITS -> {
                if (!drops()) {
                    statements.add("alter table " + table.quoted() + " no inherit " + parent.quoted());
                }
            }
            case ALONE -> {}
        }
        if (drops()) {
            statements.add("drop table " + table.quoted());
        }
        return statements;
    }

    private String detach() {
        return "alter table " + parent.quoted() + " detach partition " + table.quoted();
    }

    /**
     * Drops or detaches it; tried three times where a lock is not to be had.
     *
     * @param target with autocommit on
     */
    public void retire(Connection target) throws SQLException {
        OwnTables.ensure(target, "caravan.retired_partition");
        try {
            verify(target);
            LockWaits.retrying(() -> {
                if (way == Way.CONCURRENTLY) {
                    retireStepByStep(target);
                } else {
                    LockWaits.inTransaction(target, () -> retireAtOnce(target));
                }
            });
        } catch (SQLException e) {
            throw explained(target, e);
        }
    }

    /** Each step commits on its own; where one was interrupted, the next try continues behind it. */
    private void retireStepByStep(Connection target) throws SQLException {
        Inheritance before = inheritance(target);
        if (before != null && before.parent != null) {
            if (!before.pending && !before.bound.equals(bound)) {
                throw changed();
            }
            begin(target);
            try {
                Query.execute(target, "set lock_timeout = '" + LockWaits.PATIENT + "'");
                Query.execute(target, detach() + (before.pending ? " finalize" : " concurrently"));
            } finally {
                if (!target.isClosed()) {
                    Query.execute(target, "reset lock_timeout");
                }
            }
        }
        LockWaits.inTransaction(target, () -> {
            if (before != null && drops()) {
                lock(target);
                Inheritance now = inheritance(target);
                if (now == null || now.parent != null) {
                    throw changed();
                }
                Query.execute(target, "drop table " + table.quoted());
            }
            finish(target);
        });
    }

    private void retireAtOnce(Connection target) throws SQLException {
        if (way != Way.AT_ONCE) {
            lock(target);
            verify(target);
        }
        Inheritance now = inheritance(target);
        if (now == null || (now.parent == null) != (way == Way.ALONE) || !Objects.equals(now.bound, bound)) {
            throw changed();
        }
        for (String sql : statements()) {
            Query.execute(target, sql);
        }
        begin(target);
        finish(target);
    }

    private void lock(Connection target) throws SQLException {
        Query.execute(target, "lock table " + table.quoted() + " in access exclusive mode");
    }

    private PartitionException changed() {
        return new PartitionException(table + " was changed by another session meanwhile", "40001");
    }

    /** @param parent null for none */
    private record Inheritance(Long parent, boolean pending, String bound) {}

    /** Null where the table is gone, or is another one under its name. */
    private Inheritance inheritance(Connection target) throws SQLException {
        return Query.first(
                target,
                INHERITANCE,
                row -> new Inheritance(
                        row.getObject("parent", Long.class), row.getBoolean("pending"), row.getString("bound")),
                oid,
                table);
    }

    private void begin(Connection target) throws SQLException {
        Query.update(
                target,
                RETIRE,
                parent,
                table,
                oid,
                to.atOffset(ZoneOffset.UTC),
                retention.action().toString());
    }

    /** The table is gone, or no longer ours: it leaves the record of what we made. */
    private void finish(Connection target) throws SQLException {
        String done = """
                update caravan.retired_partition r set done_at = pg_catalog.clock_timestamp()
                 where (partition_oid = ?::oid and partition_schema = ?::text and partition_name = ?::text
                        or not exists (select from pg_class c where c.oid = r.partition_oid))
                   and done_at is null""";
        Query.update(target, done, oid, table);
        if (OwnTables.exists(target, "caravan.partition")) {
            String forget = """
                    delete from caravan.partition
                     where parent_schema = ?::text and parent_name = ?::text
                       and partition_schema = ?::text and partition_name = ?::text""";
            Query.update(target, forget, parent, table);
        }
    }

    /**
     * Makes sure that a partition whose bounds PostgreSQL does not enforce holds no younger row.
     *
     * @throws PartitionException where it does
     */
    public void verify(Connection target) throws SQLException {
        String column = settings.partField();
        if (column == null || way != Way.INHERITS && way != Way.ALONE) {
            return;
        }
        String columnType = """
                select case t.typtype when 'd' then t.typbasetype else t.oid end::regtype::text
                  from pg_attribute a
                  join pg_type t on t.oid = a.atttypid
                 where a.attrelid = ?::oid and a.attname = ?::text and a.attnum > 0 and not a.attisdropped""";
        BoundType type = BoundType.of(Query.text(target, columnType, oid, column));
        if (type == BoundType.NONE) {
            return;
        }
        String end = type.literal(LocalDateTime.ofInstant(to, settings.timeZone()), settings.timeZone());
        if (Query.flag(target, BOUNDS_PROVEN.replace("TYPE", type.sqlType()), column, oid, end)) {
            return;
        }
        String younger = "select exists (select from %s where %2$s operator(pg_catalog.>=) ?::%3$s or %2$s is null)";
        if (Query.flag(target, younger.formatted(table.quoted(), TableName.quote(column), type.sqlType()), end)) {
            throw new PartitionException(
                    table + " holds rows that are not before " + end + " (or have no " + column
                            + "), where caravan.partition says that it ends: it stays; move those rows",
                    "55000");
        }
    }

    private SQLException explained(Connection target, SQLException e) {
        String advice =
                switch (String.valueOf(e.getSQLState())) {
                    case "55P03" ->
                        "; another session holds a lock of it or its parent: a long query, a transaction left open,"
                                + " VACUUM or DDL"
                                + (isPending(target) ? " (new queries do not see it any more)" : "");
                    case "23503" -> "; a foreign key keeps it: delete the rows that reference it first";
                    case "2BP01" -> "; it is never dropped with CASCADE";
                    case "42501" -> "; the job's role needs to own " + parent + " and its partitions";
                    default -> "";
                };
        return new PartitionException(
                "Cannot " + retention.action() + " partition " + table + " of " + parent + ": " + e.getMessage()
                        + advice,
                e);
    }

    private boolean isPending(Connection target) {
        try {
            Inheritance now = inheritance(target);
            return now != null && now.pending;
        } catch (SQLException gone) {
            return false;
        }
    }
}
