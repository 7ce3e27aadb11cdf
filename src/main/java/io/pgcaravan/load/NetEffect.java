package io.pgcaravan.load;

import io.pgcaravan.load.Family.Member;
import io.pgcaravan.load.TargetTable.Column;
import io.pgcaravan.load.TargetTable.Layout;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongConsumer;
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

    /** From here on statistics and an index pay for themselves. */
    private static final long LARGE = 2_000;

    /** So many kinds of changes get their statements without a look at which of them are left. */
    private static final int FEW_KINDS = 20;

    private final StagedChanges changes;
    private final Stage stage;
    private final Connection target;
    private final TargetColumns catalog;
    private final TableName destination;
    private final Collection<TableName> touched;

    /** By {@link Destination#number}; further tables where rows are found come behind. */
    private final List<Place> places = new ArrayList<>();

    private final List<String> key;
    private final String keyList;
    private final String sameKey;
    private long written;
    private long refused;

    /**
     * A table in these statements.
     *
     * @param table null where it does not exist
     */
    private record Place(String quoted, TargetTable table) {}

    /** What a number of net rows have in common; how many, -1 where that is not known. */
    private record Group(int place, String sig, String op, boolean search, long rows) {}

    /**
     * @param destinations by number
     * @param touched all tables of the batch, also those of earlier flushes
     */
    NetEffect(
            StagedChanges changes,
            TargetColumns catalog,
            TableName destination,
            List<Destination> destinations,
            Collection<TableName> touched) {
        this.changes = changes;
        this.stage = changes.stage();
        this.target = changes.target();
        this.catalog = catalog;
        this.destination = destination;
        this.touched = touched;
        for (Destination one : destinations) {
            places.add(new Place(one.quoted(), one.table));
        }
        key = changes.key();
        keyList = TableName.quote(key);
        sameKey = sameKey("p");
    }

    /**
     * The last version of each key in each partition.
     *
     * @return rows written and removed
     */
    long keepLatest() throws SQLException {
        NetStatements statements = new NetStatements(target);
        long[] missing = {0};
        addNet(latestVersions(), statements, rows -> missing[0] = rows);
        List<Group> groups = changes.kinds().size() <= FEW_KINDS ? ofKinds() : groups(statements);
        Set<Integer> emptied = new LinkedHashSet<>();
        for (Group group : groups) {
            if (emptied.add(group.place())) {
                statements.add(
                        "delete from " + places.get(group.place()).quoted() + " p using " + stage.table("net")
                                + " n where n.caravan_part = " + group.place() + " and " + sameKey,
                        this::removed);
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
            missing[0] -= count("select count(*) from " + stage.table("net") + " where caravan_op = 'D'");
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
        List<Group> groups = net(changes.sets().size() <= 1 ? lastOfUniformChanges() : merged(signatures));
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

    /** Rows that the target did not take, though it said nothing: a BEFORE trigger kept them back. */
    long refused() {
        return refused;
    }

    private long count(String query) throws SQLException {
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getLong(1);
        }
    }

    private String sameKey(String alias) {
        return key.stream()
                .map(column -> alias + "." + TableName.quote(column) + " " + stage.equality(column) + " n."
                        + TableName.quote(column))
                .collect(Collectors.joining(" and "));
    }

    private void written(long rows) {
        written += rows;
    }

    private void removed(long rows) {
        written += rows;
    }

    // ---- the net rows

    private List<Group> net(String select) throws SQLException {
        NetStatements statements = new NetStatements(target);
        addNet(select, statements);
        return groups(statements);
    }

    private void addNet(String select, NetStatements statements) {
        addNet(select, statements, rows -> {});
    }

    private void addNet(String select, NetStatements statements, LongConsumer added) {
        boolean large = changes.count() >= LARGE;
        if (large) {
            statements.add("select set_config('jit', 'off', true),"
                    + " set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')), 67108864) / 1024"
                    + " || 'kB', true)");
            statements.add("analyze " + stage.table("change"));
            statements.add("drop index if exists " + stage.netIndex());
        }
        statements.add("insert into " + stage.table("net") + " " + select, added);
        if (large) {
            statements.add(
                    "create index " + stage.indexName() + " on " + stage.table("net") + " (caravan_part, caravan_sig)");
            statements.add("analyze " + stage.table("net"));
        }
    }

    /** What the latest versions can have in common: what the changes have. Spares asking for what they do have. */
    private List<Group> ofKinds() {
        return changes.kinds().stream()
                .map(kind -> new Group(kind.place(), String.valueOf(kind.set()), kind.op(), false, -1))
                .sorted(Comparator.comparingInt(Group::place)
                        .thenComparing(Group::sig)
                        .thenComparing(Group::op))
                .toList();
    }

    private List<Group> groups(NetStatements statements) throws SQLException {
        statements.run();
        List<Group> groups = new ArrayList<>();
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery("select caravan_part, caravan_sig, caravan_op, caravan_search,"
                        + " count(*) from " + stage.table("net") + " group by 1, 2, 3, 4 order by 1, 2, 3, 4")) {
            while (row.next()) {
                groups.add(new Group(
                        row.getInt(1), row.getString(2), row.getString(3), row.getBoolean(4), row.getLong(5)));
            }
        }
        return groups;
    }

    private String latestVersions() {
        String columns = TableName.quote(allColumns());
        return "(caravan_id, caravan_part, caravan_op, caravan_sig, caravan_search, caravan_spread, " + columns
                + ") select distinct on (caravan_part, " + keyList + ") caravan_seq, caravan_part, caravan_op,"
                + " caravan_set::text, false, false, " + columns + " from " + stage.table("change")
                + " order by caravan_part, " + keyList + ", caravan_seq desc";
    }

    private String lastOfUniformChanges() {
        String columns = TableName.quote(allColumns());
        return "(caravan_id, caravan_part, caravan_op, caravan_sig, caravan_search, caravan_spread, " + columns
                + ") select * from (select distinct on (" + keyList + ") caravan_seq, caravan_part,"
                + " case when caravan_op = 'D' then 'D' when replaced then 'R' else 'U' end::\"char\", '1',"
                + " first_op <> 'I', spread, " + columns
                + " from (select *, bool_or(caravan_op <> 'U') over k as replaced,"
                + " last_value(caravan_op) over k as first_op,"
                + " min(caravan_part) over k <> max(caravan_part) over k"
                + " or bool_or(caravan_before is not null) over k as spread"
                + " from " + stage.table("change")
                + " window k as (partition by " + keyList + " order by caravan_seq desc"
                + " rows between unbounded preceding and unbounded following)) w order by " + keyList
                + ", caravan_seq desc) last order by caravan_part";
    }

    /** Column by column the last value given after the key's last insert or delete. */
    private String merged(Signatures signatures) {
        String change = stage.table("change");
        StringBuilder providers = new StringBuilder();
        StringBuilder joins = new StringBuilder();
        StringBuilder names = new StringBuilder();
        StringBuilder values = new StringBuilder();
        StringBuilder sig = new StringBuilder("''");
        for (int g = 0; g < signatures.groups().size(); g++) {
            Signatures.Columns group = signatures.groups().get(g);
            providers
                    .append(", max(s.caravan_seq) filter (where s.caravan_set in (")
                    .append(group.sets().stream().map(String::valueOf).collect(Collectors.joining(", ")))
                    .append(")) as g")
                    .append(g);
            joins.append(" left join " + change + " s" + g + " on s" + g + ".caravan_seq = v.g" + g);
            sig.append(" || case when v.g" + g + " is null then '0' else '1' end");
            for (String column : group.names()) {
                names.append(", ").append(TableName.quote(column));
                values.append(", s" + g + "." + TableName.quote(column));
            }
        }
        return "(caravan_id, caravan_part, caravan_op, caravan_sig, caravan_search, caravan_spread, " + keyList + names
                + ") with k as (select " + keyList + ", max(caravan_seq) as last, min(caravan_seq) as first,"
                + " max(caravan_seq) filter (where caravan_op <> 'U') as reset,"
                + " min(caravan_part) <> max(caravan_part) or bool_or(caravan_before is not null) as spread"
                + " from " + change + " group by " + keyList + "),"
                + " v as (select n.last" + providers + " from k n join " + change + " s on "
                + sameKey("s") + " and s.caravan_seq >= coalesce(n.reset, 0)"
                + " where s.caravan_op <> 'D' group by n.last)"
                + " select k.last, l.caravan_part,"
                + " case when l.caravan_op = 'D' then 'D' when k.reset is not null then 'R' else 'U' end::\"char\", "
                + sig + ", f.caravan_op <> 'I', k.spread, " + TableName.quote(key, "l.") + values
                + " from k join " + change + " l on l.caravan_seq = k.last join " + change
                + " f on f.caravan_seq = k.first left join v on v.last = k.last" + joins
                + " order by l.caravan_part";
    }

    // ---- rows that exist

    /** Notes for keys that were in several partitions where else their row may be; says how many notes there are. */
    private long hints() throws SQLException {
        if (places.size() < 2) {
            return 0;
        }
        long[] hints = {0};
        NetStatements statements = new NetStatements(target);
        String change = stage.table("change");
        statements.add(
                "insert into " + stage.table("hint") + " select n.caravan_id, h.part from " + stage.table("net")
                        + " n join " + change + " s on " + sameKey("s")
                        + " cross join lateral (values (s.caravan_part), (s.caravan_before)) h (part)"
                        + " where n.caravan_spread and h.part <> n.caravan_part group by 1, 2",
                rows -> hints[0] = rows);
        statements.run();
        if (hints[0] >= LARGE) {
            statements.add("analyze " + stage.table("hint"));
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
        String net = stage.table("net");
        boolean[] look = {false};
        NetStatements statements = new NetStatements(target);
        for (Group group : groups) {
            if (!group.op().equals("U")) {
                Place place = places.get(group.place());
                String delete = "delete from " + place.quoted() + " p using " + net + " n where " + group(group)
                        + " and " + sameKey;
                if (group.search()) {
                    statements.add(
                            "with gone as (" + delete + " returning n.caravan_id) insert into " + stage.table("found")
                                    + " select caravan_id from gone",
                            rows -> {
                                removed(rows);
                                look[0] |= rows < group.rows() || !place.table().refusesDuplicates(key);
                            });
                } else {
                    statements.add(delete, this::removed);
                }
            }
        }
        statements.run();
        Set<Group> incomplete = new LinkedHashSet<>();
        for (Group group : groups) {
            if (group.op().equals("U")) {
                Place place = places.get(group.place());
                String assignments = assignments(place, signatures.columns(group.sig()));
                String same = sameKey + sameIdentity(place, signatures.columns(group.sig()));
                if (assignments.isEmpty() || !place.table().refusesDuplicates(key)) {
                    incomplete.add(group);
                }
                if (!assignments.isEmpty()) {
                    statements.add(
                            "update " + place.quoted() + " p set " + assignments + " from " + net + " n where "
                                    + group(group) + " and " + same,
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
            statements.add(
                    "insert into " + stage.table("missed") + " select n.caravan_id from " + net + " n where "
                            + group(group) + " and not exists (select from "
                            + places.get(group.place()).quoted() + " p where " + sameKey
                            + sameIdentity(places.get(group.place()), signatures.columns(group.sig())) + ")",
                    rows -> missed[0] += rows);
        }
        statements.run();
        return look[0] || missed[0] > 0;
    }

    private String assignments(Place place, List<String> columns) {
        return columns.stream()
                .filter(column -> {
                    Column of = place.table().layout().column(column);
                    return of != null && !of.generated() && !of.identityAlways();
                })
                .map(TableName::quote)
                .map(column -> column + " = n." + column)
                .collect(Collectors.joining(", "));
    }

    /** {@code GENERATED ALWAYS} forbids an update: where the value is another, the row moves as if to another partition. */
    private String sameIdentity(Place place, List<String> columns) {
        return columns.stream()
                .filter(column ->
                        !key.contains(column) && place.table().layout().takes(column))
                .filter(column -> place.table().layout().column(column).identityAlways())
                .map(column ->
                        " and p." + TableName.quote(column) + " operator(pg_catalog.=) n." + TableName.quote(column))
                .collect(Collectors.joining());
    }

    /** Takes rows out of partitions other than the one their last event names. */
    private void inOtherPartitions(boolean hinted) throws SQLException {
        NetStatements statements = new NetStatements(target);
        statements.add("analyze " + stage.table("missed"));
        if (hinted) {
            List<Integer> hints = numbers("select distinct caravan_part from " + stage.table("hint") + " order by 1");
            for (int hint : hints) {
                if (places.get(hint).table() != null) {
                    takeFrom(hint, stage.table("hint"), " and w.caravan_part = " + hint, statements);
                }
            }
        }
        statements.run();
        long[] wanted = {0};
        statements.add(
                "insert into " + stage.table("wanted") + " select n.caravan_id from " + stage.table("net")
                        + " n where n.caravan_op = 'U' and exists (select from " + stage.table("missed")
                        + " m where m.caravan_id = n.caravan_id) and not exists (select from " + stage.table("moved")
                        + " m where m.caravan_id = n.caravan_id) or n.caravan_op <> 'U' and n.caravan_search"
                        + " and not exists (select from " + stage.table("found")
                        + " f where f.caravan_id = n.caravan_id)",
                rows -> wanted[0] = rows);
        statements.run();
        if (wanted[0] > 0) {
            statements.add("analyze " + stage.table("wanted"));
            for (int place : placesOfWanted()) {
                takeFrom(place, stage.table("wanted"), "", statements);
            }
            statements.run();
        }
    }

    private void takeFrom(int number, String which, String condition, NetStatements statements) {
        Place place = places.get(number);
        String from = " from " + place.quoted() + " p using " + stage.table("net") + " n, " + which
                + " w where w.caravan_id = n.caravan_id" + condition + " and " + sameKey;
        statements.add(
                "with gone as (delete" + from + " and n.caravan_op <> 'U' returning n.caravan_id) insert into "
                        + stage.table("found") + " select caravan_id from gone",
                this::removed);
        List<String> kept = kept(place);
        statements.add(
                "with gone as (delete" + from + " and n.caravan_op = 'U' and exists (select from "
                        + stage.table("missed") + " m where m.caravan_id = n.caravan_id) returning n.caravan_id, "
                        + TableName.quote(kept, "p.") + ") insert into " + stage.table("moved")
                        + " (caravan_id, caravan_home, "
                        + TableName.quote(kept) + ") select caravan_id, " + number + ", " + TableName.quote(kept)
                        + " from gone",
                this::removed);
    }

    /** Columns of a row's old place that its new one can have too. */
    private List<String> kept(Place place) {
        return place.table().layout().columns().stream()
                .map(Column::name)
                .filter(stage::has)
                .toList();
    }

    /** Looks through every table of the destination; their places are added to {@link #places}. */
    private List<Integer> placesOfWanted() throws SQLException {
        Family family = Family.of(target, destination, touched);
        Set<TableName> tables = new LinkedHashSet<>();
        if (family.hasDestination()) {
            Set<Long> homes = new LinkedHashSet<>();
            try (Statement statement = target.createStatement();
                    ResultSet row = statement.executeQuery("select distinct p.tableoid::int8 from "
                            + destination.quoted() + " p join " + stage.table("net") + " n on " + sameKey + " join "
                            + stage.table("wanted") + " w on w.caravan_id = n.caravan_id")) {
                while (row.next()) {
                    homes.add(row.getLong(1));
                }
            }
            for (Member member : family.members()) {
                if (member.below() && homes.contains(member.oid())) {
                    tables.add(member.table());
                }
            }
        }
        for (Member member : family.members()) {
            if (!member.below()) {
                tables.add(member.table());
            }
        }
        List<Integer> numbers = new ArrayList<>();
        Map<TableName, TargetTable> known = tables.isEmpty() ? Map.of() : catalog.look(target, tables);
        for (TargetTable table : known.values()) {
            if (key.stream().allMatch(column -> table.layout().column(column) != null)) {
                numbers.add(places.size());
                places.add(new Place(table.quoted(), table));
            }
        }
        return numbers;
    }

    private List<Integer> numbers(String query) throws SQLException {
        List<Integer> numbers = new ArrayList<>();
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            while (row.next()) {
                numbers.add(row.getInt(1));
            }
        }
        return numbers;
    }

    // ---- rows that do not exist, or not any more

    /** Inserts updated rows that were not in their partition: merged with what they were elsewhere, or as they are. */
    private void insertMissing(List<Group> groups, Signatures signatures, NetStatements inserts) throws SQLException {
        String moved = stage.table("moved");
        String missed = stage.table("missed");
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery("select n.caravan_part, n.caravan_sig, m.caravan_home, count(*)"
                        + " from " + moved + " m join " + stage.table("net")
                        + " n on n.caravan_id = m.caravan_id group by 1, 2, 3 order by 1, 2, 3")) {
            while (row.next()) {
                Place place = places.get(row.getInt(1));
                Set<String> given = new TreeSet<>(signatures.columns(row.getString(2)));
                Layout layout = place.table().layout();
                Set<String> all = new LinkedHashSet<>(given);
                kept(places.get(row.getInt(3))).stream().filter(layout::takes).forEach(all::add);
                String values = all.stream()
                        .map(column -> (given.contains(column) ? "n." : "m.") + TableName.quote(column))
                        .collect(Collectors.joining(", "));
                inserts.add(
                        "insert into " + place.quoted() + " (" + TableName.quote(all)
                                + ") overriding system value select "
                                + values + " from (select distinct on (caravan_id) * from " + moved
                                + " order by caravan_id) m join " + stage.table("net")
                                + " n on n.caravan_id = m.caravan_id where n.caravan_part = " + row.getInt(1)
                                + " and n.caravan_sig = '" + row.getString(2) + "' and m.caravan_home = "
                                + row.getInt(3),
                        this::written);
            }
        }
        for (Group group : groups) {
            if (group.op().equals("U")) {
                inserts.add(
                        insert(
                                group,
                                signatures.columns(group.sig()),
                                " and exists (select from " + missed
                                        + " m where m.caravan_id = n.caravan_id) and not exists (select from " + moved
                                        + " m where m.caravan_id = n.caravan_id)"),
                        this::written);
            }
        }
    }

    private String insert(Group group, List<String> columns, String condition) {
        Place place = places.get(group.place());
        List<String> taken =
                columns.stream().filter(place.table().layout()::takes).toList();
        return "insert into " + place.quoted() + " (" + TableName.quote(taken) + ") overriding system value select "
                + TableName.quote(taken, "n.") + " from " + stage.table("net") + " n where " + group(group) + condition;
    }

    private static String group(Group group) {
        return "n.caravan_part = " + group.place() + " and n.caravan_sig = '" + group.sig() + "' and n.caravan_op = '"
                + group.op() + "' and n.caravan_search = " + group.search();
    }

    private List<String> allColumns() {
        Set<String> all = new LinkedHashSet<>(key);
        changes.sets().forEach(all::addAll);
        return List.copyOf(all);
    }

    /** Which columns a net row has: columns that always come together are one group, a digit each in its signature. */
    private static final class Signatures {

        /** @param sets numbers of the sets that have these columns */
        private record Columns(List<String> names, List<Integer> sets) {}

        private final List<Columns> groups = new ArrayList<>();
        private final List<String> key;
        private final boolean uniform;

        Signatures(List<List<String>> sets, List<String> key) {
            this.key = key;
            this.uniform = sets.size() <= 1;
            Map<List<Integer>, List<String>> bySets = new LinkedHashMap<>();
            Map<String, List<Integer>> setsOf = new LinkedHashMap<>();
            for (int set = 0; set < sets.size(); set++) {
                for (String column : sets.get(set)) {
                    if (!key.contains(column)) {
                        setsOf.computeIfAbsent(column, any -> new ArrayList<>()).add(set);
                    }
                }
            }
            setsOf.forEach((column, in) ->
                    bySets.computeIfAbsent(in, any -> new ArrayList<>()).add(column));
            bySets.forEach((in, names) -> groups.add(new Columns(names, in)));
        }

        List<Columns> groups() {
            return groups;
        }

        List<String> columns(String signature) {
            List<String> columns = new ArrayList<>(key);
            for (int g = 0; g < groups.size(); g++) {
                if (uniform || signature.charAt(g) == '1') {
                    columns.addAll(groups.get(g).names());
                }
            }
            return columns;
        }
    }
}
