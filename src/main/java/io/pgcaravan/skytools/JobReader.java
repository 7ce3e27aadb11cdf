package io.pgcaravan.skytools;

import io.pgcaravan.database.Spelling;
import io.pgcaravan.row.RowSelection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Reads one section into a job. It continues after a mistake, so that one message lists all of them. */
final class JobReader {

    private static final Set<String> IN_URIS = Set.of("queue_name", "pgq_queue_name", "dest_table");

    /** Keys without a use of their own; the values of others may refer to them. */
    private static final List<String> FOR_OTHERS = List.of("service_name", "host_name", "config_file", "config_dir");

    /** Keys that change nothing here, as regular expressions, with the reason. */
    private static final Map<String, String> NO_EFFECT = Map.of(
            "pgq_autocommit", "events are always read in one statement of their own",
            "exception_(quiet|grace|reset)", "a failure that lasts is logged once a minute",
            "keepalive_stats", "an idle job writes nothing",
            "load_mode|method", "rows are loaded by COPY wherever the result is the same",
            "logfmt_console.*|logdatefmt_.*", "lines on the console and their times have one form");

    private static final String EVENT_TIME = "_EVTIME";

    /** What the column that places a row is called on its way, where it is not among the fields. */
    private static final String UNLOADED = "_part_field";

    private static final String LINE = "%(asctime)s %(process)s %(levelname)s [%(job_name)s] %(message)s";
    private static final Pattern WORD = Pattern.compile("_(.)");

    private final Path file;
    private final Ini.Section ini;
    private final List<String> warnings;
    private final List<String> problems = new ArrayList<>();

    /** Keys that were asked for: those that are known, and what a misspelt one may have meant. */
    private final Set<String> known = new LinkedHashSet<>(FOR_OTHERS);

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
        String source = required(text("src_db"), "src_db", "the database of the queue, such as dbname=sourcedb");
        String target = required(text("dst_db"), "dst_db", "the database that the rows go to, such as dbname=targetdb");
        String queue =
                required(either("pgq_queue_name", "queue_name"), "pgq_queue_name (or queue_name)", "the queue to read");
        String consumer = either("pgq_consumer_id", "consumer_name");
        String table = required(
                either("dest_table", "table"), "dest_table", "the table that the rows go to, or whose partitions do");
        readConsume();
        String format = choice("format", "logutriga", "jsontriga");
        readLoad();
        boolean partitioned = readPartition();
        Path pidFile = path("pidfile");
        TableDispatcherJob.Logging logging = logging();
        refuse();
        checkKeys();
        if (!problems.isEmpty()) {
            throw new IniException(file.toString(), problems);
        }
        return new TableDispatcherJob(
                file,
                name,
                source,
                target,
                queue,
                consumer == null ? name : consumer,
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
        Long delay = millis("loop_delay");
        if (delay != null && delay <= 0) {
            wrong("loop_delay", "must be more than 0; a job runs until it is stopped");
        }
        put(consume, "delay", delay);
        put(consume, "exceptionSleep", millis("exception_sleep"));
        Long lifetime = millis("connection_lifetime");
        put(consume, "connectionLifetime", lifetime == null ? 1_200_000L : lifetime);
        put(consume, "chunkEvents", positive("pgq_lazy_fetch"));
        put(consume, "minCount", positive("pgq_batch_collect_events"));
        put(consume, "minInterval", text("pgq_batch_collect_interval"));
        put(consume, "minLag", text("pgq_keep_lag"));
        put(consume, "logBatches", true);
        put(consume, "acceptUnknownStart", true);
        texts(consume, "encoding", "schema");
        put(consume, "onError", choice("on_error", "stop", "dead-letter"));
        put(consume, "maxDeadLetters", number("max_dead_letters", 0));
    }

    // ---- pgq-copy:

    private void readLoad() {
        String rowMode = choice("row_mode", "append", "keep_all", "keep_latest", "plain");
        put(load, "rowMode", rowMode == null ? "append" : rowMode);
        put(load, "key", text("key"));
        put(load, "analyze", flag("analyze"));
        put(load, "onUnknownColumn", choice("on_unknown_column", "fail", "ignore"));
        put(load, "onTruncate", choice("on_truncate", "apply", "ignore", "stop"));
        put(load, "onTruncate", Boolean.TRUE.equals(flag("ignore_truncate")) ? "ignore" : null);
    }

    // ---- pgq-partition: and decode:, which names its columns

    /** Whether there is a partition step. */
    private boolean readPartition() {
        String part = either("part_field", "part_column");
        String mode = choice("part_mode", "date_field", "event_time", "batch_time", "current_time", "list", "hash");
        String tableMode = choice("table_mode", "part", "direct", "ignore");
        put(partition, "tableMode", tableMode);
        put(partition, "partField", readColumns(part));
        put(partition, "partMode", part == null && mode == null && "part".equals(tableMode) ? "batch_time" : mode);
        put(partition, "period", period());
        texts(partition, "time_zone", "oldest", "newest", "part_name", "part_func", "part_template");
        texts(partition, "pre_part", "post_part", "retention_period");
        put(partition, "partitions", number("partitions", 1));
        put(partition, "ahead", number("ahead", 0));
        put(partition, "retention", choice("retention", "drop", "detach"));
        put(partition, "ignoreOldEvents", flag("ignore_old_events"));
        return part != null || mode != null || tableMode != null;
    }

    /**
     * The columns to take.
     *
     * @param part the producer's name for the column that places a row
     * @return its name in the rows
     */
    private String readColumns(String part) {
        String fields = text("fields");
        String skipFields = text("skip_fields");
        String eventTypes = text("event_types");
        String renamed = part;
        try {
            RowSelection selection = RowSelection.of(fields, skipFields, eventTypes);
            if (part != null && !part.equals(EVENT_TIME)) {
                renamed = selection.target(part);
            }
            if (part != null && renamed == null) {
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
        } catch (IllegalArgumentException e) {
            problems.add(ini.where("fields") + ": "
                    + e.getMessage().replace("skipFields", "skip_fields").replace("eventTypes", "event_types"));
        }
        put(decode, "fields", "*".equals(fields) ? null : fields);
        put(decode, "skipFields", skipFields);
        // londiste, whose setting this is, knows TRUNCATE apart from the types of events
        boolean rows = eventTypes != null && eventTypes.matches("[IUD](\\s*,\\s*[IUD])*");
        put(decode, "eventTypes", rows ? eventTypes + ",R" : eventTypes);
        return renamed;
    }

    private String period() {
        String period = choice("period", "hour", "day", "week", "month", "year");
        String method = choice(
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
        if (method == null) {
            return period;
        }
        String same = method.equals("daily") ? "day" : method.replaceFirst("ly$", "");
        if (period != null && !period.equals(same)) {
            wrong("period", "contradicts part_method = " + method);
        }
        return same;
    }

    // ---- the process and its log

    private TableDispatcherJob.Logging logging() {
        Long size = number("log_size", 1);
        Long count = number("log_count", 0);
        Long skylog = number("use_skylog", 0);
        String places = text("skylog_locations");
        String format = text("logfmt_file");
        return new TableDispatcherJob.Logging(
                path("logfile"),
                size == null ? 10L << 20 : size,
                count == null ? 3 : count.intValue(),
                skylog == null ? 0 : skylog.intValue(),
                Stream.of((places == null ? "skylog.ini, ~/.skylog.ini, /etc/skylog.ini" : places).split(","))
                        .map(place -> expanded(place.strip()))
                        .toList(),
                format == null ? LINE : format,
                text("logfmt_file_verbose"));
    }

    // ---- all keys

    private void refuse() {
        String version = text("config_format");
        if (version != null && !version.equals("1")) {
            wrong("config_format", "must be 1; ${...} is not filled in");
        }
        if (text("table_filter") != null) {
            wrong("table_filter", "is not supported; give each table a route of its own (caravan convert)");
        }
    }

    /** Values go into a route, where two braces begin the name of a property, and in a step's URI a ? its options. */
    private void checkKeys() {
        for (String key : ini.keys()) {
            String at = ini.where(key) + ": ";
            String value = known.contains(key) ? text(key) : null;
            Optional<String> reason = NO_EFFECT.keySet().stream()
                    .filter(key::matches)
                    .map(NO_EFFECT::get)
                    .findFirst();
            if (reason.isPresent()) {
                warnings.add(at + key + " has no effect: " + reason.get());
            } else if (!known.contains(key)) {
                warnings.add(at + "unknown key " + key + Spelling.nearest(key, known));
            }
            if (value != null && value.contains("{{")) {
                problems.add(at + key + " contains {{, which begins a property's name in a route;"
                        + " write { { (in PostgreSQL's arrays it is the same)");
            }
            if (value != null && value.contains("?") && IN_URIS.contains(key)) {
                problems.add(at + key + " contains ?, which begins the options in a route; rename it");
            }
        }
    }

    // ---- values

    /** A key's value; null where it is not set or empty. */
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

    private String required(String value, String key, String meaning) {
        if (value == null && problems.stream().noneMatch(problem -> problem.contains(": " + key + " "))) {
            problems.add(file + " section [" + ini.name() + "]: missing " + key + ": " + meaning);
        }
        return value;
    }

    /** Of two names for one thing the first, which is the older, wins. */
    private String either(String old, String other) {
        String value = text(old);
        String second = text(other);
        if (value != null && second != null && !second.equals(value)) {
            warnings.add(
                    ini.where(other) + ": " + other + " is not used, because " + old + " = " + value + " is set too");
        }
        return value == null ? second : value;
    }

    /** Keys that are called as the options are, but for the way in which words are joined. */
    private void texts(Map<String, Object> options, String... keys) {
        for (String key : keys) {
            String option = WORD.matcher(key).replaceAll(word -> word.group(1).toUpperCase(Locale.ROOT));
            put(options, option, text(key));
        }
    }

    private static void put(Map<String, Object> options, String option, Object value) {
        if (value != null) {
            options.put(option, value);
        }
    }

    private String choice(String key, String... allowed) {
        String value = text(key);
        return value == null || List.of(allowed).contains(value)
                ? value
                : wrong(key, "must be one of " + String.join(", ", allowed));
    }

    private Long number(String key, long least) {
        String value = text(key);
        boolean valid = value == null || value.matches("\\d{1,18}") && Long.parseLong(value) >= least;
        return !valid ? wrong(key, "must be a whole number >= " + least) : value == null ? null : Long.valueOf(value);
    }

    /** 0 is the same as not set. */
    private Long positive(String key) {
        Long number = number(key, 0);
        return number == null || number == 0 ? null : number;
    }

    private Long millis(String key) {
        String value = text(key);
        try {
            return value == null ? null : Math.round(Double.parseDouble(value) * 1000);
        } catch (NumberFormatException e) {
            return wrong(key, "must be a number of seconds");
        }
    }

    private Boolean flag(String key) {
        String value = text(key);
        return switch (value == null ? "" : value.toLowerCase(Locale.ROOT)) {
            case "" -> null;
            case "1", "yes", "true", "on" -> true;
            case "0", "no", "false", "off" -> false;
            default -> wrong(key, "must be 1 or 0");
        };
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

    /** Adds a problem; null, as the value that the key has then. */
    private <T> T wrong(String key, String why) {
        problems.add(ini.where(key) + ": " + key + " = " + ini.get(key) + ": " + why);
        return null;
    }
}
