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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
    private static final String SHARES = Sql.file("partition/shares");
    private static final String NUMBER = Sql.file("partition/number");
    private static final String DEFAULT_PARTITION = Sql.file("partition/default-partition");

    /** The order in which partitions are locked, the same for all jobs. */
    private static final Comparator<Place> ORDER = Comparator.<Place>comparingLong(place -> place.low)
            .thenComparing(place -> place.named.table().name());

    private static final Pattern VALUES = Pattern.compile("FOR VALUES IN \\((.*)\\)", Pattern.DOTALL);

    private static final Pattern REMAINDER = Pattern.compile("FOR VALUES WITH \\(modulus (\\d+), remainder (\\d+)\\)");

    /** A partition of a natively partitioned parent, and what it is for as the server writes it. */
    private record Share(long oid, TableName table, String bound) {}

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
        private final boolean indexesLast;
        private boolean locked;
        private boolean unsure;

        Made() {
            this(false);
        }

        /**
         * @param indexesLast whether ATTACH may make the indexes, over the rows that are there by then: a quarter less work
         *     for the server. A row that a unique key refuses is then not named; nothing must look for rows by their key
         */
        Made(boolean indexesLast) {
            this.indexesLast = indexesLast;
        }

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
            unknown = Stream.concat(needed.stream(), wanted.stream()).distinct().toList();
            if (settings.partMode() == PartMode.LIST) {
                name(target, unknown);
            }
            unknown = unknown.stream()
                    .filter(place -> !isKnown(made, place))
                    .sorted(ORDER)
                    .toList();
            if (!unknown.isEmpty() && routed()) {
                makeAllRemainders(target, made, unknown);
            } else if (!unknown.isEmpty()) {
                find(target, unknown);
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
            find(target, missing);
            missing = withoutPartition(missing);
        }
        if (!missing.isEmpty() && settings.partMode() == PartMode.LIST) {
            missing = withinLimit(target, missing);
        }
        if (!missing.isEmpty()) {
            List<Place> one = oneForEachName(missing);
            make(target, made, one);
            for (Place place : missing) {
                place.partition = made.byName.get(place.named.table()).partition;
            }
        }
    }

    /** Several texts may be one value: 1 and 01. */
    private static List<Place> oneForEachName(List<Place> missing) {
        Map<TableName, Place> byName = new LinkedHashMap<>();
        missing.forEach(place -> byName.putIfAbsent(place.named.table(), place));
        return List.copyOf(byName.values());
    }

    private List<Place> withinLimit(Connection target, List<Place> missing) throws SQLException {
        int room;
        try (PreparedStatement select = target.prepareStatement(NUMBER)) {
            select.setObject(1, parent.oid(), java.sql.Types.BIGINT);
            select.setString(2, parent.table().schema());
            select.setString(3, parent.table().name());
            try (ResultSet row = select.executeQuery()) {
                row.next();
                room = settings.maxPartitions() - row.getInt(1);
            }
        }
        Set<TableName> names = new HashSet<>();
        List<Place> within = new ArrayList<>();
        for (Place place : missing) {
            if (names.contains(place.named.table()) || names.size() < room) {
                names.add(place.named.table());
                within.add(place);
            } else {
                place.refusal = "column \"" + settings.partField() + "\" = " + place.bound + " would need one more"
                        + " partition of " + settings.destTable() + " than the " + settings.maxPartitions()
                        + " that maxPartitions allows";
            }
        }
        return within;
    }

    // ---- partitions by hash of a parent that routes its rows itself

    private boolean routed() {
        return settings.partMode() == PartMode.HASH && parent.kind() == Parent.Kind.NATIVE;
    }

    /** A row's partition is only known once it is there: all of them have to be. */
    private void makeAllRemainders(Connection target, Made made, List<Place> places) throws SQLException {
        List<Place> missing = missingRemainders(target);
        if (!missing.isEmpty() && !made.locked) {
            lock(target);
            made.locked = true;
            missing = missingRemainders(target);
        }
        if (!missing.isEmpty()) {
            missing.forEach(place -> place.key = places.get(0).key);
            make(target, made, missing);
        }
        for (Place place : places) {
            place.partition = place.named;
            known.put(place.named.table(), new Known(place.named, System.nanoTime()));
        }
    }

    private List<Place> missingRemainders(Connection target) throws SQLException {
        List<PartitionBound.Remainder> there = new ArrayList<>();
        for (Share share : shares(target)) {
            Matcher numbers = REMAINDER.matcher(share.bound);
            if (numbers.matches()) {
                there.add(new PartitionBound.Remainder(
                        Integer.parseInt(numbers.group(1)), Integer.parseInt(numbers.group(2))));
            }
        }
        try {
            return PartitionBound.Remainder.missing(there, settings.partitions()).stream()
                    .map(one -> HashPlacing.of(settings, parent, one.remainder()))
                    .toList();
        } catch (IllegalArgumentException unfit) {
            throw new PartitionException(
                    parent.table() + " cannot have its missing partitions made: " + unfit.getMessage(), "42P17");
        }
    }

    // ---- partitions by list

    /** Names the places of values, as the column's type sees them. */
    private void name(Connection target, List<Place> places) throws SQLException {
        List<Place> unnamed =
                places.stream().filter(place -> place.named == null).toList();
        Map<String, String> canonical = canonical(
                target,
                unnamed.stream()
                        .map(place -> place.value)
                        .filter(value -> value != null)
                        .toList());
        for (Place place : unnamed) {
            String value = place.value == null ? null : canonical.get(place.value);
            place.named = new Partition(settings.partName().ofValue(settings, parent.table(), value), null, null);
            place.bound = new PartitionBound.Value(parent.columnType(), value);
        }
    }

    /** One text for all texts of a value. */
    private Map<String, String> canonical(Connection target, List<String> values) throws SQLException {
        Map<String, String> canonical = new HashMap<>();
        if (parent.columnType() == null) {
            values.forEach(value -> canonical.put(value, value));
        } else if (!values.isEmpty()) {
            try (PreparedStatement select = target.prepareStatement("select w.text, first_value(w.text::"
                    + parent.columnType() + "::text) over (partition by w.text::" + parent.columnType()
                    + " order by w.text collate \"C\") from unnest(?::text[]) as w (text)")) {
                select.setArray(1, target.createArrayOf("text", values.toArray()));
                try (ResultSet row = select.executeQuery()) {
                    while (row.next()) {
                        canonical.put(row.getString(1), row.getString(2));
                    }
                }
            }
        }
        return canonical;
    }

    /** Finds the partitions that hold values, under whatever name. */
    private Map<Place, TableName> holders(Connection target, List<Place> places) throws SQLException {
        Map<Long, TableName> tables = new HashMap<>();
        StringBuilder held = new StringBuilder();
        for (Share share : shares(target)) {
            Matcher values = VALUES.matcher(share.bound);
            if (values.matches()) {
                tables.put(share.oid, share.table);
                // what the server wrote there are literals, as it would read them
                held.append(held.isEmpty() ? "" : " union all ")
                        .append("select ")
                        .append(share.oid)
                        .append(", unnest(array[")
                        .append(values.group(1))
                        .append("]::")
                        .append(parent.columnType())
                        .append("[])");
            }
        }
        Map<Place, TableName> holders = new HashMap<>();
        if (held.isEmpty()) {
            return holders;
        }
        try (PreparedStatement select =
                target.prepareStatement("select w.n, h.oid from unnest(?::text[]) with ordinality"
                        + " as w (text, n) join (" + held
                        + ") as h (oid, value) on h.value is not distinct from w.text::"
                        + parent.columnType())) {
            select.setArray(
                    1,
                    target.createArrayOf(
                            "text", places.stream().map(place -> place.value).toArray()));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    holders.put(places.get(row.getInt(1) - 1), tables.get(row.getLong(2)));
                }
            }
        }
        return holders;
    }

    private List<Share> shares(Connection target) throws SQLException {
        List<Share> shares = new ArrayList<>();
        try (PreparedStatement select = target.prepareStatement(SHARES)) {
            select.setLong(1, parent.oid());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    shares.add(new Share(
                            row.getLong("oid"),
                            new TableName(row.getString("schema"), row.getString("name")),
                            row.getString("bound")));
                }
            }
        }
        return shares;
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

    private void find(Connection target, List<Place> places) throws SQLException {
        boolean natively = parent.kind() == Parent.Kind.NATIVE;
        boolean list = settings.partMode() == PartMode.LIST;
        List<Found> tables = tables(target, places, natively && !list);
        Map<Place, TableName> holders = natively && list ? holders(target, places) : Map.of();
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
            Found holder = natively && !list ? holder(place, byLow) : null;
            Found named = byName.get(place.named.table());
            if (holders.containsKey(place)) {
                place.partition = identity(place, holders.get(place));
            } else if (holder != null) {
                place.partition = identities.computeIfAbsent(holder.table, table -> identity(place, holder));
            } else if (named != null && accept(place, named)) {
                place.partition = list ? identity(place, named.table) : place.named;
            }
            if (place.partition != null) {
                known.put(place.named.table(), new Known(place.partition, System.nanoTime()));
            }
        }
    }

    /** One instance for each partition, by whatever values it is found. */
    private Partition identity(Place place, TableName holder) {
        if (holder.equals(place.named.table())) {
            Known seen = known.get(holder);
            return seen != null ? seen.partition : place.named;
        }
        for (Known seen : known.values()) {
            if (seen.partition.table().equals(holder)) {
                return seen.partition;
            }
        }
        return new Partition(holder, null, null);
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
                    named.table + " is a partition of " + parent.table() + ", but not for " + place.bound
                            + " as its name says: rename it, so that the partition for that can be made",
                    "42P07");
        }
        boolean ownTable = parent.kind() == Parent.Kind.NONE
                || (parent.kind() == Parent.Kind.INHERITING
                        && (settings.partTemplate() != null || settings.partFunc() != null));
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
        boolean bounds =
                parent.kind() == Parent.Kind.NATIVE && settings.partMode().dated();
        try (PreparedStatement select = target.prepareStatement(FIND)) {
            select.setObject(1, parent.oid(), java.sql.Types.BIGINT);
            select.setBoolean(2, withAllPartitions);
            select.setString(3, schema(places));
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

    /** All partitions of a job are in one. */
    private static String schema(Collection<Place> places) {
        return places.iterator().next().named.table().schema();
    }

    private static Array names(Connection target, Collection<Place> places) throws SQLException {
        return target.createArrayOf(
                "text", places.stream().map(place -> place.named.table().name()).toArray());
    }

    // ---- making

    private void make(Connection target, Made made, List<Place> missing) throws SQLException {
        // rows have to meet the parent's triggers while they are loaded
        boolean attachFirst = routed()
                || parent.rowTriggers()
                || parent.referencesItself()
                || made.byName.size() + missing.size() >= MANY;
        runTemplate(target, settings.prePart(), missing);
        if (settings.partTemplate() != null) {
            runTemplate(target, settings.partTemplate(), missing);
        } else if (settings.partFunc() != null) {
            callFunction(target, missing);
        } else {
            makeLikeParent(target, missing, attachFirst, made.indexesLast);
        }
        runTemplate(target, settings.postPart(), missing);
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

    private void runTemplate(Connection target, PartitionTemplate template, List<Place> missing) throws SQLException {
        if (template != null) {
            run(
                    target,
                    missing.stream()
                            .map(place -> template.expand(values(place)))
                            .toList());
        }
    }

    private PartitionTemplate.Values values(Place place) {
        TableName named = place.named.table();
        // as people name the table: with its schema where they write one
        boolean qualified = settings.destTable().schema() != null
                || !named.schema().equals(parent.table().schema());
        return new PartitionTemplate.Values(
                named,
                parent.table(),
                qualified ? named : new TableName(null, named.name()),
                place.key,
                settings.partField(),
                place.fromTime == null ? null : localStart(place),
                settings.period());
    }

    private String localStart(Place place) {
        return BoundType.TIMESTAMP.literal(
                java.time.LocalDateTime.ofInstant(place.fromTime, settings.timeZone()), settings.timeZone());
    }

    /** With londiste's arguments for create_partition: parent, partition, key columns, column, time, period. */
    private void callFunction(Connection target, List<Place> missing) throws SQLException {
        String call = "select " + settings.partFunc().quoted() + "(?, ?, ?, ?, ?, ?)";
        for (Place place : missing) {
            try (PreparedStatement function = target.prepareStatement(call)) {
                String[] arguments = {
                    parent.table().toString(),
                    place.named.table().toString(),
                    String.join(",", place.key),
                    settings.partField(),
                    place.fromTime == null ? null : localStart(place),
                    settings.partMode().dated() ? settings.period().toString() : null
                };
                for (int i = 0; i < arguments.length; i++) {
                    // without a type, so that the function's own types count
                    function.setObject(i + 1, arguments[i], java.sql.Types.OTHER);
                }
                function.execute();
            } catch (SQLException e) {
                throw new SQLException(
                        "partFunc " + settings.partFunc()
                                + "(parent, partition, key columns, partField, time, period) for " + place.named + ": "
                                + e.getMessage(),
                        e.getSQLState(),
                        e);
            }
        }
    }

    private void makeLikeParent(Connection target, List<Place> missing, boolean attachFirst, boolean indexesLast)
            throws SQLException {
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
        boolean withoutIndexes = indexesLast
                && !attachFirst
                && !replicaIdentityIndex
                && settings.prePart() == null
                && settings.postPart() == null;
        List<String> statements = new ArrayList<>();
        for (Place place : missing) {
            String table = place.named.table().quoted();
            statements.add(
                    "create " + persistence + "table " + table + body(place, attachFirst, withoutIndexes) + clauses);
            for (String[] around : likeness) {
                statements.add(around[0] + table + around[1]);
            }
        }
        run(target, statements);
        if (replicaIdentityIndex) {
            identifyForReplication(target, missing);
        }
    }

    private String body(Place place, boolean attachFirst, boolean withoutIndexes) {
        String check = canCheck() ? "constraint " + BOUNDS + " check (" + within(place) + ")" : "";
        return parent.kind() == Parent.Kind.NATIVE
                // an identity column of the partition's own would count apart, and version 17 would not attach it
                ? " (like " + parent.table().quoted() + " including all excluding identity"
                        + (withoutIndexes ? " excluding indexes" : "")
                        + (attachFirst ? ")" : ", " + check + ")")
                : " (" + check + ") inherits (" + parent.table().quoted() + ")";
    }

    /** Whether PostgreSQL can check what a partition takes. */
    private boolean canCheck() {
        return switch (settings.partMode()) {
            case LIST -> parent.columnType() != null;
            case HASH -> false;
            default -> parent.boundType() != BoundType.NONE;
        };
    }

    private String within(Place place) {
        return place.bound.within(TableName.quote(settings.partField()));
    }

    private String outside(Place place) {
        return place.bound.outside(TableName.quote(settings.partField()));
    }

    private String literal(String bound) {
        return parent.boundType().sqlType() + " '" + bound + "'";
    }

    private void identifyForReplication(Connection target, List<Place> missing) throws SQLException {
        List<String> statements = new ArrayList<>();
        try (PreparedStatement select = target.prepareStatement(REPLICA_IDENTITY)) {
            select.setString(1, schema(missing));
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
                        (settings.partFunc() == null
                                ? "partTemplate ran, but made no table " + place.named
                                        + ": it must create the table that _DEST_TABLE stands for"
                                : "partFunc " + settings.partFunc() + " ran, but made no table " + place.named),
                        "42P01");
            }
            boolean toAttach = parent.kind() == Parent.Kind.NATIVE && !table.child;
            fresh.add(new New(table.oid, place, place.named, toAttach));
            boolean likeParent = settings.partTemplate() == null && settings.partFunc() == null;
            if (toAttach && !attachFirst && !likeParent) {
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
            insert.setString(3, schema(missing));
            insert.setArray(4, names(target, missing));
            insert.setArray(
                    5,
                    target.createArrayOf(
                            "text",
                            missing.stream()
                                    .map(place -> place.fromTime == null ? "-infinity" : place.fromTime.toString())
                                    .toArray()));
            insert.setArray(
                    6,
                    target.createArrayOf(
                            "text",
                            missing.stream()
                                    .map(place -> place.toTime == null ? "infinity" : place.toTime.toString())
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
                    .sorted(Comparator.comparing(New::place, ORDER))
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
            statements.add("alter table " + parent.table().quoted() + " attach partition " + table + " "
                    + mine.place.bound.forValues());
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
        run(target, movesFromDefault(target, toAttach, rest));
    }

    private List<String> movesFromDefault(Connection target, List<New> toAttach, DefaultPartition rest)
            throws SQLException {
        List<Place> places = toAttach.stream().map(New::place).toList();
        if (settings.partMode() == PartMode.LIST) {
            places = inDefaultPartition(target, places, rest);
        } else if (settings.partMode().dated()) {
            places = periodsInDefaultPartition(target, places, rest);
        }
        if (!places.isEmpty() && rest.referenced) {
            throw new PartitionException(
                    "The default partition " + rest.table + " holds rows that belong into new partitions, and foreign"
                            + " keys that point at " + parent.table()
                            + " forbid moving them: make partitions for them by hand",
                    "42P17");
        }
        return places.stream()
                .map(place -> "with moved as (delete from " + rest.table.quoted() + " where " + within(place)
                        + " returning " + rest.columns + ") insert into "
                        + place.named.table().quoted() + " (" + rest.columns + ") overriding system value select "
                        + rest.columns + " from moved")
                .toList();
    }

    private List<Place> inDefaultPartition(Connection target, List<Place> places, DefaultPartition rest)
            throws SQLException {
        List<Place> there = new ArrayList<>();
        try (Statement statement = target.createStatement()) {
            for (Place place : places) {
                try (ResultSet row = statement.executeQuery(
                        "select exists (select from " + rest.table.quoted() + " where " + within(place) + ")")) {
                    row.next();
                    if (row.getBoolean(1)) {
                        there.add(place);
                    }
                }
            }
        }
        return there;
    }

    private List<Place> periodsInDefaultPartition(Connection target, List<Place> toAttach, DefaultPartition rest)
            throws SQLException {
        String column = TableName.quote(settings.partField());
        String type = parent.boundType().sqlType();
        String lowest = literal(toAttach.get(0).named.from());
        String highest = literal(toAttach.get(toAttach.size() - 1).named.to());
        List<Place> moves = new ArrayList<>();
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
                            toAttach.stream().map(place -> place.named.from()).toArray()));
            select.setArray(
                    2,
                    target.createArrayOf(
                            "text",
                            toAttach.stream().map(place -> place.named.to()).toArray()));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    moves.add(toAttach.get(row.getInt(1) - 1));
                }
            }
        }
        return moves;
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
