package io.pgcaravan.check;

import io.pgcaravan.sql.Sql;
import java.nio.charset.Charset;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A trigger that writes a table's rows into the queue.
 *
 * @param table raw, with its schema
 * @param function PgQ's function, without its schema
 * @param enabled pg_trigger.tgenabled
 * @param silent quoted tables (it, or its partitions) whose changes do not fire it
 * @param replicated quoted tables that a subscription writes, whose changes do not fire it
 * @param events pg_trigger.tgtype
 * @param arguments after the queue's name
 * @param columns the table's, by name
 * @param key the columns that events name as their key, in the source's names
 */
record Feeder(
        String trigger,
        String table,
        String function,
        String enabled,
        List<String> silent,
        List<String> replicated,
        int events,
        List<String> arguments,
        Map<String, Column> columns,
        List<String> key) {

    private static final int BEFORE = 2;
    private static final int INSERT = 4;
    private static final int DELETE = 8;
    private static final int UPDATE = 16;
    private static final int TRUNCATE = 32;

    private static final String SQL = Sql.file("check/feeders");

    record Column(String type, boolean notNull) {}

    /** The triggers that feed a queue. */
    static List<Feeder> of(Connection source, String schema, String queue, Charset encoding) throws SQLException {
        List<Feeder> feeders = new ArrayList<>();
        try (PreparedStatement statement = source.prepareStatement(SQL)) {
            statement.setString(1, schema);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    List<String> arguments = List.of(new String(row.getBytes("arguments"), encoding).split("\0"));
                    if (arguments.get(0).equals(queue)) {
                        feeders.add(feeder(row, arguments.subList(1, arguments.size())));
                    }
                }
            }
        }
        return feeders;
    }

    private static Feeder feeder(ResultSet row, List<String> arguments) throws SQLException {
        Map<String, Column> columns = new LinkedHashMap<>();
        List<String> names = strings(row, "names");
        List<String> types = strings(row, "types");
        Boolean[] notNull = (Boolean[]) row.getArray("not_null").getArray();
        List<String> ignored = listed(arguments, "ignore=");
        for (int i = 0; i < names.size(); i++) {
            if (!ignored.contains(names.get(i))) {
                columns.put(names.get(i), new Column(types.get(i), notNull[i]));
            }
        }
        List<String> key = listed(arguments, "pkey=");
        return new Feeder(
                row.getString("trigger"),
                row.getString("schema") + "." + row.getString("table"),
                row.getString("function"),
                row.getString("enabled"),
                strings(row, "silent"),
                strings(row, "replicated"),
                row.getInt("events"),
                List.copyOf(arguments),
                columns,
                key.isEmpty() ? strings(row, "key") : key);
    }

    static List<String> strings(ResultSet row, String column) throws SQLException {
        Array array = row.getArray(column);
        return array == null ? List.of() : List.of((String[]) array.getArray());
    }

    private static List<String> listed(List<String> arguments, String prefix) {
        for (String argument : arguments) {
            if (argument.startsWith(prefix)) {
                return List.of(argument.substring(prefix.length()).split(","));
            }
        }
        return List.of();
    }

    /** Whether updates carry the row as it was. */
    boolean backup() {
        return arguments.contains("backup");
    }

    boolean onInsert() {
        return (events & INSERT) != 0;
    }

    boolean onUpdate() {
        return (events & UPDATE) != 0;
    }

    boolean onDelete() {
        return (events & DELETE) != 0;
    }

    boolean onTruncate() {
        return (events & TRUNCATE) != 0;
    }

    boolean before() {
        return (events & BEFORE) != 0;
    }

    /** What it writes of, for people. */
    String changes() {
        List<String> kinds = new ArrayList<>();
        if (onInsert()) {
            kinds.add("inserts");
        }
        if (onUpdate()) {
            kinds.add("updates" + (backup() ? " (with the old row)" : ""));
        }
        if (onDelete()) {
            kinds.add("deletes");
        }
        if (onTruncate()) {
            kinds.add("truncates");
        }
        int last = kinds.size() - 1;
        return last < 1
                ? String.join("", kinds)
                : String.join(", ", kinds.subList(0, last)) + " and " + kinds.get(last);
    }
}
