package io.pgcaravan.ship.exporter;

import io.pgcaravan.queue.Source;
import io.pgcaravan.ship.Snapshot;
import io.pgcaravan.ship.exporter.SourceTable.Leaf;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** When the changes of a table cannot be relied upon, so that a set has to hold all of its rows. */
final class FullSet {

    private FullSet() {}

    /**
     * Why the changes since the last set will not do.
     *
     * @param last null where there is none
     * @param snapshot of the set that is to be made
     * @param here the database as it is now
     * @return null where they will
     */
    static String reason(ExportSet last, SourceTable table, String snapshot, Source here) {
        if (last == null) {
            return "it is the target's first set";
        }
        if (last.forgotten()) {
            return "the target had been forgotten";
        }
        if (!last.window().sourceSystem().equals(here.system())) {
            return "the database is in another cluster now (restored or upgraded)";
        }
        if (!last.window().sourceDatabase().equals(here.database())) {
            return "the last set came from database \"" + last.window().sourceDatabase() + "\"";
        }
        if (Long.compareUnsigned(
                        Snapshot.xmax(snapshot), Snapshot.xmax(last.window().to()))
                < 0) {
            return "the database was set back to an earlier time";
        }
        if (last.window().tableOid() != table.oid()) {
            return "the table was made anew";
        }
        if (!last.window().columns().equals(table.described())) {
            return "its columns were changed";
        }
        String layout = last.window().layout();
        if (layout != null && !written(table.layout()).startsWith(written(layout))) {
            return "a column was dropped and added again, or a type of its values was changed";
        }
        if (table.problem() != null) {
            return table.problem();
        }
        // a further one takes nothing away
        if (!Set.of(table.triggers().split(" "))
                .containsAll(List.of(last.window().triggers().split(" ")))) {
            return "its tracking triggers were changed or switched off meanwhile, or its tracking table was truncated or made anew";
        }
        return reason(Leaf.parse(last.window().partitions()), table.partitions());
    }

    /**
     * Why changes will not do where nothing has truncated the table: rewriting may have given its rows other values.
     *
     * @return null where they will
     */
    static String rewritten(ExportSet last, SourceTable table) {
        String layout = last.window().layout();
        return layout == null || file(layout).equals(file(table.layout()))
                ? null
                : "the table was rewritten (ALTER TABLE, CLUSTER or VACUUM FULL)";
    }

    private static String file(String layout) {
        return layout.substring(0, layout.indexOf(';'));
    }

    private static String written(String layout) {
        return layout.substring(layout.indexOf(';'));
    }

    private static String reason(Map<Long, Leaf> before, Map<Long, Leaf> now) {
        for (Leaf was : before.values()) {
            Leaf is = now.get(was.oid());
            if (is == null) {
                return "a partition was detached or dropped";
            }
            if (!was.version().equals(is.version())) {
                return "the tracking trigger of partition " + is.name() + " was changed or switched off meanwhile";
            }
            if (was.file() != is.file()) {
                return "partition " + is.name() + " was truncated or rewritten";
            }
        }
        return null;
    }
}
