package io.pgcaravan.ship.exporter;

import io.pgcaravan.ship.format.Sha256;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * The SQL that prepares databases for shipping tables: what notes changes, and the ledgers of both sides. Each text is a
 * transaction that runs in psql as it is, and does nothing where everything is there already.
 *
 * @param ledger the export ledger
 * @param owner of what is made; null for the table's owner, and for the current user where there is no table
 * @param grantee role that is to do the exports or imports; null for none
 * @param rowTriggers whether a plain table needs triggers for each row, because replication of a foreign kind writes to it
 */
public record Tracking(TableName ledger, String owner, String grantee, boolean rowTriggers) {

    /** {@code caravan.export_set}. */
    public static final TableName LEDGER = new TableName("caravan", "export_set");

    /** Behind a column of the tracking table: whether it notes a TRUNCATE. IS NULL also holds for a composite of NULLs alone. */
    public static final String NULL = " is not distinct from null";

    /** The opposite of {@link #NULL}. */
    public static final String NOT_NULL = " is distinct from null";

    private static final int LONGEST_NAME = 63;

    /** The table, and the function, that note the changes of a table: in its schema, {@code TABLE_dml}. */
    public static TableName tracking(TableName table) {
        return new TableName(table.schema(), fit(table.name(), "_dml"));
    }

    /** A name and an ending within PostgreSQL's 63 bytes; what had to be cut is told apart by a hash. */
    static String fit(String name, String ending) {
        if ((name + ending).getBytes(StandardCharsets.UTF_8).length <= LONGEST_NAME) {
            return name + ending;
        }
        byte[] hash = Sha256.digest().digest(name.getBytes(StandardCharsets.UTF_8));
        String rest = "_" + HexFormat.of().formatHex(hash, 0, 4) + ending;
        StringBuilder cut = new StringBuilder();
        int room = LONGEST_NAME - rest.getBytes(StandardCharsets.UTF_8).length;
        for (int i = 0; i < name.length(); ) {
            int point = name.codePointAt(i);
            String character = Character.toString(point);
            room -= character.getBytes(StandardCharsets.UTF_8).length;
            if (room < 0) {
                break;
            }
            cut.append(character);
            i += character.length();
        }
        return cut + rest;
    }

    /** Makes the export ledger. */
    public String exportTable() {
        return "begin;\n" + settings(null) + exportLedger() + "commit;\n";
    }

    private String exportLedger() {
        StringBuilder sql = new StringBuilder(Sql.file("ship/export-table")
                .replace("'{schema}'", Sql.literal(TableName.quote(ledger.schema())))
                .replace("{schema}", TableName.quote(ledger.schema()))
                .replace("{ledger}", ledger.quoted())
                .replace("{open_index}", TableName.quote(fit(ledger.name(), "_open"))));
        if (owner != null) {
            sql.append("alter table ")
                    .append(ledger.quoted())
                    .append(" owner to ")
                    .append(TableName.quote(owner))
                    .append(";\n");
        }
        grant(sql, ledger.schema(), ledger.quoted());
        return sql.toString();
    }

    private void grant(StringBuilder sql, String schema, String tables) {
        if (grantee != null) {
            sql.append("grant usage on schema ")
                    .append(TableName.quote(schema))
                    .append(" to ")
                    .append(TableName.quote(grantee))
                    .append(";\ngrant select, insert, update, delete on ")
                    .append(tables)
                    .append(" to ")
                    .append(TableName.quote(grantee))
                    .append(";\n");
        }
    }

    /** Lets a table's changes be noted, and makes the export ledger. */
    public String exporter(TableName table) {
        return "begin;\n" + settings(table) + exportLedger() + "\n" + Sql.file("ship/exporter") + "commit;\n";
    }

    /** Brings what an earlier version made for a table up to date, in the connection's transaction, if the table is not busy. */
    String upgrade(TableName table) {
        return settings(table) + "set local lock_timeout = '3s';\n" + Sql.file("ship/exporter");
    }

    /** Permits the import of a table, and makes the import ledger. */
    public String importer(TableName table) {
        StringBuilder sql = new StringBuilder("begin;\n")
                .append(settings(table))
                .append(Sql.file("ship/import-table"))
                .append('\n');
        if (owner != null) {
            for (String name : new String[] {"import_set", "import_history", "dml_import"}) {
                sql.append("alter table caravan.")
                        .append(name)
                        .append(" owner to ")
                        .append(TableName.quote(owner))
                        .append(";\n");
            }
        }
        grant(sql, "caravan", "caravan.import_set, caravan.import_history, caravan.dml_import");
        return sql.append(Sql.file("ship/importer")).append("commit;\n").toString();
    }

    /**
     * Removes all that {@link #exporter} and {@link #importer} made for a table.
     *
     * @param importOnly whether only what the latter made
     */
    public String reset(TableName table, boolean importOnly) {
        StringBuilder sql = new StringBuilder("begin;\n").append(settings(table));
        set(sql, "caravan.import_only", importOnly ? "on" : "off");
        return sql.append(Sql.file("ship/reset")).append("commit;\n").toString();
    }

    private String settings(TableName table) {
        StringBuilder sql = new StringBuilder();
        set(sql, "client_min_messages", "warning");
        // names in messages and in what is executed come with their schemas then
        set(sql, "search_path", "pg_catalog");
        if (table != null) {
            set(sql, "caravan.table_schema", table.schema());
            set(sql, "caravan.table_name", table.name());
            set(sql, "caravan.tracking", tracking(table).name());
            set(sql, "caravan.tracking_index", fit(table.name(), "_dml_xid"));
            set(sql, "caravan.truncation_index", fit(table.name(), "_dml_truncations"));
            for (String event : new String[] {"insert", "update", "key", "delete", "truncate", "row", "replica"}) {
                set(sql, "caravan.trigger_" + event, fit(table.name(), "_dml_" + event));
            }
            set(sql, "caravan.row_triggers", rowTriggers ? "on" : "off");
            set(sql, "caravan.owner", owner == null ? "" : owner);
            set(sql, "caravan.grantee", grantee == null ? "" : grantee);
            set(sql, "caravan.ledger", ledger.quoted());
        }
        return sql.append('\n').toString();
    }

    private static void set(StringBuilder sql, String name, String value) {
        sql.append("set local ")
                .append(name)
                .append(" = ")
                .append(Sql.literal(value))
                .append(";\n");
    }
}
