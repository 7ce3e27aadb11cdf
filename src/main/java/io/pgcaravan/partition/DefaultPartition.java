package io.pgcaravan.partition;

import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The partition that takes what no other does. It stands in the way of new ones as long as it holds rows of theirs, and is
 * scanned for each, unless a constraint proves that there are none.
 */
final class DefaultPartition {

    private static final String FIND = Sql.file("partition/default-partition");

    private final PartitionSettings settings;
    private final Parent parent;
    private final TableName table;
    /** All but generated ones, quoted. */
    private final String columns;
    /** Whether a foreign key points at the parent, so that rows cannot leave it for a moment. */
    private final boolean referenced;

    private DefaultPartition(
            PartitionSettings settings, Parent parent, TableName table, String columns, boolean referenced) {
        this.settings = settings;
        this.parent = parent;
        this.table = table;
        this.columns = columns;
        this.referenced = referenced;
    }

    /** Null where the parent has none. */
    static DefaultPartition of(Connection target, PartitionSettings settings, Parent parent) throws SQLException {
        try (PreparedStatement select = target.prepareStatement(FIND)) {
            select.setLong(1, parent.oid());
            try (ResultSet row = select.executeQuery()) {
                return row.next()
                        ? new DefaultPartition(
                                settings,
                                parent,
                                new TableName(row.getString("schema"), row.getString("name")),
                                row.getString("columns"),
                                row.getBoolean("referenced"))
                        : null;
            }
        }
    }

    /** Keeps everybody from it until the transaction ends. */
    void lock(Connection target) throws SQLException {
        Ddl.run(target, List.of("lock table " + table.quoted() + " in access exclusive mode"));
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

    private static String literal(String type, String bound) {
        return type + " '" + bound + "'";
    }

    /** Moves the rows that belong into the new partitions to where they belong. */
    void giveUp(Connection target, List<Place> toAttach) throws SQLException {
        List<Place> places = toAttach;
        if (settings.partMode() == PartMode.LIST) {
            places = valuesHere(target, places);
        } else if (settings.partMode().dated()) {
            places = periodsHere(target, places);
        }
        if (!places.isEmpty() && referenced) {
            throw new PartitionException(
                    "The default partition " + table + " holds rows that belong into new partitions, and foreign"
                            + " keys that point at " + parent.table()
                            + " forbid moving them: make partitions for them by hand",
                    "42P17");
        }
        Ddl.run(
                target,
                places.stream()
                        .map(place -> "with moved as (delete from " + table.quoted() + " where "
                                + place.within(settings)
                                + " returning " + columns + ") insert into "
                                + place.named.table().quoted() + " (" + columns + ") overriding system value select "
                                + columns + " from moved")
                        .toList());
    }

    private List<Place> valuesHere(Connection target, List<Place> places) throws SQLException {
        List<Place> there = new ArrayList<>();
        try (Statement statement = target.createStatement()) {
            for (Place place : places) {
                try (ResultSet row = statement.executeQuery(
                        "select exists (select from " + table.quoted() + " where " + place.within(settings) + ")")) {
                    row.next();
                    if (row.getBoolean(1)) {
                        there.add(place);
                    }
                }
            }
        }
        return there;
    }

    private List<Place> periodsHere(Connection target, List<Place> toAttach) throws SQLException {
        String column = TableName.quote(settings.partField());
        String type = parent.boundType().sqlType();
        String lowest = literal(type, toAttach.get(0).named.from());
        String highest = literal(type, toAttach.get(toAttach.size() - 1).named.to());
        List<Place> moves = new ArrayList<>();
        // the first condition is one scan for all, where nothing is to be moved
        String sql = "select n from unnest(?::text[], ?::text[]) with ordinality as w (low, high, n)"
                + " where (select exists (select from " + table.quoted() + " where " + column + " >= " + lowest
                + " and " + column + " < " + highest + "))"
                + " and exists (select from " + table.quoted() + " d where d." + column + " >= w.low::" + type
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
}
