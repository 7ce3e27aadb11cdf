package io.pgcaravan.partition;

import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
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
 * @param rowTriggers whether rows must find the parent's triggers, which only an attached partition has
 * @param deferrableConstraints whether checks may be waiting that would forbid ATTACH
 * @param sharedIdentities the identity columns that a partition shares from ATTACH on (PostgreSQL 17), none before
 */
public record Parent(
        Long oid,
        Kind kind,
        TableName table,
        String columnType,
        String equality,
        BoundType boundType,
        int fractionDigits,
        ZoneId sessionZone,
        boolean rowTriggers,
        boolean referencesItself,
        boolean deferrableConstraints,
        List<String> sharedIdentities) {

    public enum Kind {
        /** Natively partitioned: by range of one column, by list or by hash. */
        NATIVE,
        /** A plain table that its partitions inherit from. */
        INHERITING,
        /** No such table: only a template can make partitions. */
        NONE
    }

    private static final String SQL = Sql.file("partition/parent");

    /** Reads the table and refuses one that the settings cannot partition. */
    public static Parent read(Connection target, PartitionSettings settings) throws SQLException {
        return read(target, settings, true);
    }

    /** @param checked whether to refuse a table that the settings cannot partition */
    public static Parent read(Connection target, PartitionSettings settings, boolean checked) throws SQLException {
        try (PreparedStatement select = target.prepareStatement(SQL)) {
            select.setString(1, settings.destTable().quoted());
            select.setString(2, settings.partField());
            try (ResultSet row = select.executeQuery()) {
                row.next();
                return fit(row, settings, checked);
            }
        }
    }

    private static Parent fit(ResultSet row, PartitionSettings settings, boolean checked) throws SQLException {
        Long oid = row.getObject("oid", Long.class);
        String schema = row.getString("schema");
        if (settings.destTable().schema() != null) {
            schema = settings.destTable().schema();
        }
        TableName table = new TableName(schema, settings.destTable().name());
        ZoneId sessionZone = zone(row.getString("session_time_zone"));
        if (oid == null) {
            if (settings.partTemplate() == null && settings.partFunc() == null) {
                throw new PartitionException(
                        "There is no table " + settings.destTable() + " on the target, so its partitions cannot be made"
                                + " like it: create it (partitioned, or plain), or set partTemplate to the SQL"
                                + " that makes a partition",
                        "42P01");
            }
            return new Parent(
                    null, Kind.NONE, table, null, null, BoundType.NONE, 6, sessionZone, false, false, false, List.of());
        }
        String kind = row.getString("kind");
        BoundType type = boundType(row.getString("column_type"));
        int typmod = row.getInt("column_typmod");
        Parent parent = new Parent(
                oid,
                kind.equals("p") ? Kind.NATIVE : Kind.INHERITING,
                table,
                row.getString("column_definition"),
                row.getString("column_equality"),
                type,
                type == BoundType.NONE || typmod < 0 ? 6 : typmod,
                sessionZone,
                row.getBoolean("row_triggers"),
                row.getBoolean("references_itself"),
                row.getBoolean("deferrable_constraints"),
                List.of((String[]) row.getArray("shared_identities").getArray()));
        if (!checked) {
            return parent;
        }
        switch (kind) {
            case "p" -> refuseUnfitNative(row, settings, parent);
            case "r" -> {}
            default ->
                throw new PartitionException(
                        table + " is no table that can have partitions (relkind " + kind
                                + "): dispatch into a plain or a natively partitioned table",
                        "42809");
        }
        if (type == BoundType.DATE
                && settings.period() == Period.HOUR
                && settings.partMode().dated()) {
            throw new PartitionException(
                    "period = hour: column \"" + settings.partField() + "\" of " + table
                            + " is a date, which has no hours; use day or longer",
                    "42P17");
        }
        return parent;
    }

    private static void refuseUnfitNative(ResultSet row, PartitionSettings settings, Parent parent)
            throws SQLException {
        String strategy = row.getString("strategy");
        int keyColumns = row.getInt("key_columns");
        String keyColumn = row.getString("key_column");
        if (settings.partMode() == PartMode.HASH) {
            refuseUnfitHash(parent, strategy, keyColumns, keyColumn, settings.partField());
            return;
        }
        String wanted = settings.partMode() == PartMode.LIST ? "l" : "r";
        if (!strategy.equals(wanted) || keyColumns != 1 || keyColumn == null) {
            throw new PartitionException(
                    parent.table() + " is partitioned by " + found(strategy, keyColumns, keyColumn)
                            + (wanted.equals("r")
                                    ? "; period needs a table that is partitioned by range of one column"
                                    : "; partMode = list needs a table that is partitioned by list of one column"),
                    "42P17");
        }
        if (!keyColumn.equals(settings.partField())) {
            throw new PartitionException(
                    parent.table() + " is partitioned by its column \"" + keyColumn + "\", but the job places rows by "
                            + (settings.partField() == null
                                    ? settings.partMode()
                                    : "column \"" + settings.partField() + "\"")
                            + ", so rows would not fit their partitions: set partField = " + keyColumn,
                    "42P17");
        }
        if (wanted.equals("r") && parent.boundType() == BoundType.NONE) {
            throw new PartitionException(
                    "Column \"" + keyColumn + "\", which partitions " + parent.table() + ", is of type "
                            + row.getString("column_type")
                            + "; period needs date, timestamp or timestamp with time zone",
                    "42P17");
        }
    }

    private static void refuseUnfitHash(
            Parent parent, String strategy, int keyColumns, String keyColumn, String partField)
            throws PartitionException {
        if (!strategy.equals("h")) {
            throw new PartitionException(
                    parent.table() + " is partitioned by " + found(strategy, keyColumns, keyColumn)
                            + "; partMode = hash needs a table that is partitioned by hash",
                    "42P17");
        }
        if (keyColumns == 1 && keyColumn != null && !keyColumn.equals(partField)) {
            throw new PartitionException(
                    parent.table() + " is partitioned by hash of its column \"" + keyColumn + "\", and the job says \""
                            + partField + "\": set partField = " + keyColumn,
                    "42P17");
        }
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

    public static BoundType boundType(String type) {
        if (type == null) {
            return BoundType.NONE;
        }
        return switch (type) {
            case "date" -> BoundType.DATE;
            case "timestamp without time zone" -> BoundType.TIMESTAMP;
            case "timestamp with time zone" -> BoundType.TIMESTAMPTZ;
            default -> BoundType.NONE;
        };
    }

    private static ZoneId zone(String name) {
        try {
            return ZoneId.of(name);
        } catch (DateTimeException posixOrUnknown) {
            return null;
        }
    }
}
