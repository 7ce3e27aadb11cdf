package io.pgcaravan.partition;

import io.pgcaravan.sql.LockWaits;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
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

    /** The places from the one that holds {@code first} to the one that holds {@code last}. */
    private List<Place> places(Connection target, Instant first, Instant last, int most) throws SQLException {
        DatePlacer placer = new DatePlacer(settings, maker.parent(target), null, first);
        List<Place> places = new ArrayList<>();
        Place place = placer.at(first);
        while (place != null && places.size() < most && !place.fromTime.isAfter(last)) {
            places.add(place);
            place = placer.at(place.toTime);
        }
        return places;
    }

    /** Those of the current partition and {@code ahead} after it that are not there; changes nothing. */
    public List<Partition> missing(Connection target, Instant now, int ahead) throws SQLException {
        return missing(target, places(target, now, Instant.MAX, ahead + 1));
    }

    /** Those from the partition that holds {@code first} to the one that holds {@code last} that are not there. */
    public List<Partition> missing(Connection target, Instant first, Instant last) throws SQLException {
        return missing(target, places(target, first, last, Integer.MAX_VALUE));
    }

    private List<Partition> missing(Connection target, List<Place> places) throws SQLException {
        maker.forget();
        maker.ensure(target, PURPOSE, new MadePartitions(), List.of(), places);
        return places.stream()
                .filter(place -> place.absent)
                .map(place -> place.named)
                .toList();
    }

    /**
     * Makes what is missing of the current partition and those after it.
     *
     * @param target with autocommit on
     * @param key for a template's {@code _PKEY}
     * @return those that were made
     */
    public List<Partition> make(Connection target, Instant now, int ahead, List<String> key) throws SQLException {
        return make(target, places(target, now, Instant.MAX, ahead + 1), key);
    }

    /** Makes what is missing from the partition that holds {@code first} to the one that holds {@code last}. */
    public List<Partition> make(Connection target, Instant first, Instant last, List<String> key) throws SQLException {
        return make(target, places(target, first, last, Integer.MAX_VALUE), key);
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
        MadePartitions made = new MadePartitions();
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
        String sql = """
                select a.attname
                  from pg_partitioned_table p
                  join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and a.attnum > 0
                 where p.partrelid = pg_catalog.to_regclass(?::text)::oid and p.partstrat = 'r' and p.partnatts = 1""";
        return Query.text(target, sql, table.quoted());
    }

    /** The primary key of the parent, for a template's {@code _PKEY} where no event has told one; empty for none. */
    public static List<String> primaryKey(Connection target, TableName table) throws SQLException {
        String sql = """
                select a.attname
                  from pg_constraint k
                 cross join lateral unnest(k.conkey) with ordinality as c (attnum, n)
                  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.attnum
                 where k.contype = 'p' and k.conrelid = pg_catalog.to_regclass(?::text)::oid
                 order by c.n""";
        return Query.all(target, sql, row -> row.getString(1), table.quoted());
    }
}
