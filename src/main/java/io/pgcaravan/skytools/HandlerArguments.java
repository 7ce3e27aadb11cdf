package io.pgcaravan.skytools;

import io.pgcaravan.database.Spelling;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The arguments of londiste's dispatch handler, or queue_loader's keys for one table, as options of the steps
 * {@code decode:}, {@code partition:} and {@code pgcopy:}. Options that would only repeat a default are left out, where the
 * default is the same on both sides.
 *
 * @param table the destination table, raw text whose first dot separates the schema
 * @param ignored whether events of this table are left out altogether ({@code table_mode = ignore})
 * @param decode options of the decode step
 * @param partition options of the partition step
 * @param load options of the pgcopy step
 * @param notes what is done in another way than the old tool did it, a sentence each
 */
public record HandlerArguments(
        String table,
        boolean ignored,
        Map<String, String> decode,
        Map<String, String> partition,
        Map<String, String> load,
        List<String> notes) {

    /** What the dispatch handler takes, in the order of its documentation. */
    public static final List<String> NAMES = List.of(
            "table_mode",
            "part_func",
            "part_mode",
            "part_field",
            "period",
            "part_name",
            "part_template",
            "row_mode",
            "event_types",
            "load_mode",
            "method",
            "fields",
            "skip_fields",
            "table",
            "pre_part",
            "post_part",
            "retention_period",
            "ignore_old_events",
            "ignore_truncate",
            "encoding",
            "analyze");

    /** What queue_loader reads for a table. */
    public static final List<String> QUEUE_LOADER_NAMES = List.of(
            "fields",
            "table_mode",
            "split_mode",
            "split_part",
            "split_part_template",
            "row_mode",
            "bulk_mode",
            "part_field",
            "period");

    private static final Map<String, Map<String, String>> HANDLERS = handlers();

    /** What url-encoding leaves behind, and what is between the arguments. */
    private static final Pattern ENCODED = Pattern.compile("(?:[\\w.~*:=&,+-]|%[0-9a-fA-F]{2})*");

    private static final Pattern VARIABLE = Pattern.compile("%\\((\\w+)\\)s");

    public HandlerArguments {
        decode = Map.copyOf(decode);
        partition = Map.copyOf(partition);
        load = Map.copyOf(load);
        notes = List.copyOf(notes);
    }

    /**
     * Reads a handler as {@code londiste add-table --handler} takes it: {@code dispatch(table_mode=part, part_field=day)},
     * {@code hourly_event}, {@code bulk_direct(table=archive.orders)}. Londiste stores the arguments url-encoded; texts
     * with spaces, quotes or {@code %(parent)s} are taken as they stand.
     *
     * @param table the source table, which is the destination unless {@code table=} names another
     * @throws IllegalArgumentException listing every mistake
     */
    public static HandlerArguments parse(String table, String handler) {
        String text = handler.strip();
        int open = text.indexOf('(');
        String name = open < 0 ? text : text.substring(0, open).strip();
        if (open >= 0 && !text.endsWith(")")) {
            throw new IllegalArgumentException("Handler \"" + handler + "\" of table " + table
                    + " does not end in a parenthesis; write it as name(argument=value, argument=value)");
        }
        Map<String, String> preset = HANDLERS.get(name);
        if (preset == null) {
            throw new IllegalArgumentException("Handler \"" + name + "\" of table " + table
                    + " is none that loads tables from events; known are "
                    + String.join(", ", HANDLERS.keySet()));
        }
        Map<String, String> arguments = new LinkedHashMap<>(preset);
        List<String> problems = new ArrayList<>();
        if (open >= 0) {
            arguments.putAll(arguments(text.substring(open + 1, text.length() - 1), problems));
        }
        return new Reading("Handler " + name, table, arguments, problems).dispatch();
    }

    /**
     * Reads the arguments of the dispatch handler.
     *
     * @param table the source table, which is the destination unless {@code table} names another
     * @throws IllegalArgumentException listing every mistake
     */
    public static HandlerArguments dispatch(String table, Map<String, String> arguments) {
        return new Reading("Handler dispatch", table, arguments, new ArrayList<>()).dispatch();
    }

    /**
     * Reads queue_loader's keys for a table, those of its own section and the defaults together.
     *
     * @throws IllegalArgumentException listing every mistake
     */
    public static HandlerArguments queueLoader(String table, Map<String, String> keys) {
        return new Reading("queue_loader", table, keys, new ArrayList<>()).queueLoader();
    }

    /** Londiste's handlers that are dispatch with other defaults; the order is the one for messages. */
    private static Map<String, Map<String, String>> handlers() {
        Map<String, Map<String, String>> handlers = new LinkedHashMap<>();
        handlers.put("dispatch", Map.of());
        handlers.put("londiste", Map.of("table_mode", "direct"));
        handlers.put("direct", Map.of("table_mode", "direct"));
        handlers.put("bulk", Map.of("table_mode", "direct", "load_mode", "bulk"));
        handlers.put("bulk_direct", Map.of("table_mode", "direct", "load_mode", "bulk"));
        for (String load : List.of("", "bulk_")) {
            for (String[] period :
                    new String[][] {{"hourly", "hour"}, {"daily", "day"}, {"monthly", "month"}, {"yearly", "year"}}) {
                for (String[] mode : new String[][] {
                    {"event", "event_time"}, {"batch", "batch_time"}, {"field", "date_field"}, {"time", "current_time"}
                }) {
                    handlers.put(
                            load + period[0] + "_" + mode[0],
                            Map.of(
                                    "period",
                                    period[1],
                                    "part_mode",
                                    mode[1],
                                    "row_mode",
                                    "keep_latest",
                                    "load_mode",
                                    load.isEmpty() ? "direct" : "bulk"));
                }
            }
        }
        return handlers;
    }

    private static Map<String, String> arguments(String text, List<String> problems) {
        boolean encoded = ENCODED.matcher(text).matches();
        // SQL has commas and equal signs of its own
        boolean sql = text.contains("part_template") || text.contains("pre_part") || text.contains("post_part");
        String separator = encoded ? "[&,]" : ",(?=\\s*(?:" + (sql ? String.join("|", NAMES) : "\\w+") + ")\\s*=)";
        Map<String, String> arguments = new LinkedHashMap<>();
        for (String part : text.split(separator)) {
            if (part.isBlank()) {
                continue;
            }
            int equals = part.indexOf('=');
            if (equals <= 0) {
                problems.add("\"" + part.strip() + "\" is no argument; write name=value");
                continue;
            }
            String name = part.substring(0, equals).strip();
            String value = part.substring(equals + 1);
            String other =
                    arguments.put(name, encoded ? URLDecoder.decode(value, StandardCharsets.UTF_8) : value.strip());
            if (other != null) {
                problems.add(name + " is given twice");
            }
        }
        return arguments;
    }

    /** One table's arguments on their way to options; collects all problems. */
    private static final class Reading {
        private final String what;
        private final String sourceTable;
        private final Map<String, String> given = new TreeMap<>();
        private final List<String> problems;
        private final Map<String, String> decode = new LinkedHashMap<>();
        private final Map<String, String> partition = new LinkedHashMap<>();
        private final Map<String, String> load = new LinkedHashMap<>();
        private final List<String> notes = new ArrayList<>();

        Reading(String what, String sourceTable, Map<String, String> given, List<String> problems) {
            this.what = what;
            this.sourceTable = sourceTable;
            this.problems = problems;
            given.forEach((name, value) -> {
                if (value != null && !value.isBlank()) {
                    this.given.put(name, value.strip());
                }
            });
        }

        HandlerArguments dispatch() {
            refuseUnknown(NAMES);
            String tableMode = choice("table_mode", "part", "part", "direct", "ignore");
            String rowMode = choice("row_mode", "plain", "plain", "keep_all", "keep_latest");
            String loadMode = choice("load_mode", "direct", "direct", "bulk");
            String method = choice("method", "0", "0", "1", "2", "3");
            if (tableMode.equals("part")) {
                partitions();
            } else {
                partition.put("tableMode", tableMode);
                for (String unused : new String[] {
                    "part_func", "part_name", "part_template", "pre_part", "post_part", "retention_period"
                }) {
                    if (given.containsKey(unused)) {
                        notes.add(unused + " has no effect with table_mode = " + tableMode);
                    }
                }
            }
            load.put("rowMode", rowMode);
            if (given.containsKey("load_mode")) {
                load.put("loadMode", loadMode);
            }
            if (given.containsKey("method")) {
                load.put("method", method);
                if (method.equals("3")) {
                    notes.add(
                            "method = 3 fails at updates and deletes in londiste; here they are applied as row_mode says"
                                    + " (event_types = I leaves them out)");
                }
            }
            columns();
            eventTypes();
            if (flag("ignore_truncate")) {
                load.put("onTruncate", "ignore");
            } else {
                load.put("onTruncate", "apply");
            }
            if (flag("analyze")) {
                load.put("analyze", "true");
            }
            if (given.containsKey("encoding")) {
                decode.put("encoding", given.get("encoding"));
            }
            return done(given.getOrDefault("table", sourceTable), tableMode);
        }

        HandlerArguments queueLoader() {
            refuseUnknown(QUEUE_LOADER_NAMES);
            String tableMode = choice("table_mode", "ignore", "ignore", "direct", "split");
            String rowMode = choice("row_mode", "plain", "plain", "keep_latest", "keep_all", "bulk");
            choice("bulk_mode", "correct", "correct", "delete", "merged");
            if (tableMode.equals("split")) {
                split();
            } else {
                partition.put("tableMode", tableMode);
            }
            load.put("rowMode", rowMode.equals("bulk") ? "plain" : rowMode);
            if (rowMode.equals("bulk")) {
                load.put("loadMode", "bulk");
                load.put(
                        "method",
                        switch (given.getOrDefault("bulk_mode", "correct")) {
                            case "delete" -> "1";
                            case "merged" -> "2";
                            default -> "0";
                        });
            } else if (rowMode.equals("keep_latest")) {
                decode.put("eventTypes", "I, U");
                notes.add("queue_loader ignores deletes with row_mode = keep_latest; eventTypes keeps it so");
            }
            columns();
            return done(sourceTable, tableMode);
        }

        private HandlerArguments done(String table, String tableMode) {
            if (table == null || table.isBlank()) {
                problems.add("table is missing: the destination table");
            }
            if (!problems.isEmpty()) {
                throw new IllegalArgumentException(what + " of table " + sourceTable + " has "
                        + (problems.size() == 1 ? "a mistake" : problems.size() + " mistakes") + ":\n  - "
                        + String.join("\n  - ", problems));
            }
            return new HandlerArguments(table, tableMode.equals("ignore"), decode, partition, load, notes);
        }

        private void partitions() {
            String mode = choice("part_mode", "batch_time", "batch_time", "event_time", "date_field", "current_time");
            String period = choice("period", "day", "hour", "day", "month", "year");
            partition.put("partMode", mode);
            String field = given.get("part_field");
            if (mode.equals("date_field")) {
                if (field == null) {
                    problems.add("part_mode = date_field needs part_field: the column whose date places a row");
                } else {
                    partition.put("partField", field);
                }
            } else if (field != null) {
                notes.add("part_field = " + field + " has no effect with part_mode = " + mode);
            }
            partition.put("period", named("part_name", "parent", period));
            boolean template = given.containsKey("part_template");
            text("part_template", "partTemplate");
            if (template && given.containsKey("part_func")) {
                notes.add("part_func has no effect where part_template makes the partition");
            } else if (given.containsKey("part_func")) {
                partition.put("partFunc", given.get("part_func"));
            }
            text("pre_part", "prePart");
            text("post_part", "postPart");
            if (given.containsKey("retention_period")) {
                partition.put("retentionPeriod", given.get("retention_period"));
            }
            if (flag("ignore_old_events")) {
                partition.put("ignoreOldEvents", "true");
            }
        }

        private void split() {
            String mode = given.getOrDefault("split_mode", "by-batch-time");
            String field = given.get("part_field");
            int colon = mode.indexOf(':');
            if (colon > 0) {
                field = mode.substring(colon + 1).strip();
                mode = mode.substring(0, colon).strip();
            }
            switch (mode) {
                case "by-batch-time" -> partition.put("partMode", "batch_time");
                case "by-event-time" -> partition.put("partMode", "event_time");
                case "by-date-field" -> {
                    partition.put("partMode", "date_field");
                    if (field == null || field.isEmpty()) {
                        problems.add("split_mode = by-date-field needs a column: by-date-field:COLUMN");
                    } else {
                        partition.put("partField", field);
                    }
                }
                default ->
                    problems.add("split_mode = " + given.get("split_mode")
                            + ": must be by-batch-time, by-event-time or by-date-field:COLUMN");
            }
            partition.put(
                    "period",
                    named("split_part", "table_name", choice("period", "day", "hour", "day", "month", "year")));
            text("split_part_template", "partTemplate");
            if (!given.containsKey("split_part_template")) {
                notes.add("queue_loader refuses a missing partition without split_part_template;"
                        + " here it is made like its parent");
            }
        }

        /** Takes a template for names over, and answers the period whose partitions it tells apart. */
        private String named(String key, String parentVariable, String period) {
            String template = given.get(key);
            if (template == null) {
                return period;
            }
            // an ini file's own interpolation has to be kept off with a second percent sign
            template = template.replace("%%(", "%(");
            List<String> variables = new ArrayList<>();
            Matcher variable = VARIABLE.matcher(template);
            while (variable.find()) {
                variables.add(variable.group(1));
            }
            List<String> allowed = List.of(parentVariable, "parent", "year", "month", "day", "hour");
            for (String name : variables) {
                if (!allowed.contains(name)) {
                    problems.add(key + ": %(" + name + ")s is unknown; allowed are "
                            + allowed.stream()
                                    .distinct()
                                    .map(one -> "%(" + one + ")s")
                                    .collect(Collectors.joining(", ")));
                }
            }
            partition.put("partName", template.replace("%(table_name)s", "%(parent)s"));
            for (String finest : new String[] {"hour", "day", "month", "year"}) {
                if (variables.contains(finest)) {
                    if (given.containsKey("period") && !finest.equals(period)) {
                        notes.add("period = " + period + " and " + key + " contradict each other: the name makes a"
                                + " partition for each " + finest + ", so the period is " + finest);
                    }
                    return finest;
                }
            }
            problems.add(key + " = " + given.get(key) + ": has none of %(year)s, %(month)s, %(day)s, %(hour)s,"
                    + " so all rows would go into one table; that is table_mode = direct with its name");
            return period;
        }

        /** SQL that Python's % operator was to format: without a variable in it, two percent signs still mean one. */
        private void text(String key, String option) {
            String sql = given.get(key);
            if (sql != null) {
                sql = sql.replace("%%(", "%(");
                partition.put(option, VARIABLE.matcher(sql).find() ? sql : sql.replace("%%", "%"));
            }
        }

        private void columns() {
            if (given.containsKey("fields") && !given.get("fields").equals("*")) {
                decode.put("fields", given.get("fields"));
            }
            if (given.containsKey("skip_fields")) {
                decode.put("skipFields", given.get("skip_fields"));
            }
        }

        private void eventTypes() {
            String types = given.get("event_types");
            if (types == null || types.equals("*")) {
                return;
            }
            List<String> wanted = new ArrayList<>();
            for (String type : types.split(",")) {
                String name = type.strip().toUpperCase(Locale.ROOT);
                if (!List.of("I", "U", "D").contains(name)) {
                    problems.add("event_types = " + types + ": \"" + type.strip() + "\" must be I, U or D");
                }
                wanted.add(name);
            }
            // londiste knows TRUNCATE apart from the event types
            wanted.add("R");
            decode.put("eventTypes", String.join(", ", wanted));
        }

        private String choice(String name, String preset, String... allowed) {
            String value = given.getOrDefault(name, preset);
            if (!Arrays.asList(allowed).contains(value)) {
                problems.add(name + " = " + value + ": must be one of " + String.join(", ", allowed));
                return preset;
            }
            return value;
        }

        private boolean flag(String name) {
            return choice(name, "0", "0", "1").equals("1");
        }

        private void refuseUnknown(List<String> known) {
            for (String name : given.keySet()) {
                if (!known.contains(name)) {
                    problems.add(name + " is unknown" + Spelling.nearest(name, known));
                }
            }
        }
    }
}
