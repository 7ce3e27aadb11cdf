package io.pgcaravan.partition;

import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Makes the tables of new partitions: from a template, by a function, or like their parent. */
final class TableMaker {

    /** Lets ATTACH see without a scan that every row is inside the bounds. */
    static final String BOUNDS = "\"pgcaravan_bounds\"";

    private static final String LIKENESS = Sql.file("partition/likeness");
    private static final String STORAGE = Sql.file("partition/storage");
    private static final String REPLICA_IDENTITY = Sql.file("partition/replica-identity");
    private static final String RECORD = Sql.file("partition/record");

    private final PartitionSettings settings;
    private final Parent parent;

    TableMaker(PartitionSettings settings, Parent parent) {
        this.settings = settings;
        this.parent = parent;
    }

    /**
     * @param attachFirst whether they are attached before rows come, so that they need no CHECK of their bounds
     * @param indexesLast as in {@link PartitionMaker.Made}
     */
    void make(Connection target, List<Place> missing, boolean attachFirst, boolean indexesLast) throws SQLException {
        runTemplate(target, settings.prePart(), missing);
        if (settings.partTemplate() != null) {
            runTemplate(target, settings.partTemplate(), missing);
        } else if (settings.partFunc() != null) {
            callFunction(target, missing);
        } else {
            makeLikeParent(target, missing, attachFirst, indexesLast);
        }
        runTemplate(target, settings.postPart(), missing);
    }

    private void runTemplate(Connection target, PartitionTemplate template, List<Place> missing) throws SQLException {
        if (template != null) {
            Ddl.run(
                    target,
                    missing.stream()
                            .map(place -> template.expand(values(place)))
                            .toList());
        }
    }

    private PartitionTemplate.Values values(Place place) {
        TableName named = place.named.table();
        // as people name the table: with its schema where they write one
        boolean qualified = settings.destTable().schema() != null
                || !named.schema().equals(parent.table().schema());
        return new PartitionTemplate.Values(
                named,
                parent.table(),
                qualified ? named : new TableName(null, named.name()),
                place.key,
                settings.partField(),
                place.fromTime == null ? null : localStart(place),
                settings.period());
    }

    private String localStart(Place place) {
        return BoundType.TIMESTAMP.literal(
                java.time.LocalDateTime.ofInstant(place.fromTime, settings.timeZone()), settings.timeZone());
    }

    /** With londiste's arguments for create_partition: parent, partition, key columns, column, time, period. */
    private void callFunction(Connection target, List<Place> missing) throws SQLException {
        String call = "select " + settings.partFunc().quoted() + "(?, ?, ?, ?, ?, ?)";
        for (Place place : missing) {
            try (PreparedStatement function = target.prepareStatement(call)) {
                String[] arguments = {
                    parent.table().toString(),
                    place.named.table().toString(),
                    String.join(",", place.key),
                    settings.partField(),
                    place.fromTime == null ? null : localStart(place),
                    settings.partMode().dated() ? settings.period().toString() : null
                };
                for (int i = 0; i < arguments.length; i++) {
                    // without a type, so that the function's own types count
                    function.setObject(i + 1, arguments[i], java.sql.Types.OTHER);
                }
                function.execute();
            } catch (SQLException e) {
                throw new SQLException(
                        "partFunc " + settings.partFunc()
                                + "(parent, partition, key columns, partField, time, period) for " + place.named + ": "
                                + e.getMessage(),
                        e.getSQLState(),
                        e);
            }
        }
    }

    private void makeLikeParent(Connection target, List<Place> missing, boolean attachFirst, boolean indexesLast)
            throws SQLException {
        String persistence;
        String clauses;
        boolean replicaIdentityIndex;
        try (PreparedStatement select = target.prepareStatement(STORAGE)) {
            select.setLong(1, parent.oid());
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    throw new PartitionException(parent.table() + " is gone", "42P01");
                }
                persistence = row.getString("persistence");
                clauses = row.getString("clauses");
                replicaIdentityIndex = row.getBoolean("replica_identity_index");
            }
        }
        List<String[]> likeness = new ArrayList<>();
        try (PreparedStatement select = target.prepareStatement(LIKENESS)) {
            select.setBoolean(1, parent.kind() == Parent.Kind.NATIVE);
            select.setLong(2, parent.oid());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    likeness.add(new String[] {row.getString("before"), row.getString("after")});
                }
            }
        }
        boolean withoutIndexes = indexesLast
                && !attachFirst
                && !replicaIdentityIndex
                && settings.prePart() == null
                && settings.postPart() == null;
        List<String> statements = new ArrayList<>();
        for (Place place : missing) {
            String table = place.named.table().quoted();
            statements.add(
                    "create " + persistence + "table " + table + body(place, attachFirst, withoutIndexes) + clauses);
            for (String[] around : likeness) {
                statements.add(around[0] + table + around[1]);
            }
        }
        Ddl.run(target, statements);
        if (replicaIdentityIndex) {
            identifyForReplication(target, missing);
        }
    }

    private String body(Place place, boolean attachFirst, boolean withoutIndexes) {
        String check = canCheck() ? "constraint " + BOUNDS + " check (" + place.within(settings) + ")" : "";
        return parent.kind() == Parent.Kind.NATIVE
                // an identity column of the partition's own would count apart, and version 17 would not attach it
                ? " (like " + parent.table().quoted() + " including all excluding identity"
                        + (withoutIndexes ? " excluding indexes" : "")
                        + (attachFirst ? ")" : ", " + check + ")")
                : " (" + check + ") inherits (" + parent.table().quoted() + ")";
    }

    /** Whether PostgreSQL can check what a partition takes. */
    private boolean canCheck() {
        return switch (settings.partMode()) {
            case LIST -> parent.columnType() != null;
            case HASH -> false;
            default -> parent.boundType() != BoundType.NONE;
        };
    }

    private void identifyForReplication(Connection target, List<Place> missing) throws SQLException {
        List<String> statements = new ArrayList<>();
        try (PreparedStatement select = target.prepareStatement(REPLICA_IDENTITY)) {
            select.setString(1, Place.schema(missing));
            select.setArray(2, Place.names(target, missing));
            select.setLong(3, parent.oid());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    statements.add(row.getString(1));
                }
            }
        }
        Ddl.run(target, statements);
    }

    /** Notes what was made, for retention. */
    void record(Connection target, List<Place> missing) throws SQLException {
        try (PreparedStatement insert = target.prepareStatement(RECORD)) {
            insert.setString(1, parent.table().schema());
            insert.setString(2, parent.table().name());
            insert.setString(3, Place.schema(missing));
            insert.setArray(4, Place.names(target, missing));
            insert.setArray(
                    5,
                    target.createArrayOf(
                            "text",
                            missing.stream()
                                    .map(place -> place.fromTime == null ? "-infinity" : place.fromTime.toString())
                                    .toArray()));
            insert.setArray(
                    6,
                    target.createArrayOf(
                            "text",
                            missing.stream()
                                    .map(place -> place.toTime == null ? "infinity" : place.toTime.toString())
                                    .toArray()));
            insert.executeUpdate();
        }
    }
}
