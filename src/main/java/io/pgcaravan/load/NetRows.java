package io.pgcaravan.load;

import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

/** Works out in the stage what remains of all changes to one key: its net rows. */
final class NetRows {

    /** From here on statistics and an index pay for themselves. */
    static final long LARGE = 2_000;

    /** So many kinds of changes get their statements without a look at which of them are left. */
    private static final int FEW_KINDS = 20;

    /**
     * What a number of net rows have in common.
     *
     * @param destination its number
     * @param rows how many, -1 where that is not known
     */
    record Group(int destination, String sig, String op, boolean search, long rows) {

        /** Of {@code net n}. */
        String condition() {
            return "n.caravan_part = %d and n.caravan_sig = '%s' and n.caravan_op = '%s' and n.caravan_search = %s"
                    .formatted(destination, sig, op, search);
        }
    }

    private static final String LATEST_VERSIONS = Sql.file("load/latest-versions");
    private static final String LAST_CHANGES = Sql.file("load/last-changes");
    private static final String MERGED_CHANGES = Sql.file("load/merged-changes");
    private static final String GROUPS = Sql.file("load/groups");
    private static final String LARGE_SETTINGS = Sql.file("load/large");

    private final StagedChanges changes;

    NetRows(StagedChanges changes) {
        this.changes = changes;
    }

    /** The last version of each key in each partition. */
    List<Group> latestVersions(NetStatements statements, LongConsumer added) throws SQLException {
        add(changes.sql(LATEST_VERSIONS, "columns", TableName.quote(allColumns())), statements, added);
        return changes.kinds().size() <= FEW_KINDS ? ofKinds() : groups(statements);
    }

    /** Everything that happened to a key, merged. */
    List<Group> merged(Signatures signatures) throws SQLException {
        NetStatements statements = new NetStatements(changes.target());
        String insert = signatures.uniform()
                ? changes.sql(LAST_CHANGES, "columns", TableName.quote(allColumns()))
                : mergedChanges(signatures);
        add(insert, statements, rows -> {});
        return groups(statements);
    }

    private void add(String insert, NetStatements statements, LongConsumer added) {
        Stage stage = changes.stage();
        boolean large = changes.count() >= LARGE;
        if (large) {
            statements.add(LARGE_SETTINGS);
            statements.add(changes.sql("analyze {change}"));
            statements.add("drop index if exists " + stage.netIndex());
        }
        statements.add(insert, added);
        if (large) {
            statements.add("create index " + stage.indexName() + changes.sql(" on {net} (caravan_part, caravan_sig)"));
            statements.add(changes.sql("analyze {net}"));
        }
    }

    /** What the latest versions can have in common: what the changes have. Spares asking for what they do have. */
    private List<Group> ofKinds() {
        return changes.kinds().stream()
                .map(kind -> new Group(kind.destination(), String.valueOf(kind.set()), kind.op(), false, -1))
                .sorted(Comparator.comparingInt(Group::destination)
                        .thenComparing(Group::sig)
                        .thenComparing(Group::op))
                .toList();
    }

    private List<Group> groups(NetStatements statements) throws SQLException {
        statements.run();
        return Query.all(
                changes.target(),
                changes.sql(GROUPS),
                row -> new Group(row.getInt(1), row.getString(2), row.getString(3), row.getBoolean(4), row.getLong(5)));
    }

    private String mergedChanges(Signatures signatures) {
        StringBuilder providers = new StringBuilder();
        StringBuilder joins = new StringBuilder();
        StringBuilder columns = new StringBuilder();
        StringBuilder values = new StringBuilder();
        StringBuilder signature = new StringBuilder("''");
        for (int g = 0; g < signatures.groups().size(); g++) {
            Signatures.Columns group = signatures.groups().get(g);
            String sets = group.sets().stream().map(String::valueOf).collect(Collectors.joining(", "));
            providers.append(", max(s.caravan_seq) filter (where s.caravan_set in (" + sets + ")) as g" + g);
            joins.append(changes.sql(" left join {change} s{g} on s{g}.caravan_seq = v.g{g}", "g", g));
            signature.append(" || case when v.g" + g + " is null then '0' else '1' end");
            for (String column : group.names()) {
                columns.append(", " + TableName.quote(column));
                values.append(", s" + g + "." + TableName.quote(column));
            }
        }
        return changes.sql(
                MERGED_CHANGES,
                "columns",
                columns,
                "providers",
                providers,
                "same_key",
                changes.sameKey("s"),
                "signature",
                signature,
                "last_key",
                TableName.quote(changes.key(), "l."),
                "values",
                values,
                "joins",
                joins);
    }

    private List<String> allColumns() {
        Set<String> all = new LinkedHashSet<>(changes.key());
        changes.sets().forEach(all::addAll);
        return List.copyOf(all);
    }
}
