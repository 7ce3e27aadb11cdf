package io.pgcaravan.partition;

import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A partition of a natively partitioned parent, and what it is for as the server writes it: values, or a remainder. */
record Share(long oid, TableName table, String bound) {

    private static final String SHARES = Sql.file("partition/shares");

    private static final Pattern VALUES = Pattern.compile("FOR VALUES IN \\((.*)\\)", Pattern.DOTALL);

    private static final Pattern REMAINDER = Pattern.compile("FOR VALUES WITH \\(modulus (\\d+), remainder (\\d+)\\)");

    private static List<Share> of(Connection target, Parent parent) throws SQLException {
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

    /** Finds the partitions that hold values, under whatever name. */
    static Map<Place, TableName> holders(Connection target, Parent parent, List<Place> places) throws SQLException {
        Map<Long, TableName> tables = new HashMap<>();
        StringBuilder held = new StringBuilder();
        for (Share share : of(target, parent)) {
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
                        + ") as h (oid, value) on h.value " + parent.equality() + " w.text::" + parent.columnType()
                        + " or h.value is null and w.text is null")) {
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

    /**
     * The places of the remainders that no partition takes.
     *
     * @throws PartitionException where partitions with this modulus do not go with those that are there
     */
    static List<Place> missingRemainders(Connection target, PartitionSettings settings, Parent parent)
            throws SQLException {
        List<PartitionBound.Remainder> there = new ArrayList<>();
        for (Share share : of(target, parent)) {
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
}
