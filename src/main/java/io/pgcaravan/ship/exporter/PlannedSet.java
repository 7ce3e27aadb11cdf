package io.pgcaravan.ship.exporter;

import io.pgcaravan.ship.exporter.SourceTable.Leaf;
import io.pgcaravan.ship.format.Manifest.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * One table's part of an export.
 *
 * @param full whether it holds all rows, and not only the changed ones
 * @param truncated whether all rows that were there before are gone
 * @param newPartitions those that the set before did not know, and whose rows no trigger may have seen
 */
record PlannedSet(SourceTable table, ExportSet set, boolean full, boolean truncated, List<Leaf> newPartitions) {

    Kind kind() {
        return full ? Kind.FULL : Kind.CHANGES;
    }

    PlannedSet inGroup(UUID group) {
        return new PlannedSet(table, set.inGroup(group), full, truncated, newPartitions);
    }

    static List<Leaf> newPartitions(SourceTable table, ExportSet before) {
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
