package io.pgcaravan.partition;

import io.pgcaravan.queue.Sql;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds the partitions of one destination table, and makes those that are missing. DDL runs only for missing ones, in the
 * batch's transaction, under an advisory lock of the parent: {@code CREATE TABLE IF NOT EXISTS} of two sessions races.
 */
final class PartitionMaker {

    /** The first half of the advisory locks' keys; the second is the parent's oid. "pgcv" in ASCII. */
    private static final int LOCK_NAMESPACE = 0x70676376;

    /** Lets ATTACH see without a scan that every row is inside the bounds. */
    private static final String BOUNDS = "\"pgcaravan_bounds\"";

    /**
     * From this many new partitions in one batch on they are attached while empty. The parent is then locked (against
     * DDL and VACUUM, not against reading and writing) during the load, but each partition needs one lock less, of a
     * table of locks that by default has room for about 2,000 partitions.
     */
    private static final int MANY = 256;

    /** Statements sent in one go. */
    private static final int STATEMENTS_AT_ONCE = 400;

    /** How long a partition is believed to be there, and still attached, without looking. */
    private static final Duration TRUST = Duration.ofSeconds(10);

    private static final String FIND = Sql.file("partition/find");
    private static final String LIKENESS = Sql.file("partition/likeness");
    private static final String STORAGE = Sql.file("partition/storage");
    private static final String REPLICA_IDENTITY = Sql.file("partition/replica-identity");
    private static final String RECORD = Sql.file("partition/record");
    private static final String DEFAULT_PARTITION = Sql.file("partition/default-partition");

    private record Known(Partition partition, long seenNanos) {
        boolean fresh() {
            return System.nanoTime() - seenNanos < TRUST.toNanos();
        }
    }

    /**
     * A table that {@link #FIND} saw.
     *
     * @param child whether it is a partition of the parent, and not on its way out
     * @param pending whether it is on its way out, by DETACH CONCURRENTLY
     */
    private record Found(long oid, TableName table, String kind, boolean child, boolean pending, Bounds bounds) {
        boolean takesRows() {
            return kind.equals("r") || kind.equals("p") || kind.equals("f");
        }
    }

    /** @param low microseconds as in {@link Place#low}, Long.MIN_VALUE where there is no lower end */
    private record Bounds(long low, long high, String lowText, String highText) {}

    /** A partition made in the batch's transaction. */
    private record New(long oid, Place place, Partition partition, boolean toAttach) {
        New attached() {
            return new New(oid, place, partition, false);
        }
    }

    /** What was made for one batch. */
    static final class Made {
        private final Map<TableName, New> byName = new LinkedHashMap<>();
        private boolean locked;
        private boolean unsure;

        List<Partition> partitions() {
            return byName.values().stream().map(New::partition).toList();
        }

        /** Whatever was made since the savepoint is gone, the lock too where it was taken since; which, is not known. */
        void rolledBack() {
            locked = false;
            unsure = true;
        }
    }

    private final PartitionSettings settings;
    private final Map<TableName, Known> known = new HashMap<>();
    private Parent parent;
    private long parentSeenNanos;
    private boolean parentStale = true;

    PartitionMaker(PartitionSettings settings) {
        this.settings = settings;
    }

    void forget() {
        known.clear();
        // the open batch goes on with the parent it has
        parentStale = true;
    }

    Parent parent(Connection target) throws SQLException {
        if (parentStale || System.nanoTime() - parentSeenNanos > TRUST.toNanos()) {
            Parent read = Parent.read(target, settings);
            if (!read.equals(parent)) {
                known.clear();
            }
            parent = read;
            parentSeenNanos = System.nanoTime();
            parentStale = false;
        }
        return parent;
    }

    /**
     * Sets the partition of each place.
     *
     * @param target with the transaction open that the partitions belong to
     * @param purpose what they are for, for messages: a batch
     * @param needed places whose partitions are made where missing
     * @param wanted places whose partitions are looked for only
     */
    void ensure(Connection target, Object purpose, Made made, Collection<Place> needed, Collection<Place> wanted)
            throws SQLException {
        List<Place> unknown = List.of();
        try {
            verify(target, made);
            unknown = Stream.concat(needed.stream(), wanted.stream())
                    .distinct()
                    .filter(place -> !isKnown(made, place))
                    .sorted(Comparator.comparingLong(place -> place.low))
                    .toList();
            if (!unknown.isEmpty()) {
                find(target, made, unknown);
                makeMissing(
                        target, made, unknown.stream().filter(needed::contains).toList());
            }
            for (Place place : wanted) {
                place.absent = place.partition == null;
            }
        } catch (IllegalArgumentException refused) {
            throw new PartitionException(
                    "Cannot make partitions of " + parent.table() + " for " + purpose + ": " + refused.getMessage(),
                    "42601");
        } catch (SQLException e) {
            throw explained("make", unknown, purpose, e);
        }
    }

    private void makeMissing(Connection target, Made made, List<Place> needed) throws SQLException {
        List<Place> missing = withoutPartition(needed);
        if (!missing.isEmpty() && !made.locked) {
            lock(target);
            made.locked = true;
            // another session may have made them while we waited
            find(target, made, missing);
            missing = withoutPartition(missing);
        }
        if (!missing.isEmpty()) {
            make(target, made, missing);
        }
    }

    private static List<Place> withoutPartition(List<Place> places) {
        return places.stream().filter(place -> place.partition == null).toList();
    }

    private boolean isKnown(Made made, Place place) {
        New mine = made.byName.get(place.named.table());
        Known seen = mine == null ? known.get(place.named.table()) : null;
        if (mine != null) {
            place.partition = mine.partition;
        } else if (seen != null && seen.fresh()) {
            place.partition = seen.partition;
        }
        return place.partition != null;
    }

    /** After a rollback to a savepoint: keeps those that are still there. */
    private static void verify(Connection target, Made made) throws SQLException {
        if (!made.unsure) {
            return;
        }
        if (!made.byName.isEmpty()) {
            Array oids = target.createArrayOf(
                    "bigint", made.byName.values().stream().map(New::oid).toArray());
            try (PreparedStatement select =
                    target.prepareStatement("select oid::bigint from pg_class where oid = any (?::oid[])")) {
                select.setArray(1, oids);
                Set<Long> there = new HashSet<>();
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        there.add(rows.getLong(1));
                    }
                }
                made.byName.values().removeIf(mine -> !there.contains(mine.oid));
            }
        }
        made.unsure = false;
    }

    private void lock(Connection target) throws SQLException {
        Long oid = parent.oid();
        try (PreparedStatement lock = target.prepareStatement("select pg_advisory_xact_lock(?, ?)")) {
            lock.setInt(1, LOCK_NAMESPACE);
            lock.setInt(
                    2, oid != null ? oid.intValue() : parent.table().toString().hashCode());
            lock.execute();
        }
    }

    // ---- finding

    private void find(Connection target, Made made, List<Place> places) throws SQLException {
        List<Found> tables = tables(target, places, parent.kind() == Parent.Kind.NATIVE);
        Map<TableName, Found> byName = new HashMap<>();
        NavigableMap<Long, Found> byLow = new TreeMap<>();
        for (Found table : tables) {
            byName.put(table.table, table);
            if (table.child && table.bounds != null) {
                byLow.put(table.bounds.low, table);
            }
        }
        Map<TableName, Partition> identities = new HashMap<>();
        for (Place place : places) {
            Found holder = parent.kind() == Parent.Kind.NATIVE ? holder(place, byLow) : null;
            Found named = byName.get(place.named.table());
            if (holder != null) {
                place.partition = identities.computeIfAbsent(holder.table, table -> identity(place, holder));
            } else if (named != null && accept(place, named)) {
                place.partition = place.named;
            }
            if (place.partition != null) {
                known.put(place.named.table(), new Known(place.partition, System.nanoTime()));
            }
        }
    }

    private Partition identity(Place place, Found holder) {
        if (holder.table.equals(place.named.table())
                && holder.bounds.low == place.low
                && holder.bounds.high == place.high) {
            return place.named;
        }
        for (Known seen : known.values()) {
            if (seen.partition.table().equals(holder.table)) {
                return seen.partition;
            }
        }
        return new Partition(holder.table, holder.bounds.lowText, holder.bounds.highText);
    }

    /** The partition that holds the whole period under whatever name. */
    private Found holder(Place place, NavigableMap<Long, Found> byLow) throws PartitionException {
        Map.Entry<Long, Found> before = byLow.floorEntry(place.low);
        if (before != null && before.getValue().bounds.high >= place.high) {
            return before.getValue();
        }
        Map.Entry<Long, Found> inside = byLow.lowerEntry(place.high);
        if (inside != null && inside.getValue().bounds.high > place.low) {
            Found other = inside.getValue();
            throw new PartitionException(
                    "Partition " + place.named + " of " + parent.table() + " would hold " + place.named.from() + " to "
                            + place.named.to() + " (period = " + settings.period() + ", timeZone = "
                            + settings.timeZone() + "), but " + other.table + " already holds " + other.bounds.lowText
                            + " to " + other.bounds.highText
                            + ", a part of it: set the period and time zone that the existing partitions have",
                    "42P17");
        }
        return null;
    }

    private boolean accept(Place place, Found named) throws PartitionException {
        if (named.child && parent.kind() == Parent.Kind.NATIVE) {
            throw new PartitionException(
                    named.table + " is a partition of " + parent.table() + ", but not for " + place.named.from()
                            + " to " + place.named.to()
                            + " as its name says: rename it, so that the partition for that time can be made",
                    "42P07");
        }
        boolean ownTable = parent.kind() == Parent.Kind.NONE
                || (parent.kind() == Parent.Kind.INHERITING && settings.partTemplate() != null);
        if (place.obsolete && !named.child && !ownTable) {
            // retention is taking it away: until it is gone, old rows may still go there; detached, it is no partition
            return named.pending;
        }
        if (!named.takesRows() || !(named.child || ownTable)) {
            throw new PartitionException(
                    named.table + " is needed as a partition of " + parent.table() + ", but that name is taken by "
                            + (named.takesRows() ? "a table that is none" : "something that is no table")
                            + (parent.kind() == Parent.Kind.NATIVE
                                    ? ": attach it, rename it or drop it"
                                    : ": let it inherit " + parent.table() + ", rename it or drop it"),
                    "42P07");
        }
        return true;
    }

    private List<Found> tables(Connection target, List<Place> places, boolean withAllPartitions) throws SQLException {
        boolean instants = parent.boundType() == BoundType.TIMESTAMPTZ;
        boolean bounds = parent.kind() == Parent.Kind.NATIVE;
        try (PreparedStatement select = target.prepareStatement(FIND)) {
            select.setObject(1, parent.oid(), java.sql.Types.BIGINT);
            select.setBoolean(2, withAllPartitions);
            select.setString(3, parent.table().schema());
            select.setArray(4, names(target, places));
            select.setObject(5, parent.oid(), java.sql.Types.BIGINT);
            select.setBoolean(6, bounds);
            select.setBoolean(7, instants);
            select.setBoolean(8, instants);
            List<Found> tables = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    tables.add(new Found(
                            row.getLong("oid"),
                            new TableName(row.getString("schema"), row.getString("name")),
                            row.getString("kind"),
                            row.getBoolean("child"),
                            row.getBoolean("pending"),
                            row.getBoolean("bounded") ? bounds(row) : null));
                }
            }
            return tables;
        }
    }

    private static Bounds bounds(ResultSet row) throws SQLException {
        Long low = row.getObject("low", Long.class);
        Long high = row.getObject("high", Long.class);
        return new Bounds(
                low == null ? Long.MIN_VALUE : low,
                high == null ? Long.MAX_VALUE : high,
                row.getString("low_text"),
                row.getString("high_text"));
    }

    private static Array names(Connection target, Collection<Place> places) throws SQLException {
        return target.createArrayOf(
                "text", places.stream().map(place -> place.named.table().name()).toArray());
    }

    // ---- making

    private void make(Connection target, Made made, List<Place> missing) throws SQLException {
        // rows have to meet the parent's triggers while they are loaded
        boolean attachFirst =
                parent.rowTriggers() || parent.referencesItself() || made.byName.size() + missing.size() >= MANY;
        if (settings.partTemplate() != null) {
            run(target, missing.stream().map(this::fromTemplate).toList());
        } else {
            makeLikeParent(target, missing, attachFirst);
        }
        List<New> fresh = seeMade(target, missing, attachFirst);
        record(target, missing);
        List<New> toAttach = fresh.stream().filter(New::toAttach).toList();
        if (!toAttach.isEmpty()) {
            emptyDefaultPartition(target, toAttach, defaultPartition(target));
            if (attachFirst) {
                attach(target, toAttach, false);
                fresh = fresh.stream().map(New::attached).toList();
            }
        }
        for (New mine : fresh) {
            made.byName.put(mine.partition.table(), mine);
            mine.place.partition = mine.partition;
        }
    }

    private String fromTemplate(Place place) {
        TableName named = place.named.table();
        TableName raw = new TableName(settings.destTable().schema(), named.name());
        return settings.partTemplate().expand(named, parent.table(), raw, place.key);
    }

    private void makeLikeParent(Connection target, List<Place> missing, boolean attachFirst) throws SQLException {
        String persistence;
        String clauses;
        boolean replicaIdentityIndex;
        try (PreparedStatement select = target.prepareStatement(STORAGE)) {
            select.setLong(1, parent.oid());
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    throw new PartitionException(parent.table() + " is gone", "42P01");
                }
                persistence = row.getString("persistence");
                clauses = row.getString("clauses");
                replicaIdentityIndex = row.getBoolean("replica_identity_index");
            }
        }
        List<String[]> likeness = new ArrayList<>();
        try (PreparedStatement select = target.prepareStatement(LIKENESS)) {
            select.setBoolean(1, parent.kind() == Parent.Kind.NATIVE);
            select.setLong(2, parent.oid());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    likeness.add(new String[] {row.getString("before"), row.getString("after")});
                }
            }
        }
        List<String> statements = new ArrayList<>();
        for (Place place : missing) {
            String table = place.named.table().quoted();
            statements.add("create " + persistence + "table " + table + body(place, attachFirst) + clauses);
            for (String[] around : likeness) {
                statements.add(around[0] + table + around[1]);
            }
        }
        run(target, statements);
        if (replicaIdentityIndex) {
            identifyForReplication(target, missing);
        }
    }

    private String body(Place place, boolean attachFirst) {
        String check =
                parent.boundType() == BoundType.NONE ? "" : "constraint " + BOUNDS + " check (" + within(place) + ")";
        return parent.kind() == Parent.Kind.NATIVE
                // an identity column of the partition's own would count apart, and version 17 would not attach it
                ? " (like " + parent.table().quoted() + " including all excluding identity"
                        + (attachFirst ? ")" : ", " + check + ")")
                : " (" + check + ") inherits (" + parent.table().quoted() + ")";
    }

    private String within(Place place) {
        String column = TableName.quote(settings.partField());
        return column + " is not null and " + column + " >= " + literal(place.named.from()) + " and " + column + " < "
                + literal(place.named.to());
    }

    private String outside(Place place) {
        String column = TableName.quote(settings.partField());
        return column + " is null or " + column + " < " + literal(place.named.from()) + " or " + column + " >= "
                + literal(place.named.to());
    }

    private String literal(String bound) {
        return parent.boundType().sqlType() + " '" + bound + "'";
    }

    private void identifyForReplication(Connection target, List<Place> missing) throws SQLException {
        List<String> statements = new ArrayList<>();
        try (PreparedStatement select = target.prepareStatement(REPLICA_IDENTITY)) {
            select.setString(1, parent.table().schema());
            select.setArray(2, names(target, missing));
            select.setLong(3, parent.oid());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    statements.add(row.getString(1));
                }
            }
        }
        run(target, statements);
    }

    /** Looks that everything is there now, which a template may have forgotten. */
    private List<New> seeMade(Connection target, List<Place> missing, boolean attachFirst) throws SQLException {
        Map<TableName, Found> tables =
                tables(target, missing, false).stream().collect(Collectors.toMap(Found::table, table -> table));
        List<New> fresh = new ArrayList<>();
        List<String> checks = new ArrayList<>();
        for (Place place : missing) {
            Found table = tables.get(place.named.table());
            if (table == null) {
                throw new PartitionException(
                        "partTemplate ran, but made no table " + place.named
                                + ": it must create the table that _DEST_TABLE stands for",
                        "42P01");
            }
            boolean toAttach = parent.kind() == Parent.Kind.NATIVE && !table.child;
            fresh.add(new New(table.oid, place, place.named, toAttach));
            if (toAttach && !attachFirst && settings.partTemplate() != null) {
                checks.add("alter table " + place.named.table().quoted() + " add constraint " + BOUNDS + " check ("
                        + within(place) + ")");
            }
        }
        run(target, checks);
        return fresh;
    }

    private void record(Connection target, List<Place> missing) throws SQLException {
        try (PreparedStatement insert = target.prepareStatement(RECORD)) {
            insert.setString(1, parent.table().schema());
            insert.setString(2, parent.table().name());
            insert.setString(3, parent.table().schema());
            insert.setArray(4, names(target, missing));
            insert.setArray(
                    5,
                    target.createArrayOf(
                            "text",
                            missing.stream()
                                    .map(place -> place.fromTime.toString())
                                    .toArray()));
            insert.setArray(
                    6,
                    target.createArrayOf(
                            "text",
                            missing.stream()
                                    .map(place -> place.toTime.toString())
                                    .toArray()));
            insert.executeUpdate();
        }
    }

    // ---- attaching

    /** Attaches what is not attached yet; the last thing before the batch commits. */
    void attach(Connection target, Object purpose, Made made) throws SQLException {
        List<New> toAttach = List.of();
        try {
            verify(target, made);
            toAttach = made.byName.values().stream()
                    .filter(New::toAttach)
                    .sorted(Comparator.comparingLong(mine -> mine.place.low))
                    .toList();
            if (!toAttach.isEmpty()) {
                attach(target, toAttach, true);
                made.byName.replaceAll((name, mine) -> mine.attached());
            }
        } catch (SQLException e) {
            throw explained("attach", toAttach.stream().map(New::place).toList(), purpose, e);
        }
    }

    /** @param checked whether the partitions have a CHECK of their bounds */
    private void attach(Connection target, List<New> toAttach, boolean checked) throws SQLException {
        List<String> statements = new ArrayList<>();
        if (parent.deferrableConstraints()) {
            // a table with checks still waiting cannot be attached
            statements.add("set constraints all immediate");
        }
        DefaultPartition rest = defaultPartition(target);
        if (rest != null) {
            // rows that came since they were moved, and none after that
            run(target, List.of("lock table " + rest.table.quoted() + " in access exclusive mode"));
            emptyDefaultPartition(target, toAttach, rest);
            statements.add(proof(
                    toAttach,
                    rest,
                    i -> "add constraint " + proofName(i) + " check (" + outside(toAttach.get(i).place) + ")"));
        }
        for (New mine : toAttach) {
            String table = mine.partition.table().quoted();
            statements.add("alter table " + parent.table().quoted() + " attach partition " + table
                    + " for values from ('" + mine.partition.from() + "') to ('" + mine.partition.to() + "')");
            if (checked) {
                statements.add("alter table " + table + " drop constraint " + BOUNDS);
            }
        }
        if (rest != null) {
            statements.add(proof(toAttach, rest, i -> "drop constraint " + proofName(i)));
        }
        run(target, statements);
    }

    /** One statement for all, so that the default partition is scanned once and not for each new partition. */
    private static String proof(
            List<New> toAttach, DefaultPartition rest, java.util.function.IntFunction<String> action) {
        return "alter table " + rest.table.quoted() + " "
                + java.util.stream.IntStream.range(0, toAttach.size())
                        .mapToObj(action)
                        .collect(Collectors.joining(", "));
    }

    private static String proofName(int i) {
        return TableName.quote("pgcaravan_outside_" + i);
    }

    /**
     * The partition that takes what no other does.
     *
     * @param columns all but generated ones, quoted
     * @param referenced whether a foreign key points at the parent, so that rows cannot leave it for a moment
     */
    private record DefaultPartition(TableName table, String columns, boolean referenced) {}

    private DefaultPartition defaultPartition(Connection target) throws SQLException {
        try (PreparedStatement select = target.prepareStatement(DEFAULT_PARTITION)) {
            select.setLong(1, parent.oid());
            try (ResultSet row = select.executeQuery()) {
                return row.next()
                        ? new DefaultPartition(
                                new TableName(row.getString("schema"), row.getString("name")),
                                row.getString("columns"),
                                row.getBoolean("referenced"))
                        : null;
            }
        }
    }

    /** Moves the rows that belong into the new partitions. */
    private void emptyDefaultPartition(Connection target, List<New> toAttach, DefaultPartition rest)
            throws SQLException {
        if (rest == null) {
            return;
        }
        String column = TableName.quote(settings.partField());
        String type = parent.boundType().sqlType();
        String lowest = literal(toAttach.get(0).partition.from());
        String highest = literal(toAttach.get(toAttach.size() - 1).partition.to());
        List<String> moves = new ArrayList<>();
        // the first condition is one scan for all, where nothing is to be moved
        String sql = "select n from unnest(?::text[], ?::text[]) with ordinality as w (low, high, n)"
                + " where (select exists (select from " + rest.table.quoted() + " where " + column + " >= " + lowest
                + " and " + column + " < " + highest + "))"
                + " and exists (select from " + rest.table.quoted() + " d where d." + column + " >= w.low::" + type
                + " and d." + column + " < w.high::" + type + ") order by n";
        try (PreparedStatement select = target.prepareStatement(sql)) {
            select.setArray(
                    1,
                    target.createArrayOf(
                            "text",
                            toAttach.stream().map(mine -> mine.partition.from()).toArray()));
            select.setArray(
                    2,
                    target.createArrayOf(
                            "text",
                            toAttach.stream().map(mine -> mine.partition.to()).toArray()));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    New mine = toAttach.get(row.getInt(1) - 1);
                    moves.add("with moved as (delete from " + rest.table.quoted() + " where " + column + " >= "
                            + literal(mine.partition.from()) + " and " + column + " < " + literal(mine.partition.to())
                            + " returning " + rest.columns + ") insert into "
                            + mine.partition.table().quoted() + " (" + rest.columns
                            + ") overriding system value select "
                            + rest.columns + " from moved");
                }
            }
        }
        if (!moves.isEmpty() && rest.referenced) {
            throw new PartitionException(
                    "The default partition " + rest.table + " holds rows that belong into new partitions, and foreign"
                            + " keys that point at " + parent.table()
                            + " forbid moving them: make partitions for them by hand",
                    "42P17");
        }
        run(target, moves);
    }

    // ---- running

    private static void run(Connection target, List<String> statements) throws SQLException {
        try (Statement statement = target.createStatement()) {
            // a template's braces are its own, not JDBC's
            statement.setEscapeProcessing(false);
            for (int i = 0; i < statements.size(); i += STATEMENTS_AT_ONCE) {
                List<String> some = statements.subList(i, Math.min(statements.size(), i + STATEMENTS_AT_ONCE));
                // on a line of its own, as a template may end in a comment
                statement.execute(String.join("\n;\n", some));
            }
        }
    }

    private SQLException explained(String what, List<Place> places, Object purpose, SQLException e) {
        if (e instanceof PartitionException) {
            return e;
        }
        String partitions = places.isEmpty()
                ? "partitions"
                : places.size() == 1
                        ? "partition " + places.get(0).named
                        : places.size() + " partitions from " + places.get(0).named + " on";
        String advice =
                switch (e.getSQLState() == null ? "" : e.getSQLState()) {
                    case "53200" ->
                        "; each takes several locks until the batch commits: raise max_locks_per_transaction on the target"
                                + " (then restart it), choose a longer period, or narrow the allowed window (oldest, newest)";
                    case "42501" ->
                        "; the job's role needs to own " + parent.table()
                                + " (or be a member of its owner) and needs CREATE on its schema";
                    default -> "";
                };
        return new PartitionException(
                "Cannot " + what + " " + partitions + " of " + parent.table() + " for " + purpose + ": "
                        + e.getMessage() + advice,
                e);
    }
}
