package io.pgcaravan.partition;

import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The partitions that were made for one batch, in its transaction. */
final class MadePartitions {

    /** @param toAttach whether it still has to become a partition of its parent */
    record New(long oid, Place place, Partition partition, boolean toAttach) {
        New attached() {
            return new New(oid, place, partition, false);
        }
    }

    final boolean indexesLast;
    private final Map<TableName, New> byName = new LinkedHashMap<>();
    /** Whether the parent's advisory lock is held. */
    boolean locked;

    private boolean unsure;

    MadePartitions() {
        this(false);
    }

    /**
     * @param indexesLast whether ATTACH may make the indexes, over the rows that are there by then: a quarter less work
     *     for the server. A row that a unique key refuses is then not named; nothing must look for rows by their key
     */
    MadePartitions(boolean indexesLast) {
        this.indexesLast = indexesLast;
    }

    int size() {
        return byName.size();
    }

    List<Partition> partitions() {
        return byName.values().stream().map(New::partition).toList();
    }

    /** Null where none of that name was made. */
    Partition partition(TableName table) {
        New made = byName.get(table);
        return made == null ? null : made.partition;
    }

    void add(New made) {
        byName.put(made.partition.table(), made);
        made.place.partition = made.partition;
    }

    List<New> toAttach() {
        return byName.values().stream().filter(New::toAttach).toList();
    }

    void attached() {
        byName.replaceAll((name, made) -> made.attached());
    }

    /** Whatever was made since the savepoint is gone, the lock too where it was taken since; which, is not known. */
    void rolledBack() {
        locked = false;
        unsure = true;
    }

    /** After a rollback to a savepoint: keeps those that are still there. */
    void verify(Connection target) throws SQLException {
        if (unsure && !byName.isEmpty()) {
            Object oids = byName.values().stream().map(New::oid).toArray(Long[]::new);
            Set<Long> there = new HashSet<>(Query.all(
                    target,
                    "select oid::bigint from pg_class where oid = any (?::bigint[]::oid[])",
                    row -> row.getLong(1),
                    oids));
            byName.values().removeIf(made -> !there.contains(made.oid));
        }
        unsure = false;
    }
}
