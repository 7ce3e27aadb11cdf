package io.pgcaravan.load;

import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Everywhere rows of a destination table can be: the table, what inherits from it or is attached to it, the partitions
 * on record, and those that the batch made and that are not attached yet.
 */
record Family(List<Member> members) {

    private static final String FAMILY = Sql.file("target/family");
    private static final String RECORDED = Sql.file("target/recorded");
    private static final String REFERENCES = Sql.file("target/references");

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

    /**
     * The statement that empties the tables. TRUNCATE refuses those that others refer to, even where these are emptied in the same
     * transaction, and those with checks waiting: there it is DELETE, with the foreign keys checked when the batch commits.
     *
     * @throws SQLException where a foreign key would take rows of other tables along
     */
    String emptying(Connection target) throws SQLException {
        Array oids =
                target.createArrayOf("bigint", members.stream().map(Member::oid).toArray());
        StringBuilder deferred = new StringBuilder();
        boolean truncatable = true;
        try (PreparedStatement statement = target.prepareStatement(REFERENCES)) {
            for (int i = 1; i <= 3; i++) {
                statement.setArray(i, oids);
            }
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    truncatable = false;
                    String name = row.getString("name");
                    if (row.getBoolean("cascades") || !row.getBoolean("deferrable")) {
                        throw new SQLException(
                                "foreign key " + name + " of table " + row.getString("table")
                                        + (row.getBoolean("cascades")
                                                ? " would change that table's rows too; make it one without an action on delete,"
                                                        + " deferrable initially deferred"
                                                : " refers to it; alter table " + row.getString("table")
                                                        + " alter constraint ... deferrable initially deferred"),
                                "55000");
                    }
                    if (name != null) {
                        deferred.append("set constraints ").append(name).append(" deferred; ");
                    }
                }
            }
        }
        String between = truncatable ? ", " : "; delete from only ";
        return (truncatable ? "truncate " : deferred + "delete from only ")
                + members.stream().map(member -> member.table().quoted()).collect(Collectors.joining(between));
    }

    boolean hasDestination() {
        return members.stream().anyMatch(Member::below);
    }
}
