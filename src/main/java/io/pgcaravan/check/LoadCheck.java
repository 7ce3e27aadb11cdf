package io.pgcaravan.check;

import io.pgcaravan.load.LoadSettings;
import io.pgcaravan.load.Loader;
import io.pgcaravan.load.OnTruncate;
import io.pgcaravan.load.OnUnknownColumn;
import io.pgcaravan.load.RowMode;
import io.pgcaravan.partition.PartMode;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Partitioner;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** One table that rows go to: its partitions, columns, key, and what the role may do with it. */
final class LoadCheck {

    private final CheckedJob.Load load;
    private final Connection target;
    private final SourceCheck.Seen seen;
    private final Findings findings;
    private final String called;

    LoadCheck(CheckedJob.Load load, Connection target, SourceCheck.Seen seen, Findings findings) {
        this.load = load;
        this.target = target;
        this.seen = seen;
        this.findings = findings;
        this.called = "table " + load.table();
    }

    /** @throws SQLException where a trial fails; what it did is rolled back by the caller */
    Object look() throws SQLException {
        Table parent = Table.of(target, load.table());
        PartitionSettings partition = load.partition();
        if (parent == null && (partition == null || partition.partTemplate() == null && partition.partFunc() == null)) {
            findings.problem("there is no " + called + " on the target: create it"
                    + (partition == null ? "" : ", partitioned or plain, or set partTemplate"));
            return null;
        }
        List<Feeder> feeders = feeders();
        Table written = parent;
        if (partition != null) {
            new Partitioner(partition).check(target);
            if (placingColumn(partition, parent, feeders)) {
                TableName made = new PartitionTrial(load, target, seen, feeders, findings).run(parent);
                if (made != null) {
                    written = Table.of(target, made);
                }
            }
        }
        rights(parent);
        if (written != null) {
            for (Feeder feeder : feeders) {
                // what a step of the user's own inserts is not known
                if (load.settings() != null) {
                    columns(feeder, written);
                }
                key(feeder, written);
            }
            if (feeders.isEmpty()) {
                namedColumns(written);
            }
        }
        return null;
    }

    /** Where the route says which table's events come here, that one; else of several the one that is called like this one. */
    private List<Feeder> feeders() {
        List<Feeder> named = seen.feeders().stream()
                .filter(feeder -> load.sourceTable() != null
                        ? feeder.table().equals(load.sourceTable())
                        : TableName.parse(feeder.table())
                                .name()
                                .equals(load.table().name()))
                .toList();
        if (load.sourceTable() != null && named.isEmpty() && !seen.feeders().isEmpty()) {
            findings.warning("rows of " + load.sourceTable() + " are to go into " + called
                    + ", but no trigger writes that table's changes into the queue");
        }
        return named.isEmpty() && load.sourceTable() == null ? seen.feeders() : named;
    }

    // ---- partitions

    private boolean placingColumn(PartitionSettings partition, Table parent, List<Feeder> feeders) {
        String field = partition.partField();
        if (field == null) {
            return true;
        }
        boolean carried = feeders.isEmpty()
                || feeders.stream().anyMatch(feeder -> taken(feeder).containsValue(field));
        if (!carried) {
            findings.problem("partField = " + field + " is no column of the rows that are taken (by its name in the"
                    + " target): " + String.join(", ", taken(feeders.get(0)).values()));
            return false;
        }
        Table.Column column = parent == null ? null : parent.columns().get(field);
        if (parent != null && column == null) {
            findings.problem("partField = " + field + " is no column of " + called);
            return false;
        }
        boolean dated = partition.partMode() == PartMode.DATE_FIELD;
        if (dated && column != null && !column.type().matches("(date|timestamp.*)")) {
            findings.warning("partField = " + field + " is of type " + column.type() + " in " + called
                    + ", which is no date: values have to be dates as texts");
        }
        return true;
    }

    // ---- columns

    /** Source names to target names of what is taken of a table's rows. */
    private Map<String, String> taken(Feeder feeder) {
        Map<String, String> taken = new LinkedHashMap<>();
        for (String column : feeder.columns().keySet()) {
            String name = load.selection().target(column);
            if (name != null) {
                taken.put(column, name);
            }
        }
        return taken;
    }

    private void columns(Feeder feeder, Table written) {
        Map<String, String> taken = taken(feeder);
        for (var field : load.selection().fields()) {
            if (!feeder.columns().containsKey(field.source())
                    && feeder.arguments().stream().noneMatch(argument -> argument.startsWith(field.source() + "="))) {
                findings.problem("fields names column \"" + field.source() + "\", which " + feeder.table()
                        + " at the source does not have");
            }
        }
        boolean ignored = load.settings() != null && load.settings().onUnknownColumn() == OnUnknownColumn.IGNORE;
        int fitting = 0;
        for (Map.Entry<String, String> pair : taken.entrySet()) {
            Table.Column column = written.columns().get(pair.getValue());
            Feeder.Column origin = feeder.columns().get(pair.getKey());
            String name = "column \"" + pair.getValue() + "\"";
            if (column == null || !column.writable()) {
                String what = name + " of " + feeder.table() + " "
                        + (column == null ? "is not there in " : "is computed in ") + called;
                if (ignored) {
                    findings.warning(what + ", and is left out (onUnknownColumn=ignore)");
                } else {
                    findings.problem(what + ": " + (column == null ? "add it, leave it" : "leave it")
                            + " out by fields or skipFields, or set onUnknownColumn=ignore");
                }
                continue;
            }
            String doubt = TypeFit.doubt(origin.type(), column.type());
            if (doubt != null) {
                findings.warning(name + " is " + origin.type() + " in " + feeder.table() + " and " + column.type()
                        + " in " + called + ": " + doubt);
            } else if (column.notNull() && !origin.notNull()) {
                findings.warning(name + " may be NULL in " + feeder.table() + ", but not in " + called
                        + ": such rows are refused");
            } else {
                fitting++;
            }
        }
        Set<String> given = new LinkedHashSet<>(taken.values());
        written.columns().forEach((name, column) -> {
            if (column.required() && !given.contains(name)) {
                findings.problem("column \"" + name + "\" of " + called + " is NOT NULL without a default, and rows of "
                        + feeder.table() + " do not bring it: give it a default, or take it in by fields");
            }
        });
        if (fitting == taken.size()) {
            findings.ok(fitting + (fitting == 1 ? " column of " : " columns of ") + feeder.table() + " "
                    + (fitting == 1 ? "goes" : "go") + " into " + called);
        }
    }

    /** Where nobody tells what the rows have, only what the job names can be looked for. */
    private void namedColumns(Table written) {
        for (var field : load.selection().fields()) {
            if (!written.columns().containsKey(field.target())) {
                findings.problem("fields names column \"" + field.target() + "\", which is not there in " + called);
            }
        }
    }

    // ---- keys

    private void key(Feeder feeder, Table written) {
        List<Table.Index> unique =
                written.indexes().stream().filter(Table.Index::unique).toList();
        if (load.appends()) {
            Set<String> types = load.selection().eventTypes();
            boolean keepsDeletes =
                    load.settings() == null || load.settings().rowMode() != io.pgcaravan.load.RowMode.KEEP_ALL;
            boolean updates = feeder.onUpdate() && (types.isEmpty() || types.contains("U"));
            boolean deletes = feeder.onDelete() && keepsDeletes && (types.isEmpty() || types.contains("D"));
            if ((updates || deletes) && !unique.isEmpty()) {
                findings.warning("every event becomes a row of " + called + ", and "
                        + (updates && deletes ? "an update or a delete" : updates ? "an update" : "a delete") + " of "
                        + feeder.table() + " would break its unique key ("
                        + String.join(", ", unique.get(0).columns())
                        + "): choose rowMode=keep_latest or plain, or eventTypes=I");
            }
            return;
        }
        LoadSettings settings = load.settings();
        String mode = "rowMode=" + settings.rowMode().name().toLowerCase(Locale.ROOT);
        long columns = written.columns().values().stream()
                .filter(Table.Column::writable)
                .count();
        if (columns > Loader.MOST_KEYED_COLUMNS) {
            findings.problem(called + " has " + columns + " columns, and " + mode + " takes at most "
                    + Loader.MOST_KEYED_COLUMNS + ": choose rowMode=append or keep_all");
            return;
        }
        List<String> key = settings.key();
        if (!feeder.key().isEmpty()) {
            for (String column : feeder.key()) {
                if (load.selection().target(column) == null) {
                    findings.problem(mode + " finds rows by the key of " + feeder.table() + ", and its column \""
                            + column + "\" is not taken: add it to fields");
                    return;
                }
            }
            key = feeder.key().stream().map(load.selection()::target).toList();
        }
        if (key.isEmpty()) {
            findings.problem(mode + " needs a key, and " + feeder.table() + " has no primary key: name its columns with"
                    + " key, or choose rowMode=append or keep_all");
            return;
        }
        List<String> keyed = key;
        for (String column : keyed) {
            if (!written.columns().containsKey(column)) {
                findings.problem("the key column \"" + column + "\" is not there in " + called);
                return;
            }
        }
        String list = String.join(", ", keyed);
        if (written.indexes().stream().noneMatch(index -> index.finds(keyed))) {
            findings.warning(called + " has no index on (" + list + "), by which " + mode
                    + " finds rows: each batch reads whole tables; create one");
        } else if (unique.stream()
                .noneMatch(index ->
                        keyed.containsAll(index.columns()) || index.columns().containsAll(keyed))) {
            findings.warning(called + " has no unique index on (" + list + "): the job keeps one row a key, but nothing"
                    + " else makes sure of it");
        } else {
            findings.ok(called + " has a unique key for rows of " + feeder.table() + " (" + list + ")");
        }
        if (settings.rowMode() == RowMode.PLAIN && load.partition() != null && feeder.onUpdate() && !feeder.backup()) {
            findings.warning(
                    "updates of " + feeder.table() + " come without the old row, so that each is looked for in all"
                            + " partitions: make the trigger with 'backup'");
        }
    }

    private void rights(Table table) {
        if (table == null) {
            return;
        }
        if (table.openPartitions() != null) {
            findings.problem(called
                    + " has row level security, and partitions of it have not, so that who may read them reads"
                    + " all of their rows: alter table ... enable row level security for " + table.openPartitions());
        }
        List<String> needed = new ArrayList<>(List.of("INSERT"));
        if (!load.appends()) {
            needed.addAll(List.of("SELECT", "DELETE"));
        }
        if (load.settings() != null && load.settings().rowMode() == RowMode.PLAIN) {
            needed.add("UPDATE");
        }
        if (load.settings() != null && load.settings().onTruncate() == OnTruncate.APPLY) {
            needed.add("TRUNCATE");
        }
        needed.retainAll(table.lacking());
        if (!needed.isEmpty()) {
            findings.problem("the role may not write " + called + ": grant " + String.join(", ", needed) + " on "
                    + load.table().quoted() + " to it (caravan grants prints the SQL)");
        } else if (table.closedPartitions() != null) {
            findings.problem("the role may not insert into partitions of " + called
                    + ", which rows go to directly: grant" + " INSERT on " + table.closedPartitions());
        } else {
            findings.ok("the role may write " + called);
        }
    }
}
