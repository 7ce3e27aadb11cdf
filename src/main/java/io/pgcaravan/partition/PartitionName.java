package io.pgcaravan.partition;

import io.pgcaravan.row.Digests;
import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.temporal.IsoFields;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How partitions are named: a text with londiste's variables, {@code %(parent)s_%(year)s_%(month)s_%(day)s}. Equal for all
 * partitions of a job is what is before the first dot, the schema; without one it is the parent's.
 */
record PartitionName(String template) {

    private static final Pattern VARIABLE = Pattern.compile("%\\((\\w+)\\)s|%%");

    /** Letters, digits and underscores of ASCII: they mean the same in every encoding and on every system. */
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_]+");

    /** What a name ends in that was made of another value. */
    private static final Pattern LOOKS_HASHED = Pattern.compile("(?:.*_)?[0-9a-f]{8}");

    /** The name of NULL's partition, which no value's is. */
    private static final String NULL = "null";

    /** With the underscore before it. */
    static final int HASH_LENGTH = 9;

    static PartitionName of(PartMode mode, Period period) {
        // 2026_w53: a week's year is the week's, not the day's
        return new PartitionName("%(parent)s_"
                + String.join("_", variables(needed(mode, period))).replace("%(week)s", "w%(week)s"));
    }

    /** What tells partitions apart. */
    private static List<String> needed(PartMode mode, Period period) {
        return switch (mode) {
            case LIST -> List.of("value");
            case HASH -> List.of("remainder");
            default ->
                switch (period) {
                    case HOUR -> List.of("year", "month", "day", "hour");
                    case DAY -> List.of("year", "month", "day");
                    case WEEK -> List.of("year", "week");
                    case MONTH -> List.of("year", "month");
                    case YEAR -> List.of("year");
                };
        };
    }

    private static List<String> variables(List<String> names) {
        return names.stream().map(name -> "%(" + name + ")s").toList();
    }

    private static String listed(List<String> names) {
        return String.join(", ", variables(names));
    }

    /** What is wrong with the template for such partitions: two of them must not get one name. */
    List<String> problems(PartMode mode, Period period) {
        List<String> problems = new ArrayList<>();
        List<String> needed = needed(mode, period);
        List<String> allowed = new ArrayList<>(List.of("parent", "schema", "table"));
        allowed.addAll(mode.dated() ? List.of("year", "month", "day", "hour", "week") : needed);
        List<String> found = VARIABLE.matcher(template)
                .results()
                .map(variable -> variable.group(1))
                .filter(Objects::nonNull)
                .toList();
        for (String name : found) {
            if (!allowed.contains(name)) {
                problems.add("partName: %(" + name + ")s is unknown; allowed are " + listed(allowed));
            }
        }
        if (VARIABLE.matcher(template).replaceAll("").indexOf('%') >= 0) {
            problems.add("partName = " + template
                    + ": a % that starts no variable; write %(year)s, and %% for a percent sign");
        }
        if (!found.containsAll(needed)) {
            problems.add("partName = " + template + ": needs " + listed(needed) + ", or several partitions of "
                    + (mode.dated() ? "period = " + period : "partMode = " + mode) + " would get one name");
        }
        return problems;
    }

    /** A name of the usual length, without its schema; of a value, what is always there. */
    String example(TableName destTable, PartMode mode, int partitions) {
        TableName parent = new TableName("schema", destTable.name());
        Map<String, String> values =
                switch (mode) {
                    case LIST -> Map.of("value", "");
                    case HASH -> Map.of("remainder", Integer.toString(Math.max(0, partitions - 1)));
                    default -> Map.of("year", "2026", "month", "10", "day", "02", "hour", "05", "week", "40");
                };
        return expand(destTable, parent, values).name();
    }

    TableName ofPeriod(PartitionSettings settings, TableName parent, LocalDateTime start) {
        boolean week = settings.period() == Period.WEEK;
        int year = week ? start.get(IsoFields.WEEK_BASED_YEAR) : start.getYear();
        return expand(
                settings.destTable(),
                parent,
                Map.of(
                        "year", "%04d".formatted(year),
                        "month", "%02d".formatted(start.getMonthValue()),
                        "day", "%02d".formatted(start.getDayOfMonth()),
                        "hour", "%02d".formatted(start.getHour()),
                        "week", "%02d".formatted(start.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR))));
    }

    /** Of as many digits as the last remainder has, so that names sort as numbers do. */
    TableName ofRemainder(PartitionSettings settings, TableName parent, int remainder) {
        int digits = Integer.toString(settings.partitions() - 1).length();
        return expand(settings.destTable(), parent, Map.of("remainder", ("%0" + digits + "d").formatted(remainder)));
    }

    /**
     * A value's name: the value itself where it is plain, else what is plain of it and the start of its SHA-256.
     *
     * @param value null for NULL
     */
    TableName ofValue(PartitionSettings settings, TableName parent, String value) {
        TableName destTable = settings.destTable();
        if (value == null) {
            return expand(destTable, parent, Map.of("value", NULL));
        }
        TableName plain = expand(destTable, parent, Map.of("value", value));
        if (PLAIN.matcher(value).matches()
                && !value.equals(NULL)
                && !LOOKS_HASHED.matcher(value).matches()
                && bytes(plain) <= PartitionSettings.MAX_NAME_BYTES) {
            return plain;
        }
        int fixed = bytes(expand(destTable, parent, Map.of("value", "")));
        int room = Math.max(0, PartitionSettings.MAX_NAME_BYTES - fixed - HASH_LENGTH);
        String start = value.replaceAll("[^A-Za-z0-9_]", "_").substring(0, Math.min(value.length(), room));
        return expand(
                destTable,
                parent,
                Map.of("value", start + "_" + Digests.sha256(value).substring(0, HASH_LENGTH - 1)));
    }

    private static int bytes(TableName table) {
        return table.name().getBytes(StandardCharsets.UTF_8).length;
    }

    private TableName expand(TableName raw, TableName parent, Map<String, String> values) {
        Map<String, String> all = new LinkedHashMap<>(values);
        all.put("parent", raw.toString());
        all.put("table", raw.name());
        all.put("schema", parent.schema());
        String name = VARIABLE.matcher(template)
                .replaceAll(variable -> Matcher.quoteReplacement(
                        variable.group(1) == null
                                ? "%"
                                : String.valueOf(all.getOrDefault(variable.group(1), variable.group()))));
        TableName made = TableName.parse(name);
        return made.schema() == null ? new TableName(parent.schema(), made.name()) : made;
    }

    @Override
    public String toString() {
        return template;
    }
}
