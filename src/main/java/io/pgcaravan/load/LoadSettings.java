package io.pgcaravan.load;

import io.pgcaravan.sql.TableName;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;

/**
 * How a step loads rows. Refused as a whole: the constructor's error lists every problem.
 *
 * @param table the destination table; rows that the partition step placed go to their partition instead
 * @param key columns that find a row where the event names no key; empty where every event does, or none is needed
 * @param onTruncate null for what {@linkplain OnTruncate#suiting suits} the row mode
 * @param analyze whether the tables that a batch wrote to are analyzed at its end
 * @param binary whether COPY's binary format may be used where it takes all of a table's columns
 */
public record LoadSettings(
        TableName table,
        RowMode rowMode,
        List<String> key,
        OnUnknownColumn onUnknownColumn,
        OnTruncate onTruncate,
        boolean binary,
        boolean analyze) {

    public LoadSettings {
        List<String> problems = new ArrayList<>();
        if (table == null || table.name().isBlank()) {
            problems.add("destTable: missing; give a table's name, or schema.name");
        }
        if (rowMode == null) {
            problems.add("rowMode: missing; allowed are append, keep_all, keep_latest and plain");
        }
        if (onUnknownColumn == null) {
            problems.add("onUnknownColumn: missing; allowed are fail and ignore");
        }
        key = key == null ? List.of() : List.copyOf(key);
        if (key.stream().anyMatch(String::isBlank)) {
            problems.add("key: " + key + " has an empty column name; give column names, comma separated");
        }
        if (new HashSet<>(key).size() < key.size()) {
            problems.add("key: " + key + " names a column twice");
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", problems));
        }
        if (onTruncate == null) {
            onTruncate = OnTruncate.suiting(rowMode);
        }
    }

    /** Settings with the defaults: unknown columns fail, truncation as it suits the row mode, binary COPY where possible. */
    public static LoadSettings of(String table, RowMode rowMode, String... key) {
        return new LoadSettings(TableName.parse(table), rowMode, List.of(key), OnUnknownColumn.FAIL, null, true, false);
    }

    /**
     * Reads the settings as people write them; null or blank means the default.
     *
     * @param key comma separated column names
     * @throws IllegalArgumentException listing every problem: setting, value, what is allowed
     */
    public static LoadSettings parse(
            String table,
            String rowMode,
            String key,
            String onUnknownColumn,
            String onTruncate,
            boolean binary,
            boolean analyze) {
        List<String> problems = new ArrayList<>();
        RowMode mode = choice("rowMode", rowMode, RowMode.APPEND, RowMode.values(), problems);
        OnUnknownColumn unknown =
                choice("onUnknownColumn", onUnknownColumn, OnUnknownColumn.FAIL, OnUnknownColumn.values(), problems);
        OnTruncate truncate = choice("onTruncate", onTruncate, null, OnTruncate.values(), problems);
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(
                    "load settings of " + table + " are wrong:\n  - " + String.join("\n  - ", problems));
        }
        List<String> columns =
                key == null || key.isBlank() ? List.of() : List.of(key.strip().split("\\s*,\\s*", -1));
        return new LoadSettings(TableName.parse(table), mode, columns, unknown, truncate, binary, analyze);
    }

    private static <E extends Enum<E>> E choice(
            String setting, String text, E preset, E[] allowed, List<String> problems) {
        if (text == null || text.isBlank()) {
            return preset;
        }
        List<String> names = new ArrayList<>();
        for (E value : allowed) {
            String name = value.name().toLowerCase(Locale.ROOT);
            if (name.equals(text.strip())) {
                return value;
            }
            names.add(name);
        }
        problems.add(setting + " = " + text + ": must be one of " + String.join(", ", names));
        return preset;
    }
}
