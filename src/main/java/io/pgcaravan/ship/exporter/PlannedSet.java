package io.pgcaravan.ship.exporter;

import io.pgcaravan.queue.Source;
import io.pgcaravan.ship.exporter.ExportSet.Window;
import io.pgcaravan.ship.exporter.SourceTable.Leaf;
import io.pgcaravan.ship.format.SetKind;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * One table's part of an export.
 *
 * @param full whether it holds all rows, and not only the changed ones
 * @param truncated whether all rows that were there before are gone, and it is not full
 * @param newPartitions those that the set before did not know, and whose rows no trigger may have seen; none for a full set
 */
record PlannedSet(SourceTable table, ExportSet set, boolean full, boolean truncated, List<Leaf> newPartitions) {

    private PlannedSet(SourceTable table, ExportSet set, boolean full, boolean truncated, ExportSet before) {
        this(table, set, full, truncated && !full, full || before == null ? List.of() : newPartitions(table, before));
    }

    /**
     * The set after the last one.
     *
     * @param last null where there is none
     * @return null where nothing has changed
     */
    static PlannedSet next(
            SourceSnapshot reader, SourceTable table, ExportSet last, Exporter.Request request, Source here)
            throws SQLException {
        String snapshot = reader.snapshot();
        String reason =
                last != null && request.full() ? "it was asked for" : FullSet.reason(last, table, snapshot, here);
        boolean truncated = false;
        if (reason == null) {
            truncated = reader.truncated(table, last.window().to(), snapshot);
            if (!truncated) {
                reason = FullSet.rewritten(last, table);
            } else if (table.partitioned()) {
                // which rows a partition had is known no more
                reason = "it or a partition of it was truncated";
            }
            if (reason == null
                    && !truncated
                    && !reader.anyChange(table, last.window().to(), newPartitions(table, last))) {
                return null;
            }
        }
        boolean full = reason != null;
        Window window = new Window(
                full ? SetKind.FULL : SetKind.CHANGES,
                reason,
                full ? null : last.window().to(),
                snapshot,
                here.system(),
                here.database(),
                table.oid(),
                table.described(),
                table.triggers(),
                table.partitionsText(),
                table.layout());
        ExportSet set = ExportSet.after(last, request.after(), request.target(), table.name(), window);
        return new PlannedSet(table, set, full, truncated, last);
    }

    /**
     * A set once more: its window, with the rows as they are now.
     *
     * @param before the set before it; null where it is known no more
     */
    static PlannedSet again(SourceSnapshot reader, SourceTable table, ExportSet set, ExportSet before, Source here)
            throws SQLException {
        Window window = set.window();
        boolean full = window.kind() == SetKind.FULL
                || !window.sourceSystem().equals(here.system())
                || window.tableOid() != table.oid()
                || !window.columns().equals(table.described());
        boolean truncated = !full && reader.truncated(table, window.from(), window.to());
        full |= table.partitioned() && (truncated || before == null);
        return new PlannedSet(table, set, full, truncated, before);
    }

    SetKind kind() {
        return full ? SetKind.FULL : SetKind.CHANGES;
    }

    /** @param group null for none */
    PlannedSet inGroup(UUID group) {
        return new PlannedSet(table, set.inGroup(group), full, truncated, newPartitions);
    }

    private static List<Leaf> newPartitions(SourceTable table, ExportSet before) {
        Map<Long, Leaf> known = Leaf.parse(before.window().partitions());
        return table.partitions().values().stream()
                .filter(leaf -> !known.containsKey(leaf.oid()))
                .toList();
    }

    /** Tables that others refer to come first; where they refer to each other, as the request has them. */
    static List<PlannedSet> inOrder(List<PlannedSet> planned) {
        List<PlannedSet> left = new ArrayList<>(planned);
        List<PlannedSet> ordered = new ArrayList<>();
        while (!left.isEmpty()) {
            PlannedSet next = left.stream()
                    .filter(one -> left.stream()
                            .noneMatch(other ->
                                    other != one && one.table.refersTo().contains(other.table.oid())))
                    .findFirst()
                    .orElse(left.get(0));
            left.remove(next);
            ordered.add(next);
        }
        return ordered;
    }
}
