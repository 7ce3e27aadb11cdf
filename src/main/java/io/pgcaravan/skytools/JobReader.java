package io.pgcaravan.skytools;

import io.pgcaravan.database.Spelling;
import io.pgcaravan.row.RowSelection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads one section into a job. It goes on after a mistake, so that all of them can be told at once. */
final class JobReader {

    private static final Set<String> IN_URIS = Set.of("queue_name", "pgq_queue_name", "dest_table");

    private static final String EVENT_TIME = "_EVTIME";

    /** What the column that places a row is called on its way, where it is not among the fields. */
    private static final String UNLOADED = "_part_field";

    private static final String LINE = "%(asctime)s %(process)s %(levelname)s [%(job_name)s] %(message)s";

    private final Path file;
    private final Ini.Section ini;
    private final List<String> warnings;
    private final List<String> problems = new ArrayList<>();

    /** Keys that were asked for: those that are known, and what a misspelt one may have meant. */
    private final Set<String> known = new LinkedHashSet<>();

    private final Map<String, Object> consume = new LinkedHashMap<>();
    private final Map<String, Object> decode = new LinkedHashMap<>();
    private final Map<String, Object> partition = new LinkedHashMap<>();
    private final Map<String, Object> load = new LinkedHashMap<>();

    JobReader(Path file, Ini.Section ini, List<String> warnings) {
        this.file = file;
        this.ini = ini;
        this.warnings = new ArrayList<>(warnings);
    }

    TableDispatcherJob job() {
        String name = text("job_name");
        String source = required("src_db", "the database of the queue, such as dbname=sourcedb");
        String target = required("dst_db", "the database that the rows go to, such as dbname=targetdb");
        String queue = either("pgq_queue_name", "queue_name");
        if (queue == null) {
            missing("pgq_queue_name", "(or queue_name): the queue to read");
        }
        String consumer = either("pgq_consumer_id", "consumer_name");
        if (consumer == null) {
            consumer = name;
        }
        String table = either("dest_table", "table");
        if (table == null) {
            missing("dest_table", ": the table that the rows go to, or whose partitions do");
        }
        readConsume();
        String format = oneOf("format", "logutriga", "jsontriga");
        readLoad();
        boolean partitioned = readPartition();
        Path pidFile = path("pidfile");
        TableDispatcherJob.Logging logging = logging();
        for (String key : List.of("service_name", "host_name", "config_file", "config_dir")) {
            known.add(key); // there for the values of others
        }
        withoutEffect();
        unknownKeys();
        refusePlaceholders();
        if (!problems.isEmpty()) {
            throw new IniException(file.toString(), problems);
        }
        return new TableDispatcherJob(
                file,
                name,
                source,
                target,
                queue,
                consumer,
                table,
                consume,
                format == null ? "logutriga" : format,
                decode,
                partitioned ? partition : null,
                load,
                pidFile,
                logging,
                List.copyOf(warnings));
    }

    // ---- pgq:

    private void readConsume() {
        seconds("loop_delay", 1, millis -> {
            if (millis <= 0) {
                wrong("loop_delay", "must be more than 0; a job runs until it is stopped");
            } else if (millis != 1000) {
                consume.put("delay", millis);
            }
        });
        seconds("exception_sleep", 20, millis -> {
            if (millis != 20_000) {
                consume.put("exceptionSleep", millis);
            }
        });
        seconds("connection_lifetime", 1200, millis -> consume.put("connectionLifetime", millis));
        Long fetch = number("pgq_lazy_fetch", 0);
        if (fetch != null && fetch > 0) {
            consume.put("chunkEvents", fetch);
        }
        Long count = number("pgq_batch_collect_events", 0);
        if (count != null && count > 0) {
            consume.put("minCount", count);
        }
        pass("pgq_batch_collect_interval", consume, "minInterval");
        pass("pgq_keep_lag", consume, "minLag");
        consume.put("logBatches", true);
        consume.put("acceptUnknownStart", true);
        pass("encoding", consume, "encoding");
        pass("schema", consume, "schema");
        String onError = oneOf("on_error", "stop", "dead-letter");
        if (onError != null) {
            consume.put("onError", onError);
        }
        Long deadLetters = number("max_dead_letters", 0);
        if (deadLetters != null) {
            consume.put("maxDeadLetters", deadLetters);
        }
    }

    // ---- pgcopy:

    private void readLoad() {
        String rowMode = oneOf("row_mode", "append", "keep_all", "keep_latest", "plain");
        load.put("rowMode", rowMode == null ? "append" : rowMode);
        pass("key", load, "key");
        String loadMode = oneOf("load_mode", "direct", "bulk");
        if (loadMode != null) {
            load.put("loadMode", loadMode);
        }
        Long method = number("method", 0);
        if (method != null) {
            if (method > 3) {
                wrong("method", "must be 0, 1, 2 or 3");
            }
            load.put("method", method);
        }
        flag("analyze", analyze -> load.put("analyze", analyze));
        String unknown = oneOf("on_unknown_column", "fail", "ignore");
        if (unknown != null) {
            load.put("onUnknownColumn", unknown);
        }
        String truncate = oneOf("on_truncate", "apply", "ignore", "stop");
        if (truncate != null) {
            load.put("onTruncate", truncate);
        }
        flag("ignore_truncate", ignored -> {
            if (ignored) {
                load.put("onTruncate", "ignore");
            }
        });
    }

    // ---- partition: and decode:, which names its columns

    /** Whether there is a partition step. */
    private boolean readPartition() {
        String fields = text("fields");
        String skipFields = text("skip_fields");
        String eventTypes = text("event_types");
        RowSelection selection = null;
        try {
            selection = RowSelection.of(fields, skipFields, eventTypes);
        } catch (IllegalArgumentException e) {
            problems.add(ini.where("fields") + ": "
                    + e.getMessage().replace("skipFields", "skip_fields").replace("eventTypes", "event_types"));
        }
        String part = either("part_field", "part_column");
        String mode = oneOf("part_mode", "date_field", "event_time", "batch_time", "current_time", "list", "hash");
        String tableMode = oneOf("table_mode", "part", "direct", "ignore");
        boolean partitioned = part != null || mode != null || tableMode != null;
        if (part != null && !part.equals(EVENT_TIME) && selection != null) {
            String renamed = selection.target(part);
            if (renamed == null) {
                // table_dispatcher looks at the event, not at what it loads of it
                fields = fields == null || fields.equals("*") ? fields : fields + ", " + part + ":" + UNLOADED;
                if (selection.skipFields().contains(part)) {
                    wrong("skip_fields", "leaves out " + part + ", the part_field");
                }
                warnings.add(ini.where("fields") + ": fields lacks part_field " + part
                        + ", which is read to find the partition and not loaded; columns that the target lacks"
                        + " are ignored (on_unknown_column = ignore)");
                load.putIfAbsent("onUnknownColumn", "ignore");
                renamed = UNLOADED;
            }
            part = renamed;
        }
        if (fields != null && !fields.equals("*")) {
            decode.put("fields", fields);
        }
        put(decode, "skipFields", skipFields);
        // londiste, whose setting this is, knows TRUNCATE apart from the types of events
        put(
                decode,
                "eventTypes",
                eventTypes == null || !eventTypes.matches("[IUD](\\s*,\\s*[IUD])*") ? eventTypes : eventTypes + ",R");
        put(partition, "tableMode", tableMode);
        put(partition, "partField", part);
        if (part == null && mode == null && "part".equals(tableMode)) {
            mode = "batch_time";
        }
        put(partition, "partMode", mode);
        readPeriod();
        pass("time_zone", partition, "timeZone");
        pass("oldest", partition, "oldest");
        pass("newest", partition, "newest");
        pass("part_name", partition, "partName");
        pass("part_func", partition, "partFunc");
        pass("part_template", partition, "partTemplate");
        pass("pre_part", partition, "prePart");
        pass("post_part", partition, "postPart");
        Long partitions = number("partitions", 1);
        if (partitions != null) {
            partition.put("partitions", partitions);
        }
        Long ahead = number("ahead", 0);
        if (ahead != null) {
            partition.put("ahead", ahead);
        }
        pass("retention_period", partition, "retentionPeriod");
        put(partition, "retention", oneOf("retention", "drop", "detach"));
        flag("ignore_old_events", ignore -> {
            if (ignore) {
                partition.put("ignoreOldEvents", true);
            }
        });
        return partitioned;
    }

    private void readPeriod() {
        String method = oneOf(
                "part_method",
                "daily",
                "monthly",
                "hourly",
                "weekly",
                "yearly",
                "hour",
                "day",
                "week",
                "month",
                "year");
        String period = oneOf("period", "hour", "day", "week", "month", "year");
        if (method != null) {
            String same = method.equals("daily") ? "day" : method.replaceFirst("ly$", "");
            if (period != null && !period.equals(same)) {
                wrong("period", "contradicts part_method = " + method);
            }
            period = same;
        }
        put(partition, "period", period);
    }

    // ---- the process and its log

    private TableDispatcherJob.Logging logging() {
        Long size = number("log_size", 1);
        Long count = number("log_count", 0);
        Long skylog = number("use_skylog", 0);
        List<Path> locations = new ArrayList<>();
        String places = text("skylog_locations");
        for (String place : (places == null ? "skylog.ini, ~/.skylog.ini, /etc/skylog.ini" : places).split(",")) {
            locations.add(expanded(place.strip()));
        }
        String format = text("logfmt_file");
        for (String other : List.of(
                "logfmt_console",
                "logfmt_console_verbose",
                "logdatefmt_file",
                "logdatefmt_console",
                "logdatefmt_file_verbose",
                "logdatefmt_console_verbose")) {
            ignored(other, "lines on the console and their times have one form");
        }
        return new TableDispatcherJob.Logging(
                path("logfile"),
                size == null ? 10L << 20 : size,
                count == null ? 3 : count.intValue(),
                skylog == null ? 0 : skylog.intValue(),
                List.copyOf(locations),
                format == null ? LINE : format,
                text("logfmt_file_verbose"));
    }

    /** Keys of Skytools that change nothing here, or that cannot be had. */
    private void withoutEffect() {
        ignored("pgq_autocommit", "events are always read in one statement of their own");
        for (String key : List.of("exception_quiet", "exception_grace", "exception_reset")) {
            ignored(key, "a failure that lasts is said once a minute");
        }
        ignored("keepalive_stats", "an idle job writes nothing");
        String version = text("config_format");
        if (version != null && !version.equals("1")) {
            wrong("config_format", "must be 1: ${...} is not filled in");
        }
        if (text("table_filter") != null) {
            wrong("table_filter", "cannot be honoured; give each table a route of its own (caravan convert)");
        }
    }

    private void ignored(String key, String why) {
        if (text(key) != null) {
            warnings.add(ini.where(key) + ": " + key + " has no effect: " + why);
        }
    }

    /** The values go into a route, where two braces begin the name of a property, and in a step's URI a ? its options. */
    private void refusePlaceholders() {
        for (String key : ini.keys()) {
            String value = known.contains(key) ? text(key) : null;
            if (value != null && value.contains("{{")) {
                problems.add(ini.where(key) + ": " + key + " holds {{, which a route takes for a property's name;"
                        + " write { { (in PostgreSQL's arrays it is the same)");
            }
            if (value != null && IN_URIS.contains(key) && value.contains("?")) {
                problems.add(ini.where(key) + ": " + key + " holds ?, behind which a route expects options: rename it");
            }
        }
    }

    private void unknownKeys() {
        for (String key : ini.keys()) {
            // a key may be there for the values of others only
            if (!known.contains(key)) {
                warnings.add(ini.where(key) + ": unknown key " + key + Spelling.nearest(key, known));
            }
        }
    }

    // ---- values

    /** A key's value; null where it is not there or empty. */
    private String text(String key) {
        known.add(key);
        try {
            String value = ini.get(key);
            return value == null || value.isEmpty() ? null : value;
        } catch (IllegalArgumentException e) {
            if (!problems.contains(e.getMessage())) {
                problems.add(e.getMessage());
            }
            return null;
        }
    }

    private String required(String key, String meaning) {
        String value = text(key);
        if (value == null) {
            missing(key, ": " + meaning);
        }
        return value;
    }

    private void missing(String key, String meaning) {
        if (problems.stream().noneMatch(problem -> problem.contains(": " + key + " "))) {
            problems.add(file + " section [" + ini.name() + "]: there is no " + key + meaning);
        }
    }

    /** Of two names for one thing the first, which is the older, wins. */
    private String either(String old, String other) {
        String value = text(old);
        String second = text(other);
        if (value == null) {
            return second;
        }
        if (second != null && !second.equals(value)) {
            warnings.add(
                    ini.where(other) + ": " + other + " is not used, because " + old + " = " + value + " is there too");
        }
        return value;
    }

    private void pass(String key, Map<String, Object> options, String option) {
        put(options, option, text(key));
    }

    private static void put(Map<String, Object> options, String option, String value) {
        if (value != null) {
            options.put(option, value);
        }
    }

    private String oneOf(String key, String... allowed) {
        String value = text(key);
        if (value == null || List.of(allowed).contains(value)) {
            return value;
        }
        wrong(key, "must be one of " + String.join(", ", Arrays.asList(allowed)));
        return null;
    }

    private Long number(String key, long least) {
        String value = text(key);
        if (value == null) {
            return null;
        }
        try {
            long number = Long.parseLong(value);
            if (number >= least) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        wrong(key, "must be a whole number >= " + least);
        return null;
    }

    private interface Millis {
        void take(long millis);
    }

    private void seconds(String key, long standard, Millis use) {
        String value = text(key);
        try {
            use.take(value == null ? standard * 1000 : Math.round(Double.parseDouble(value) * 1000));
        } catch (NumberFormatException e) {
            wrong(key, "must be a number of seconds");
        }
    }

    private interface Flag {
        void take(boolean on);
    }

    private void flag(String key, Flag use) {
        String value = text(key);
        if (value == null) {
            return;
        }
        switch (value.toLowerCase(java.util.Locale.ROOT)) {
            case "1", "yes", "true", "on" -> use.take(true);
            case "0", "no", "false", "off" -> use.take(false);
            default -> wrong(key, "must be 1 or 0");
        }
    }

    private Path path(String key) {
        String value = text(key);
        return value == null || value.equals("-") ? null : expanded(value);
    }

    static Path expanded(String name) {
        if (name.equals("~") || name.startsWith("~/")) {
            String home = System.getenv("HOME");
            return Path.of((home == null ? System.getProperty("user.home") : home) + name.substring(1));
        }
        return Path.of(name);
    }

    private void wrong(String key, String why) {
        problems.add(ini.where(key) + ": " + key + " = " + ini.get(key) + ": " + why);
    }
}
