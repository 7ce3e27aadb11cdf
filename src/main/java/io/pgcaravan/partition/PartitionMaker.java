package io.pgcaravan.partition;

import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
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

    /**
     * From this many new partitions in one batch on they are attached while empty. The parent is then locked (against
     * DDL and VACUUM, not against reading and writing) during the load, but each partition needs one lock less, of a
     * table of locks that by default has room for about 2,000 partitions.
     */
    private static final int MANY = 256;

    /** How long a partition is believed to be there, and still attached, without looking. */
    private static final Duration TRUST = Duration.ofSeconds(10);

    private static final String NUMBER = Sql.file("partition/number");
    private static final String STRAYS = Sql.file("partition/strays");

    /** The order in which partitions are locked, the same for all jobs. */
    private static final Comparator<Place> ORDER = Comparator.<Place>comparingLong(place -> place.low)
            .thenComparing(place -> place.named.table().name());

    private record Known(Partition partition, long seenNanos) {
        boolean fresh() {
            return System.nanoTime() - seenNanos < TRUST.toNanos();
        }
    }

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
                ListPlacing.name(target, settings, parent, unknown);
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
        List<Place> missing = Share.missingRemainders(target, settings, parent);
        if (!missing.isEmpty() && !made.locked) {
            lock(target);
            made.locked = true;
            missing = Share.missingRemainders(target, settings, parent);
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
        try (PreparedStatement lock = target.prepareStatement("select pg_catalog.pg_advisory_xact_lock(?, ?)")) {
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
        List<FoundTable> tables = FoundTable.read(target, settings, parent, places, natively && !list);
        Map<Place, TableName> holders = natively && list ? Share.holders(target, parent, places) : Map.of();
        Map<TableName, FoundTable> byName = new HashMap<>();
        NavigableMap<Long, FoundTable> byLow = new TreeMap<>();
        for (FoundTable table : tables) {
            byName.put(table.table(), table);
            if (table.child() && table.bounds() != null) {
                byLow.put(table.bounds().low(), table);
            }
        }
        Map<TableName, Partition> identities = new HashMap<>();
        for (Place place : places) {
            FoundTable holder = natively && !list ? holder(place, byLow) : null;
            FoundTable named = byName.get(place.named.table());
            if (holders.containsKey(place)) {
                place.partition = identity(place, holders.get(place));
            } else if (holder != null) {
                place.partition = identities.computeIfAbsent(holder.table(), table -> identity(place, holder));
            } else if (named != null && accept(place, named)) {
                place.partition = list ? identity(place, named.table()) : place.named;
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

    private Partition identity(Place place, FoundTable holder) {
        if (holder.table().equals(place.named.table())
                && holder.bounds().low() == place.low
                && holder.bounds().high() == place.high) {
            return place.named;
        }
        for (Known seen : known.values()) {
            if (seen.partition.table().equals(holder.table())) {
                return seen.partition;
            }
        }
        return new Partition(
                holder.table(), holder.bounds().lowText(), holder.bounds().highText());
    }

    /** The partition that holds the whole period under whatever name. */
    private FoundTable holder(Place place, NavigableMap<Long, FoundTable> byLow) throws PartitionException {
        Map.Entry<Long, FoundTable> before = byLow.floorEntry(place.low);
        if (before != null && before.getValue().bounds().high() >= place.high) {
            return before.getValue();
        }
        Map.Entry<Long, FoundTable> inside = byLow.lowerEntry(place.high);
        if (inside != null && inside.getValue().bounds().high() > place.low) {
            FoundTable other = inside.getValue();
            throw new PartitionException(
                    "Partition " + place.named + " of " + parent.table() + " would hold " + place.named.from() + " to "
                            + place.named.to() + " (period = " + settings.period() + ", timeZone = "
                            + settings.timeZone() + "), but " + other.table() + " already holds "
                            + other.bounds().lowText()
                            + " to " + other.bounds().highText()
                            + ", a part of it: set the period and time zone that the existing partitions have",
                    "42P17");
        }
        return null;
    }

    /** Whether a template or function decides what the partitions are: they need not inherit. */
    private boolean ownTables() {
        return settings.partTemplate() != null || settings.partFunc() != null;
    }

    private boolean accept(Place place, FoundTable named) throws PartitionException {
        if (named.child() && parent.kind() == Parent.Kind.NATIVE) {
            throw new PartitionException(
                    named.table() + " is a partition of " + parent.table() + ", but not for " + place.bound
                            + " as its name says: rename it, so that the partition for that can be made",
                    "42P07");
        }
        boolean ownTable = parent.kind() == Parent.Kind.NONE || parent.kind() == Parent.Kind.INHERITING && ownTables();
        if (place.obsolete && !named.child() && !ownTable) {
            // retention is taking it away: until it is gone, old rows may still go there; detached, it is no partition
            return named.pending();
        }
        if (!named.takesRows() || !(named.child() || ownTable)) {
            throw new PartitionException(
                    named.table() + " is needed as a partition of " + parent.table() + ", but that name is taken by "
                            + (named.takesRows() ? "a table that is none" : "something that is no table")
                            + (parent.kind() == Parent.Kind.NATIVE
                                    ? ": attach it, rename it or drop it"
                                    : ": let it inherit " + parent.table() + ", rename it or drop it"),
                    "42P07");
        }
        return true;
    }

    // ---- making

    private void make(Connection target, Made made, List<Place> missing) throws SQLException {
        // rows have to meet the parent's triggers while they are loaded
        boolean attachFirst = routed()
                || parent.rowTriggers()
                || parent.referencesItself()
                || made.byName.size() + missing.size() >= MANY;
        TableMaker tables = new TableMaker(settings, parent);
        tables.make(target, missing, attachFirst, made.indexesLast);
        List<New> fresh = seeMade(target, missing, attachFirst);
        tables.record(target, missing);
        List<New> toAttach = fresh.stream().filter(New::toAttach).toList();
        if (!toAttach.isEmpty()) {
            DefaultPartition rest = DefaultPartition.of(target, settings, parent);
            if (rest != null) {
                rest.giveUp(target, places(toAttach));
            }
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

    /** Looks that everything is there now, which a template may have forgotten. */
    private List<New> seeMade(Connection target, List<Place> missing, boolean attachFirst) throws SQLException {
        Map<TableName, FoundTable> tables = FoundTable.read(target, settings, parent, missing, false).stream()
                .collect(Collectors.toMap(FoundTable::table, table -> table));
        List<New> fresh = new ArrayList<>();
        List<String> checks = new ArrayList<>();
        for (Place place : missing) {
            FoundTable table = tables.get(place.named.table());
            if (table == null) {
                throw new PartitionException(
                        (settings.partFunc() == null
                                ? "partTemplate ran, but made no table " + place.named
                                        + ": it must create the table that _DEST_TABLE stands for"
                                : "partFunc " + settings.partFunc() + " ran, but made no table " + place.named),
                        "42P01");
            }
            boolean toAttach = parent.kind() == Parent.Kind.NATIVE && !table.child();
            fresh.add(new New(table.oid(), place, place.named, toAttach));
            boolean likeParent = settings.partTemplate() == null && settings.partFunc() == null;
            if (toAttach && !attachFirst && !likeParent) {
                checks.add("alter table " + place.named.table().quoted() + " add constraint " + TableMaker.BOUNDS
                        + " check (" + place.within(settings) + ")");
            }
        }
        Ddl.run(target, checks);
        return fresh;
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
            throw explained("attach", places(toAttach), purpose, e);
        }
    }

    /**
     * Sees that the rows of a batch went where the parent's queries find them. They hold a lock on their partitions, so that these
     * can go no earlier than the batch commits.
     *
     * @param used the tables that they went to
     * @throws PartitionException where a table was detached or replaced, or the parent; the next attempt looks for all again
     */
    void mustBeAttached(Connection target, Object purpose, Collection<TableName> used) throws SQLException {
        if (used.isEmpty()
                || !(parent.kind() == Parent.Kind.NATIVE || parent.kind() == Parent.Kind.INHERITING && !ownTables())) {
            return;
        }
        try (PreparedStatement select = target.prepareStatement(STRAYS)) {
            select.setArray(
                    1,
                    target.createArrayOf(
                            "text", used.stream().map(TableName::quoted).toArray()));
            select.setString(2, parent.table().quoted());
            select.setString(3, parent.table().quoted());
            try (ResultSet row = select.executeQuery()) {
                if (row.next()) {
                    throw new PartitionException(
                            "Cannot commit rows of " + purpose + ": they went into " + row.getString(1)
                                    + ", which is no partition of " + parent.table()
                                    + " any more (it was detached or replaced meanwhile, or " + parent.table()
                                    + " was); the batch is done again",
                            "40001");
                }
            }
        }
    }

    /** @param checked whether the partitions have a CHECK of their bounds */
    private void attach(Connection target, List<New> toAttach, boolean checked) throws SQLException {
        List<String> statements = new ArrayList<>();
        if (parent.deferrableConstraints()) {
            // a table with checks still waiting cannot be attached
            statements.add("set constraints all immediate");
        }
        List<Place> places = places(toAttach);
        DefaultPartition rest = DefaultPartition.of(target, settings, parent);
        if (rest != null) {
            rest.lock(target);
            // rows that came since they were moved, and none after that
            rest.giveUp(target, places);
            statements.add(rest.prove(places));
        }
        for (New mine : toAttach) {
            String table = mine.partition.table().quoted();
            for (String column : parent.sharedIdentities()) {
                // would stand beside the identity, and a dump of both cannot be restored
                statements.add("alter table " + table + " alter column " + TableName.quote(column) + " drop default");
            }
            statements.add("alter table " + parent.table().quoted() + " attach partition " + table + " "
                    + mine.place.bound.forValues());
            if (checked) {
                statements.add("alter table " + table + " drop constraint " + TableMaker.BOUNDS);
            }
        }
        if (rest != null) {
            statements.add(rest.forgetProof(places));
        }
        Ddl.run(target, statements);
    }

    private static List<Place> places(Collection<New> made) {
        return made.stream().map(New::place).toList();
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
