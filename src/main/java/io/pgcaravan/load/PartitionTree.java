package io.pgcaravan.load;

import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Everywhere rows of a destination table can be: the table, what inherits from it or is attached to it, the partitions
 * on record, and those that the batch made and that are not attached yet.
 */
record PartitionTree(List<Member> members) {

    private static final String TREE = Sql.file("target/partition-tree");
    private static final String RECORDED = Sql.file("target/recorded");
    private static final String REFERENCES = Sql.file("target/references");

    /** @param below whether a query on the destination table sees this table's rows */
    record Member(long oid, TableName table, boolean below) {}

    /** @param touched tables of this batch, existing or not */
    static PartitionTree of(Connection target, TableName destination, Collection<TableName> touched)
            throws SQLException {
        Set<String> others = new LinkedHashSet<>();
        touched.forEach(table -> others.add(table.quoted()));
        if (OwnTables.exists(target, "caravan.partition")) {
            others.addAll(Query.all(target, RECORDED, row -> row.getString(1), destination));
        }
        return new PartitionTree(Query.all(
                target,
                TREE,
                row -> new Member(row.getLong(1), new TableName(row.getString(2), row.getString(3)), row.getBoolean(4)),
                destination.quoted(),
                others.toArray(String[]::new)));
    }

    /**
     * The statement that empties the tables. TRUNCATE refuses those that others refer to, even where these are emptied in the same
     * transaction, and those with checks waiting: there it is DELETE, with the foreign keys checked when the batch commits.
     *
     * @throws SQLException where a foreign key would take rows of other tables along
     */
    String emptying(Connection target) throws SQLException {
        Object oids = members.stream().map(Member::oid).toArray(Long[]::new);
        List<String> deferred = Query.all(target, REFERENCES, PartitionTree::deferring, oids, oids, oids);
        String between = deferred.isEmpty() ? ", " : "; delete from only ";
        return (deferred.isEmpty() ? "truncate " : String.join("", deferred) + "delete from only ")
                + members.stream().map(member -> member.table().quoted()).collect(Collectors.joining(between));
    }

    /** The statement that lets a reference wait; empty where it is no foreign key. */
    private static String deferring(ResultSet row) throws SQLException {
        String name = row.getString("name");
        String table = row.getString("table");
        if (row.getBoolean("cascades")) {
            throw new SQLException(
                    "foreign key " + name + " of table " + table + " would change that table's rows too; make it one"
                            + " without an action on delete, deferrable initially deferred",
                    "55000");
        }
        if (!row.getBoolean("deferrable")) {
            throw new SQLException(
                    "foreign key " + name + " of table " + table + " refers to it; alter table " + table
                            + " alter constraint ... deferrable initially deferred",
                    "55000");
        }
        return name == null ? "" : "set constraints " + name + " deferred; ";
    }

    boolean hasDestination() {
        return members.stream().anyMatch(Member::below);
    }
}
