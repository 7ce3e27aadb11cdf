package io.pgcaravan.partition;

import io.pgcaravan.partition.MadePartitions.New;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Makes the partitions of one destination table that are missing. DDL runs only for missing ones, in the batch's
 * transaction, under an advisory lock of the parent: {@code CREATE TABLE IF NOT EXISTS} of two sessions races.
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

    private static final String NUMBER = Sql.file("partition/number");
    private static final String STRAYS = Sql.file("partition/strays");

    /** The order in which partitions are locked, the same for all jobs. */
    private static final Comparator<Place> ORDER = Comparator.<Place>comparingLong(place -> place.low)
            .thenComparing(place -> place.named.table().name());

    private final PartitionSettings settings;
    private final PartitionFinder finder;
    private Parent parent;
    private long parentSeenNanos;
    private boolean parentStale = true;

    PartitionMaker(PartitionSettings settings) {
        this.settings = settings;
        this.finder = new PartitionFinder(settings);
    }

    void forget() {
        finder.forget();
        // the open batch keeps the parent it has
        parentStale = true;
    }

    Parent parent(Connection target) throws SQLException {
        if (parentStale || System.nanoTime() - parentSeenNanos > PartitionFinder.TRUST.toNanos()) {
            Parent read = Parent.read(target, settings);
            if (!read.equals(parent)) {
                finder.forget();
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
    void ensure(
            Connection target, Object purpose, MadePartitions made, Collection<Place> needed, Collection<Place> wanted)
            throws SQLException {
        List<Place> unknown = List.of();
        try {
            made.verify(target);
            unknown = Stream.concat(needed.stream(), wanted.stream()).distinct().toList();
            if (settings.partMode() == PartMode.LIST) {
                ListPlacer.name(target, settings, parent, unknown);
            }
            unknown = unknown.stream()
                    .filter(place -> !isKnown(made, place))
                    .sorted(ORDER)
                    .toList();
            if (!unknown.isEmpty() && routed()) {
                makeAllRemainders(target, made, unknown);
            } else if (!unknown.isEmpty()) {
                finder.find(target, parent, unknown);
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

    private boolean isKnown(MadePartitions made, Place place) {
        place.partition = made.partition(place.named.table());
        if (place.partition == null) {
            place.partition = finder.remembered(place.named.table());
        }
        return place.partition != null;
    }

    private void makeMissing(Connection target, MadePartitions made, List<Place> needed) throws SQLException {
        List<Place> missing = withoutPartition(needed);
        if (!missing.isEmpty() && !made.locked) {
            lock(target, made);
            // another session may have made them while we waited
            finder.find(target, parent, missing);
            missing = withoutPartition(missing);
        }
        if (!missing.isEmpty() && settings.partMode() == PartMode.LIST) {
            missing = withinLimit(target, missing);
        }
        if (!missing.isEmpty()) {
            // several texts may be one value: 1 and 01
            Map<TableName, Place> byName = new LinkedHashMap<>();
            missing.forEach(place -> byName.putIfAbsent(place.named.table(), place));
            make(target, made, List.copyOf(byName.values()));
            missing.forEach(place -> place.partition = made.partition(place.named.table()));
        }
    }

    private static List<Place> withoutPartition(List<Place> places) {
        return places.stream().filter(place -> place.partition == null).toList();
    }

    private List<Place> withinLimit(Connection target, List<Place> missing) throws SQLException {
        long there = Query.number(target, NUMBER, parent.oid(), parent.table());
        Set<TableName> names = new HashSet<>();
        List<Place> within = new ArrayList<>();
        for (Place place : missing) {
            if (names.contains(place.named.table()) || there + names.size() < settings.maxPartitions()) {
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

    /** Partitions by hash of a parent that routes its rows itself. */
    private boolean routed() {
        return settings.partMode() == PartMode.HASH && parent.isNative();
    }

    /** A row's partition is only known once it is there: all of them have to be. */
    private void makeAllRemainders(Connection target, MadePartitions made, List<Place> places) throws SQLException {
        List<Place> missing = HashPlacer.missingRemainders(target, settings, parent);
        if (!missing.isEmpty() && !made.locked) {
            lock(target, made);
            missing = HashPlacer.missingRemainders(target, settings, parent);
        }
        if (!missing.isEmpty()) {
            missing.forEach(place -> place.key = places.get(0).key);
            make(target, made, missing);
        }
        for (Place place : places) {
            place.partition = place.named;
            finder.remember(place);
        }
    }

    private void lock(Connection target, MadePartitions made) throws SQLException {
        Long oid = parent.oid();
        Query.text(
                target,
                "select pg_catalog.pg_advisory_xact_lock(?, ?)",
                LOCK_NAMESPACE,
                oid != null ? oid.intValue() : parent.table().toString().hashCode());
        made.locked = true;
    }

    private void make(Connection target, MadePartitions made, List<Place> missing) throws SQLException {
        // rows have to meet the parent's triggers while they are loaded
        boolean attachFirst =
                routed() || parent.rowTriggers() || parent.referencesItself() || made.size() + missing.size() >= MANY;
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
        fresh.forEach(made::add);
    }

    /** Checks that all tables are there now, which a template may have forgotten. */
    private List<New> seeMade(Connection target, List<Place> missing, boolean attachFirst) throws SQLException {
        Map<TableName, ListedPartition> tables =
                ListedPartition.read(target, parent, settings.timeZone(), missing, false).stream()
                        .collect(Collectors.toMap(ListedPartition::table, table -> table));
        List<New> fresh = new ArrayList<>();
        List<String> checks = new ArrayList<>();
        for (Place place : missing) {
            ListedPartition table = tables.get(place.named.table());
            if (table == null) {
                String maker = settings.partFunc() == null ? "partTemplate" : "partFunc " + settings.partFunc();
                throw new PartitionException(
                        maker + " ran, but made no table " + place.named
                                + (settings.partFunc() == null
                                        ? ": it must create the table that _DEST_TABLE stands for"
                                        : ""),
                        "42P01");
            }
            boolean toAttach = parent.isNative() && !table.attached();
            fresh.add(new New(table.oid(), place, place.named, toAttach));
            if (toAttach && !attachFirst && settings.makesOwnTables()) {
                checks.add("alter table " + place.named.table().quoted() + " add constraint " + TableMaker.BOUNDS
                        + " check (" + place.within(settings) + ")");
            }
        }
        Ddl.run(target, checks);
        return fresh;
    }

    /** Attaches what is not attached yet; the last thing before the batch commits. */
    void attach(Connection target, Object purpose, MadePartitions made) throws SQLException {
        List<New> toAttach = List.of();
        try {
            made.verify(target);
            toAttach = made.toAttach().stream()
                    .sorted(Comparator.comparing(New::place, ORDER))
                    .toList();
            if (!toAttach.isEmpty()) {
                attach(target, toAttach, true);
                made.attached();
            }
        } catch (SQLException e) {
            throw explained("attach", places(toAttach), purpose, e);
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
        for (New made : toAttach) {
            String table = made.partition().table().quoted();
            for (String column : parent.sharedIdentities()) {
                // would stand beside the identity, and a dump of both cannot be restored
                statements.add("alter table " + table + " alter column " + TableName.quote(column) + " drop default");
            }
            statements.add("alter table " + parent.table().quoted() + " attach partition " + table + " "
                    + made.place().bound.forValues());
            if (checked) {
                statements.add("alter table " + table + " drop constraint " + TableMaker.BOUNDS);
            }
        }
        if (rest != null) {
            statements.add(rest.forgetProof(places));
        }
        Ddl.run(target, statements);
    }

    /**
     * Checks that the rows of a batch went where the parent's queries find them. They hold a lock on their partitions, so that
     * these can go no earlier than the batch commits.
     *
     * @param used the tables that they went to
     * @throws PartitionException where a table was detached or replaced, or the parent; the next attempt looks for all again
     */
    void mustBeAttached(Connection target, Object purpose, Collection<TableName> used) throws SQLException {
        if (used.isEmpty() || !parent.hasAllPartitionsOf(settings)) {
            return;
        }
        String table = parent.table().quoted();
        String stray =
                Query.text(target, STRAYS, used.stream().map(TableName::quoted).toArray(String[]::new), table, table);
        if (stray != null) {
            throw new PartitionException(
                    "Cannot commit rows of " + purpose + ": they went into " + stray + ", which is not a partition of "
                            + parent.table() + " any more (it was detached or replaced, or "
                            + parent.table() + " was); the batch is repeated",
                    "40001");
        }
    }

    private static List<Place> places(Collection<New> made) {
        return made.stream().map(New::place).toList();
    }

    private SQLException explained(String what, List<Place> places, Object purpose, SQLException e) {
        if (e instanceof PartitionException) {
            return e;
        }
        String partitions =
                switch (places.size()) {
                    case 0 -> "partitions";
                    case 1 -> "partition " + places.get(0).named;
                    default -> places.size() + " partitions from " + places.get(0).named + " on";
                };
        String advice =
                switch (String.valueOf(e.getSQLState())) {
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
