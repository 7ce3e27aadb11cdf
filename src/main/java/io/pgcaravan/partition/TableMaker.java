package io.pgcaravan.partition;

import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

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
     * @param indexesLast as in {@link MadePartitions}
     */
    void make(Connection target, List<Place> missing, boolean attachFirst, boolean indexesLast) throws SQLException {
        runTemplate(target, settings.prePart(), missing);
        if (!settings.makesOwnTables()) {
            makeLikeParent(target, missing, attachFirst, indexesLast);
        } else if (settings.partFunc() != null) {
            callFunction(target, missing);
        } else {
            runTemplate(target, settings.partTemplate(), missing);
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
                localStart(place),
                settings.period());
    }

    /** Null where the partition is not by date. */
    private String localStart(Place place) {
        return place.fromTime == null
                ? null
                : BoundType.TIMESTAMP.literal(
                        LocalDateTime.ofInstant(place.fromTime, settings.timeZone()), settings.timeZone());
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
                    localStart(place),
                    settings.partMode().dated() ? settings.period().toString() : null
                };
                for (int i = 0; i < arguments.length; i++) {
                    // without a type, so that the function's own types count
                    function.setObject(i + 1, arguments[i], Types.OTHER);
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

    /** The clauses of CREATE TABLE that say how the parent is stored. */
    private record Storage(String persistence, String clauses, boolean replicaIdentityIndex) {}

    private void makeLikeParent(Connection target, List<Place> missing, boolean attachFirst, boolean indexesLast)
            throws SQLException {
        Storage storage = Query.first(
                target,
                STORAGE,
                row -> new Storage(row.getString(1), row.getString(2), row.getBoolean(3)),
                parent.oid());
        if (storage == null) {
            throw new PartitionException("Table " + parent.table() + " was dropped", "42P01");
        }
        List<String[]> likeness = Query.all(
                target,
                LIKENESS,
                row -> new String[] {row.getString("before"), row.getString("after")},
                parent.isNative(),
                parent.oid());
        boolean withoutIndexes = indexesLast
                && !attachFirst
                && !storage.replicaIdentityIndex
                && settings.prePart() == null
                && settings.postPart() == null;
        List<String> statements = new ArrayList<>();
        for (Place place : missing) {
            String table = place.named.table().quoted();
            statements.add("create " + storage.persistence + "table " + table + body(place, attachFirst, withoutIndexes)
                    + storage.clauses);
            for (String[] around : likeness) {
                statements.add(around[0] + table + around[1]);
            }
        }
        Ddl.run(target, statements);
        if (storage.replicaIdentityIndex) {
            Ddl.run(
                    target,
                    Query.all(
                            target,
                            REPLICA_IDENTITY,
                            row -> row.getString(1),
                            Place.schema(missing),
                            Place.names(missing),
                            parent.oid()));
        }
    }

    private String body(Place place, boolean attachFirst, boolean withoutIndexes) {
        String check = canCheck() ? "constraint " + BOUNDS + " check (" + place.within(settings) + ")" : "";
        return parent.isNative()
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

    /** Notes what was made, for retention. */
    void record(Connection target, List<Place> missing) throws SQLException {
        Query.update(
                target,
                RECORD,
                parent.table(),
                Place.schema(missing),
                Place.names(missing),
                missing.stream()
                        .map(place -> Objects.toString(place.fromTime, "-infinity"))
                        .toArray(String[]::new),
                missing.stream()
                        .map(place -> Objects.toString(place.toTime, "infinity"))
                        .toArray(String[]::new));
    }
}
