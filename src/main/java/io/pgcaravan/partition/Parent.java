package io.pgcaravan.partition;

import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.List;

/**
 * The destination table as the target's catalog has it.
 *
 * @param oid null where there is no such table
 * @param table with its schema; where there is no such table, with the schema its partitions are made in
 * @param columnType SQL name of the type, with modifiers, of the column that places rows; null where it is no column
 *     of the table
 * @param equality the operator by which its values are equal, qualified; null like the type
 * @param boundType of the column that places rows; {@link BoundType#NONE} where it is no column of the table
 * @param fractionDigits how many digits of a second the column keeps, 0 to 6
 * @param sessionZone what a timestamptz without an offset means in this session; null where Java cannot say
 * @param hasDefault whether one of its partitions takes what no other does
 * @param rowTriggers whether rows must find the parent's triggers, which only an attached partition has
 * @param deferrableConstraints whether checks may be waiting that would forbid ATTACH
 * @param sharedIdentities the identity columns that a partition shares from ATTACH on (PostgreSQL 17), none before
 */
public record Parent(
        Long oid,
        Partitioning partitioning,
        TableName table,
        String columnType,
        String equality,
        BoundType boundType,
        int fractionDigits,
        ZoneId sessionZone,
        boolean hasDefault,
        boolean rowTriggers,
        boolean referencesItself,
        boolean deferrableConstraints,
        List<String> sharedIdentities) {

    public enum Partitioning {
        /** Natively partitioned: by range of one column, by list or by hash. */
        NATIVE,
        /** A plain table that its partitions inherit from. */
        INHERITING,
        /** No such table: only a template can make partitions. */
        NONE;

        private static Partitioning of(String relkind) {
            return relkind == null ? NONE : relkind.equals("p") ? NATIVE : INHERITING;
        }
    }

    private static final String SQL = Sql.file("partition/parent");

    /** Reads the table and refuses one that the settings cannot partition. */
    public static Parent read(Connection target, PartitionSettings settings) throws SQLException {
        return read(target, settings, true);
    }

    /** @param checked whether to refuse a table that the settings cannot partition */
    public static Parent read(Connection target, PartitionSettings settings, boolean checked) throws SQLException {
        return Query.first(
                target,
                SQL,
                row -> fit(row, settings, checked),
                settings.destTable().quoted(),
                settings.partField());
    }

    private static Parent fit(ResultSet row, PartitionSettings settings, boolean checked) throws SQLException {
        TableName dest = settings.destTable();
        TableName table = new TableName(dest.schema() != null ? dest.schema() : row.getString("schema"), dest.name());
        ZoneId sessionZone = zone(row.getString("session_time_zone"));
        // everything but the schema is null, false or empty where there is no such table
        String kind = row.getString("kind");
        if (kind == null && !settings.makesOwnTables()) {
            throw new PartitionException(
                    "There is no table " + dest + " on the target, so its partitions cannot be made like it: create"
                            + " it (partitioned, or plain), or set partTemplate to the SQL that makes a partition",
                    "42P01");
        }
        BoundType type = BoundType.of(row.getString("column_type"));
        int typmod = row.getInt("column_typmod");
        Parent parent = new Parent(
                row.getObject("oid", Long.class),
                Partitioning.of(kind),
                table,
                row.getString("column_definition"),
                row.getString("column_equality"),
                type,
                type == BoundType.NONE || typmod < 0 ? 6 : typmod,
                sessionZone,
                row.getObject("default_partition") != null,
                row.getBoolean("row_triggers"),
                row.getBoolean("references_itself"),
                row.getBoolean("deferrable_constraints"),
                List.of((String[]) row.getArray("shared_identities").getArray()));
        if (checked && kind != null) {
            parent.refuseUnfit(row, kind, settings);
        }
        return parent;
    }

    private void refuseUnfit(ResultSet row, String relkind, PartitionSettings settings) throws SQLException {
        if (isNative()) {
            refuseUnfitNative(row, settings);
        } else if (!relkind.equals("r")) {
            throw new PartitionException(
                    table + " cannot have partitions (relkind " + relkind
                            + "): dispatch into a plain or a natively partitioned table",
                    "42809");
        }
        if (boundType == BoundType.DATE
                && settings.period() == Period.HOUR
                && settings.partMode().dated()) {
            throw unfit("period = hour: column \"" + settings.partField() + "\" of " + table
                    + " is a date, which has no hours; use day or longer");
        }
    }

    private void refuseUnfitNative(ResultSet row, PartitionSettings settings) throws SQLException {
        String strategy = row.getString("strategy");
        int keyColumns = row.getInt("key_columns");
        String keyColumn = row.getString("key_column");
        PartMode mode = settings.partMode();
        String wanted = mode == PartMode.HASH ? "h" : mode == PartMode.LIST ? "l" : "r";
        boolean anyKey = mode == PartMode.HASH;
        if (!strategy.equals(wanted) || !anyKey && (keyColumns != 1 || keyColumn == null)) {
            throw unfit(table + " is partitioned by " + found(strategy, keyColumns, keyColumn) + "; "
                    + switch (wanted) {
                        case "h" -> "partMode = hash needs a table that is partitioned by hash";
                        case "l" -> "partMode = list needs a table that is partitioned by list of one column";
                        default -> "period needs a table that is partitioned by range of one column";
                    });
        }
        if (keyColumns == 1 && keyColumn != null && !keyColumn.equals(settings.partField())) {
            String placing = settings.partField() == null ? mode.toString() : "column \"" + settings.partField() + "\"";
            throw unfit(table + " is partitioned by its column \"" + keyColumn + "\", but the job places rows by "
                    + placing + ", so rows would not fit their partitions: set partField = " + keyColumn);
        }
        if (wanted.equals("r") && boundType == BoundType.NONE) {
            throw unfit("Column \"" + keyColumn + "\", which partitions " + table + ", is of type "
                    + row.getString("column_type")
                    + "; period needs date, timestamp or timestamp with time zone");
        }
    }

    private static PartitionException unfit(String message) {
        return new PartitionException(message, "42P17");
    }

    private static String found(String strategy, int keyColumns, String keyColumn) {
        return switch (strategy) {
            case "l" -> "list";
            case "h" -> "hash";
            default ->
                keyColumns > 1
                        ? "range of " + keyColumns + " columns"
                        : keyColumn == null ? "range of an expression" : "range of column \"" + keyColumn + "\"";
        };
    }

    public boolean isNative() {
        return partitioning == Partitioning.NATIVE;
    }

    /** Whether every partition hangs below it: a template or function may make tables that do not inherit. */
    boolean hasAllPartitionsOf(PartitionSettings settings) {
        return isNative() || partitioning == Partitioning.INHERITING && !settings.makesOwnTables();
    }

    private static ZoneId zone(String name) {
        try {
            return ZoneId.of(name);
        } catch (DateTimeException posixOrUnknown) {
            return null;
        }
    }
}
