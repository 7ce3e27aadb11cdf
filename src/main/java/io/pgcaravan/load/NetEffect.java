package io.pgcaravan.load;

import io.pgcaravan.load.NetRows.Group;
import io.pgcaravan.load.PartitionTree.Member;
import io.pgcaravan.load.TargetTable.Column;
import io.pgcaravan.load.TargetTable.Layout;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Applies staged changes, set by set: what remains of all changes to one key is worked out in the stage, then each
 * partition gets a few statements, however many rows they concern.
 *
 * <p>Rows are deleted everywhere before any is inserted. A unique index on other columns than the key can still refuse
 * what was fine one by one (two rows that swap a value by way of a third); the consumer's careful attempt then ends at single
 * events.
 */
final class NetEffect {

    private static final String HINTS = Sql.file("load/hints");
    private static final String MISSED = Sql.file("load/missed");
    private static final String WANTED = Sql.file("load/wanted");
    private static final String HOMES = Sql.file("load/homes");
    private static final String TAKE_DELETED = Sql.file("load/take-deleted");
    private static final String TAKE_MOVED = Sql.file("load/take-moved");
    private static final String MOVED = Sql.file("load/moved");
    private static final String INSERT_MOVED = Sql.file("load/insert-moved");

    private final StagedChanges changes;
    private final Connection target;
    private final TargetColumns catalog;
    private final TableName table;
    private final Set<TableName> touched;

    /** By number; further tables where rows are found come behind. */
    private final List<Destination> destinations;

    private final List<String> key;
    private long written;
    private long refused;

    /** @param table the destination table */
    NetEffect(StagedChanges changes, TargetColumns catalog, TableName table, Destinations destinations) {
        this.changes = changes;
        this.target = changes.target();
        this.catalog = catalog;
        this.table = table;
        this.touched = destinations.touched();
        this.destinations = new ArrayList<>(destinations.all());
        this.key = changes.key();
    }

    /**
     * The last version of each key in each partition.
     *
     * @return rows written and removed
     */
    long keepLatest() throws SQLException {
        NetStatements statements = new NetStatements(target);
        long[] missing = {0};
        List<Group> groups = new NetRows(changes).latestVersions(statements, rows -> missing[0] = rows);
        Set<Integer> emptied = new LinkedHashSet<>();
        for (Group group : groups) {
            if (emptied.add(group.destination())) {
                statements.add(delete(group, "n.caravan_part = " + group.destination()), this::written);
            }
        }
        for (Group group : groups) {
            if (!group.op().equals("D")) {
                List<String> columns = changes.sets().get(Integer.parseInt(group.sig()));
                statements.add(insert(group, columns, ""), rows -> {
                    written(rows);
                    missing[0] -= rows;
                });
            }
        }
        statements.run();
        if (missing[0] > 0 && groups.stream().anyMatch(group -> group.op().equals("D"))) {
            missing[0] -= Query.number(target, changes.sql("select count(*) from {net} where caravan_op = 'D'"));
        }
        refused = missing[0];
        return written;
    }

    /**
     * Everything that happened to a key, merged.
     *
     * @return rows written and removed
     */
    long plain() throws SQLException {
        Signatures signatures = new Signatures(changes.sets(), key);
        List<Group> groups = new NetRows(changes).merged(signatures);
        long spread = hints();
        boolean looked = inOwnPartition(groups, signatures);
        if (spread > 0 || looked) {
            inOtherPartitions(spread > 0);
        }
        NetStatements inserts = new NetStatements(target);
        for (Group group : groups) {
            if (group.op().equals("R")) {
                inserts.add(insert(group, signatures.columns(group.sig()), ""), rows -> {
                    written(rows);
                    refused += group.rows() - rows;
                });
            }
        }
        if (looked) {
            insertMissing(groups, signatures, inserts);
        }
        inserts.run();
        return written;
    }

    /** Rows that the target did not take, without an error: a BEFORE trigger kept them back. */
    long refused() {
        return refused;
    }

    private void written(long rows) {
        written += rows;
    }

    private Destination destination(Group group) {
        return destinations.get(group.destination());
    }

    // ---- rows that exist

    /** Notes for keys that were in several partitions where else their row may be; returns how many notes there are. */
    private long hints() throws SQLException {
        if (destinations.size() < 2) {
            return 0;
        }
        long[] hints = {0};
        NetStatements statements = new NetStatements(target);
        statements.add(changes.sql(HINTS, "same_key", changes.sameKey("s")), rows -> hints[0] = rows);
        statements.run();
        if (hints[0] >= NetRows.LARGE) {
            statements.add(changes.sql("analyze {hint}"));
            statements.run();
        }
        return hints[0];
    }

    /**
     * Deletes and updates rows where their last event places them.
     *
     * @return whether rows must be looked for elsewhere
     */
    private boolean inOwnPartition(List<Group> groups, Signatures signatures) throws SQLException {
        boolean look = deleteInOwnPartition(groups);
        NetStatements statements = new NetStatements(target);
        Set<Group> incomplete = new LinkedHashSet<>();
        for (Group group : groups) {
            if (group.op().equals("U")) {
                Destination destination = destination(group);
                List<String> columns = signatures.columns(group.sig());
                String assignments = assignments(destination, columns);
                if (assignments.isEmpty() || !destination.table.refusesDuplicates(key)) {
                    incomplete.add(group);
                }
                if (!assignments.isEmpty()) {
                    statements.add(
                            "update " + destination.quoted() + " p set " + assignments
                                    + changes.sql(" from {net} n where ") + group.condition() + " and "
                                    + sameRow(destination, columns),
                            rows -> {
                                written(rows);
                                if (rows < group.rows()) {
                                    incomplete.add(group);
                                }
                            });
                }
            }
        }
        statements.run();
        long[] missed = {0};
        for (Group group : incomplete) {
            Destination destination = destination(group);
            statements.add(
                    changes.sql(
                            MISSED,
                            "condition",
                            group.condition(),
                            "table",
                            destination.quoted(),
                            "same_row",
                            sameRow(destination, signatures.columns(group.sig()))),
                    rows -> missed[0] += rows);
        }
        statements.run();
        return look || missed[0] > 0;
    }

    private boolean deleteInOwnPartition(List<Group> groups) throws SQLException {
        boolean[] look = {false};
        NetStatements statements = new NetStatements(target);
        for (Group group : groups) {
            if (group.op().equals("U")) {
                continue;
            }
            String delete = delete(group, group.condition());
            if (group.search()) {
                statements.add(
                        "with gone as (" + delete + " returning n.caravan_id) "
                                + changes.sql("insert into {found} select caravan_id from gone"),
                        rows -> {
                            written(rows);
                            look[0] |= rows < group.rows()
                                    || !destination(group).table.refusesDuplicates(key);
                        });
            } else {
                statements.add(delete, this::written);
            }
        }
        statements.run();
        return look[0];
    }

    private String delete(Group group, String condition) {
        return "delete from " + destination(group).quoted() + changes.sql(" p using {net} n where ") + condition
                + " and " + changes.sameKey("p");
    }

    private String assignments(Destination destination, List<String> columns) {
        return columns.stream()
                .filter(destination.layout()::takes)
                .filter(column -> !destination.layout().column(column).identityAlways())
                .map(TableName::quote)
                .map(column -> column + " = n." + column)
                .collect(Collectors.joining(", "));
    }

    /** {@code GENERATED ALWAYS} forbids an update: where the value is another, the row moves as if to another partition. */
    private String sameRow(Destination destination, List<String> columns) {
        return columns.stream()
                .filter(column -> !key.contains(column) && destination.layout().takes(column))
                .filter(column -> destination.layout().column(column).identityAlways())
                .map(TableName::quote)
                .map(column -> " and p." + column + " operator(pg_catalog.=) n." + column)
                .collect(Collectors.joining("", changes.sameKey("p"), ""));
    }

    /** Takes rows out of partitions other than the one their last event names. */
    private void inOtherPartitions(boolean hinted) throws SQLException {
        NetStatements statements = new NetStatements(target);
        statements.add(changes.sql("analyze {missed}"));
        if (hinted) {
            for (int hint : Query.all(
                    target, changes.sql("select distinct caravan_part from {hint} order by 1"), row -> row.getInt(1))) {
                if (destinations.get(hint).table != null) {
                    takeFrom(hint, "{hint}", "w.caravan_part = " + hint, statements);
                }
            }
        }
        statements.run();
        long[] wanted = {0};
        statements.add(changes.sql(WANTED), rows -> wanted[0] = rows);
        statements.run();
        if (wanted[0] > 0) {
            statements.add(changes.sql("analyze {wanted}"));
            for (int number : destinationsOfWanted()) {
                takeFrom(number, "{wanted}", "true", statements);
            }
            statements.run();
        }
    }

    /** @param which the table {@code w} that names the rows */
    private void takeFrom(int number, String which, String condition, NetStatements statements) {
        Destination destination = destinations.get(number);
        List<String> kept = kept(destination);
        for (String statement : List.of(TAKE_DELETED, TAKE_MOVED)) {
            statements.add(
                    changes.sql(
                            statement,
                            "table",
                            destination.quoted(),
                            "which",
                            changes.sql(which),
                            "condition",
                            condition,
                            "values",
                            TableName.quote(kept, "p."),
                            "columns",
                            TableName.quote(kept),
                            "number",
                            number),
                    this::written);
        }
    }

    /** Columns of a row's old place that its new one can have too. */
    private List<String> kept(Destination destination) {
        return destination.layout().columns().stream()
                .map(Column::name)
                .filter(changes.stage()::has)
                .toList();
    }

    /** Looks through every table of the destination; they are added to {@link #destinations}. */
    private List<Integer> destinationsOfWanted() throws SQLException {
        PartitionTree tree = PartitionTree.of(target, table, touched);
        Set<Long> homes = new LinkedHashSet<>();
        if (tree.hasDestination()) {
            homes.addAll(Query.all(target, changes.sql(HOMES, "table", table.quoted()), row -> row.getLong(1)));
        }
        Set<TableName> tables = tree.members().stream()
                .filter(member -> !member.below() || homes.contains(member.oid()))
                .map(Member::table)
                .collect(Collectors.toCollection(LinkedHashSet::new));
        List<Integer> numbers = new ArrayList<>();
        Map<TableName, TargetTable> known = tables.isEmpty() ? Map.of() : catalog.look(target, tables);
        known.forEach((name, found) -> {
            if (key.stream().allMatch(column -> found.layout().column(column) != null)) {
                Destination destination = new Destination(destinations.size(), name);
                destination.table = found;
                destinations.add(destination);
                numbers.add(destination.number);
            }
        });
        return numbers;
    }

    // ---- rows that do not exist, or not any more

    /** Inserts updated rows that were not in their partition: merged with what they were elsewhere, or as they are. */
    private void insertMissing(List<Group> groups, Signatures signatures, NetStatements inserts) throws SQLException {
        for (MovedRows moved : Query.all(
                target, changes.sql(MOVED), row -> new MovedRows(row.getInt(1), row.getString(2), row.getInt(3)))) {
            insertMoved(moved, signatures.columns(moved.sig), inserts);
        }
        for (Group group : groups) {
            if (group.op().equals("U")) {
                String condition = changes.sql(" and exists (select from {missed} m where m.caravan_id = n.caravan_id)"
                        + " and not exists (select from {moved} m where m.caravan_id = n.caravan_id)");
                inserts.add(insert(group, signatures.columns(group.sig()), condition), this::written);
            }
        }
    }

    /** Rows of one signature that were taken out of one table and belong into another. */
    private record MovedRows(int destination, String sig, int home) {}

    private void insertMoved(MovedRows moved, List<String> columns, NetStatements inserts) {
        Destination destination = destinations.get(moved.destination);
        Layout layout = destination.layout();
        Set<String> given = new TreeSet<>(columns);
        Set<String> all = new LinkedHashSet<>(given);
        kept(destinations.get(moved.home)).stream().filter(layout::takes).forEach(all::add);
        String values = all.stream()
                .map(column -> (given.contains(column) ? "n." : "m.") + TableName.quote(column))
                .collect(Collectors.joining(", "));
        inserts.add(
                changes.sql(
                        INSERT_MOVED,
                        "table",
                        destination.quoted(),
                        "columns",
                        TableName.quote(all),
                        "values",
                        values,
                        "part",
                        moved.destination,
                        "signature",
                        moved.sig,
                        "number",
                        moved.home),
                this::written);
    }

    private String insert(Group group, List<String> columns, String condition) {
        Destination destination = destination(group);
        List<String> taken =
                columns.stream().filter(destination.layout()::takes).toList();
        return "insert into " + destination.quoted() + " (" + TableName.quote(taken)
                + ") overriding system value select " + TableName.quote(taken, "n.")
                + changes.sql(" from {net} n where ") + group.condition() + condition;
    }
}
