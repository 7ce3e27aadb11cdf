package io.pgcaravan.partition;

import io.pgcaravan.sql.LockWaits;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes partitions before their first row comes: in transactions of their own, with the locks that a batch would take for
 * them, each waited for only briefly.
 */
public final class NewPartitions {

    /** How many are made in one transaction, which holds up batches that need a partition of the same table. */
    private static final int AT_ONCE = 32;

    private static final String PURPOSE = "the time ahead";

    private final PartitionSettings settings;
    private final PartitionMaker maker;

    public NewPartitions(PartitionSettings settings) {
        this.settings = settings;
        this.maker = new PartitionMaker(settings);
    }

    /** The current partition and those after it. */
    List<Place> upcoming(Connection target, Instant now, int ahead) throws SQLException {
        Placing placing = new Placing(settings, maker.parent(target), null, now);
        List<Place> places = new ArrayList<>();
        Place place = placing.at(now);
        while (place != null && places.size() <= ahead) {
            places.add(place);
            place = placing.at(place.toTime);
        }
        return places;
    }

    /** Those of the current partition and the ones after it that are not there; changes nothing. */
    public List<Partition> missing(Connection target, Instant now, int ahead) throws SQLException {
        return missing(target, upcoming(target, now, ahead));
    }

    /** Those from the partition that holds {@code first} to the one that holds {@code last} that are not there. */
    public List<Partition> missing(Connection target, Instant first, Instant last) throws SQLException {
        return missing(target, places(target, first, last));
    }

    private List<Partition> missing(Connection target, List<Place> places) throws SQLException {
        maker.forget();
        maker.ensure(target, PURPOSE, new PartitionMaker.Made(), List.of(), places);
        return places.stream()
                .filter(place -> place.absent)
                .map(place -> place.named)
                .toList();
    }

    private List<Place> places(Connection target, Instant first, Instant last) throws SQLException {
        Placing placing = new Placing(settings, maker.parent(target), null, first);
        List<Place> places = new ArrayList<>();
        Place place = placing.at(first);
        while (place != null && !place.fromTime.isAfter(last)) {
            places.add(place);
            place = placing.at(place.toTime);
        }
        return places;
    }

    /**
     * Makes what is missing of the current partition and those after it.
     *
     * @param target with autocommit on
     * @param key for a template's {@code _PKEY}
     * @return those that were made
     */
    public List<Partition> make(Connection target, Instant now, int ahead, List<String> key) throws SQLException {
        return make(target, upcoming(target, now, ahead), key);
    }

    /** Makes what is missing from the partition that holds {@code first} to the one that holds {@code last}. */
    public List<Partition> make(Connection target, Instant first, Instant last, List<String> key) throws SQLException {
        return make(target, places(target, first, last), key);
    }

    /** Those that are not there, of the places' periods. */
    private List<Partition> make(Connection target, List<Place> places, List<String> key) throws SQLException {
        OwnTables.ensure(target, "caravan.partition");
        List<Partition> made = new ArrayList<>();
        for (int i = 0; i < places.size(); i += AT_ONCE) {
            made.addAll(makeAtOnce(target, places.subList(i, Math.min(places.size(), i + AT_ONCE)), key));
        }
        return made;
    }

    private List<Partition> makeAtOnce(Connection target, List<Place> places, List<String> key) throws SQLException {
        PartitionMaker.Made made = new PartitionMaker.Made();
        places.forEach(place -> place.key = key);
        try {
            LockWaits.inTransaction(target, () -> {
                maker.ensure(target, PURPOSE, made, places, List.of());
                maker.attach(target, PURPOSE, made);
            });
            return made.partitions();
        } catch (SQLException e) {
            maker.forget();
            throw e;
        }
    }

    /** The column whose range partitions a table natively; null where it is not partitioned so. */
    public static String keyColumn(Connection target, TableName table) throws SQLException {
        try (PreparedStatement select = target.prepareStatement("""
                select a.attname
                  from pg_partitioned_table p
                  join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and a.attnum > 0
                 where p.partrelid = pg_catalog.to_regclass(?::text)::oid and p.partstrat = 'r' and p.partnatts = 1""")) {
            select.setString(1, table.quoted());
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }

    /** The primary key of the parent, for a template's {@code _PKEY} where no event has told one; empty for none. */
    public static List<String> primaryKey(Connection target, TableName table) throws SQLException {
        try (PreparedStatement select = target.prepareStatement("""
                select a.attname
                  from pg_constraint k
                 cross join lateral unnest(k.conkey) with ordinality as c (attnum, n)
                  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.attnum
                 where k.contype = 'p' and k.conrelid = pg_catalog.to_regclass(?::text)::oid
                 order by c.n""")) {
            select.setString(1, table.quoted());
            List<String> key = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    key.add(row.getString(1));
                }
            }
            return key;
        }
    }
}
