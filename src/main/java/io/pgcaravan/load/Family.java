package io.pgcaravan.load;

import io.pgcaravan.queue.OwnTables;
import io.pgcaravan.queue.Sql;
import io.pgcaravan.table.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Everywhere rows of a destination table can be: the table, what inherits from it or is attached to it, the partitions
 * on record, and those that the batch made and that are not attached yet.
 */
record Family(List<Member> members) {

    private static final String FAMILY = Sql.file("target/family");
    private static final String RECORDED = Sql.file("target/recorded");

    /** @param below whether a query on the destination table sees this table's rows */
    record Member(long oid, TableName table, boolean below) {}

    /** @param touched tables of this batch, existing or not */
    static Family of(Connection target, TableName destination, Collection<TableName> touched) throws SQLException {
        Set<String> others = new LinkedHashSet<>();
        for (TableName table : touched) {
            others.add(table.quoted());
        }
        others.addAll(recorded(target, destination));
        List<Member> members = new ArrayList<>();
        try (PreparedStatement statement = target.prepareStatement(FAMILY)) {
            statement.setString(1, destination.quoted());
            statement.setArray(2, target.createArrayOf("text", others.toArray()));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    members.add(new Member(
                            row.getLong(1), new TableName(row.getString(2), row.getString(3)), row.getBoolean(4)));
                }
            }
        }
        return new Family(members);
    }

    private static List<String> recorded(Connection target, TableName destination) throws SQLException {
        if (!OwnTables.exists(target, "caravan.partition")) {
            return List.of();
        }
        List<String> tables = new ArrayList<>();
        try (PreparedStatement statement = target.prepareStatement(RECORDED)) {
            statement.setString(1, destination.schema());
            statement.setString(2, destination.name());
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    tables.add(row.getString(1));
                }
            }
        }
        return tables;
    }

    boolean hasDestination() {
        return members.stream().anyMatch(Member::below);
    }
}
