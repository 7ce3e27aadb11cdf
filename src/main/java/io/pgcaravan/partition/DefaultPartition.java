package io.pgcaravan.partition;

import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The partition that takes what no other does. It stands in the way of new ones as long as it holds rows of theirs, and is
 * scanned for each, unless a constraint proves that there are none.
 *
 * @param columns all but generated ones, quoted
 * @param referenced whether a foreign key points at the parent, so that rows cannot leave it for a moment
 */
record DefaultPartition(
        PartitionSettings settings, Parent parent, TableName table, String columns, boolean referenced) {

    private static final String FIND = Sql.file("partition/default-partition");

    /** Null where the parent has none. */
    static DefaultPartition of(Connection target, PartitionSettings settings, Parent parent) throws SQLException {
        return Query.first(
                target,
                FIND,
                row -> new DefaultPartition(
                        settings,
                        parent,
                        new TableName(row.getString("schema"), row.getString("name")),
                        row.getString("columns"),
                        row.getBoolean("referenced")),
                parent.oid());
    }

    /** Keeps other sessions from it until the transaction ends. */
    void lock(Connection target) throws SQLException {
        Query.execute(target, "lock table " + table.quoted() + " in access exclusive mode");
    }

    /** The statement that proves that it holds nothing of these places, so that none of them has it scanned. */
    String prove(List<Place> places) {
        return alter(
                places,
                i -> "add constraint " + proof(i) + " check (" + places.get(i).outside(settings) + ")");
    }

    /** The statement that takes {@link #prove} back. */
    String forgetProof(List<Place> places) {
        return alter(places, i -> "drop constraint " + proof(i));
    }

    /** One statement for all, so that it is scanned once and not for each new partition. */
    private String alter(List<Place> places, IntFunction<String> action) {
        return "alter table " + table.quoted() + " "
                + IntStream.range(0, places.size()).mapToObj(action).collect(Collectors.joining(", "));
    }

    private static String proof(int i) {
        return TableName.quote("pgcaravan_outside_" + i);
    }

    /** Moves the rows that belong into the new partitions to where they belong. */
    void giveUp(Connection target, List<Place> toAttach) throws SQLException {
        List<Place> places =
                switch (settings.partMode()) {
                    case LIST -> valuesHere(target, toAttach);
                    case HASH -> List.of();
                    default -> periodsHere(target, toAttach);
                };
        if (!places.isEmpty() && referenced) {
            throw new PartitionException(
                    "The default partition " + table + " holds rows that belong into new partitions, and foreign"
                            + " keys that point at " + parent.table()
                            + " forbid moving them: make partitions for them by hand",
                    "42P17");
        }
        String move = """
                with moved as (delete from %s where %s returning %s)
                insert into %s (%3$s) overriding system value select %3$s from moved""";
        Ddl.run(
                target,
                places.stream()
                        .map(place -> move.formatted(
                                table.quoted(),
                                place.within(settings),
                                columns,
                                place.named.table().quoted()))
                        .toList());
    }

    private List<Place> valuesHere(Connection target, List<Place> places) throws SQLException {
        List<Place> here = new ArrayList<>();
        for (Place place : places) {
            if (Query.flag(
                    target,
                    "select exists (select from " + table.quoted() + " where " + place.within(settings) + ")")) {
                here.add(place);
            }
        }
        return here;
    }

    private List<Place> periodsHere(Connection target, List<Place> places) throws SQLException {
        // the first condition is one scan for all, where nothing is to be moved
        String sql = """
                select n
                  from unnest(?::text[], ?::text[]) with ordinality as w (low, high, n)
                 where (select exists (select from %1$s where %2$s >= ?::%3$s and %2$s < ?::%3$s))
                   and exists (select from %1$s d where d.%2$s >= w.low::%3$s and d.%2$s < w.high::%3$s)
                 order by n""".formatted(
                        table.quoted(),
                        TableName.quote(settings.partField()),
                        parent.boundType().sqlType());
        String[] low = places.stream().map(place -> place.named.from()).toArray(String[]::new);
        String[] high = places.stream().map(place -> place.named.to()).toArray(String[]::new);
        return Query.all(target, sql, row -> places.get(row.getInt(1) - 1), low, high, low[0], high[high.length - 1]);
    }
}
