package io.pgcaravan.partition;

import io.pgcaravan.partition.PartitionSettings.Limit;
import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Reads options, and collects what is wrong with them until all are read. */
final class OptionsReader {

    private static final int MOST_PARTITIONS = 10_000;

    /** More partitions ahead than this are a mistake, and would meet the server's limit of locks. */
    private static final int MOST_AHEAD = 1000;

    private static final PartitionOptions DEFAULT = new PartitionOptions(null);

    private final PartitionOptions options;
    private final List<String> problems = new ArrayList<>();

    OptionsReader(PartitionOptions options) {
        this.options = options;
    }

    PartitionSettings read() {
        TableName table = table();
        TableMode tableMode = choice("tableMode", TableMode.values(), or(options.tableMode, DEFAULT.tableMode));
        Period period = choice("period", Period.values(), or(options.period, DEFAULT.period));
        boolean parts = tableMode == null || tableMode == TableMode.PART;
        PartMode mode = parts ? mode() : null;
        ZoneId zone = zone();
        Limit oldest = limit("oldest", or(options.oldest, DEFAULT.oldest), -1);
        Limit newest = limit("newest", or(options.newest, DEFAULT.newest), 1);
        LocalDate today = LocalDate.now(zone == null ? ZoneOffset.UTC : zone);
        require(
                oldest == null || newest == null || !oldest.on(today).isAfter(newest.on(today)),
                () -> "oldest = " + oldest.on(today) + " is after newest = " + newest.on(today)
                        + ": no row can be placed");
        PartitionName name = mode == null || period == null ? null : name(table, mode, period);
        PartitionTemplate template = template("partTemplate", options.partTemplate);
        PartitionTemplate before = template("prePart", options.prePart);
        PartitionTemplate after = template("postPart", options.postPart);
        String function = or(options.partFunc, null);
        require(
                function == null || template == null,
                "partFunc and partTemplate both make the partition: leave one of them out");
        numbers(mode);
        withoutTime(parts, tableMode, mode);
        Retention retention = retention();
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(
                    "invalid partition settings of " + options.destTable + ":\n  - " + String.join("\n  - ", problems));
        }
        return new PartitionSettings(
                table,
                tableMode,
                mode,
                mode == PartMode.DATE_FIELD || parts && !mode.dated() ? or(options.partField, null) : null,
                period,
                zone,
                oldest,
                newest,
                options.partitions,
                options.maxPartitions,
                name,
                template,
                function == null ? null : TableName.parse(function),
                before,
                after,
                options.makeForDeletes,
                retention,
                options.ignoreOldEvents,
                options.ahead);
    }

    private void require(boolean right, String problem) {
        require(right, () -> problem);
    }

    private void require(boolean right, Supplier<String> problem) {
        if (!right) {
            problems.add(problem.get());
        }
    }

    private static String or(String text, String otherwise) {
        return text == null || text.isBlank() ? otherwise : text.strip();
    }

    /** The choice that prints as this text; null where none does. */
    private <C> C choice(String key, C[] choices, String text) {
        for (C choice : choices) {
            if (choice.toString().equalsIgnoreCase(text)) {
                return choice;
            }
        }
        String allowed = Arrays.stream(choices).map(Object::toString).collect(Collectors.joining(", "));
        problems.add(key + " = " + text + ": must be " + allowed.replaceFirst(", (\\w+)$", " or $1"));
        return null;
    }

    /** What a parser makes of a text; null for no text, and where it refuses the text. */
    private <V> V parsed(String prefix, String text, Function<String, V> parser) {
        try {
            return text == null || text.isBlank() ? null : parser.apply(text);
        } catch (IllegalArgumentException refused) {
            problems.add(prefix + ": " + refused.getMessage());
            return null;
        }
    }

    private PartitionTemplate template(String key, String sql) {
        return parsed(key, sql, PartitionTemplate::parse);
    }

    private TableName table() {
        String text = options.destTable;
        if (text == null || text.isBlank()) {
            problems.add("destTable is missing: the table whose partitions take the rows");
            return null;
        }
        TableName table = TableName.parse(text);
        if (table.name().isEmpty() || "".equals(table.schema()) || text.indexOf('\0') >= 0) {
            problems.add("destTable = " + text.replace("\0", "\\0") + ": must be a table's name, or schema.name");
            return null;
        }
        if (table.schema() != null) {
            refuseLong("destTable", "the schema " + table.schema(), table.schema());
        }
        return table;
    }

    private void refuseLong(String key, String what, String name) {
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        require(
                bytes <= PartitionSettings.MAX_NAME_BYTES,
                key + ": " + what + " has " + bytes + " bytes, and PostgreSQL would cut it to "
                        + PartitionSettings.MAX_NAME_BYTES + ", so that several became one; use a shorter name");
    }

    private PartMode mode() {
        String field = or(options.partField, null);
        boolean eventTime = PartitionSettings.EVENT_TIME_FIELD.equals(field);
        if (or(options.partMode, null) == null) {
            require(
                    field != null,
                    "partField is missing: a column's name, or " + PartitionSettings.EVENT_TIME_FIELD
                            + " for the event's time (or set partMode)");
            return eventTime ? PartMode.EVENT_TIME : field == null ? null : PartMode.DATE_FIELD;
        }
        PartMode mode = choice("partMode", PartMode.values(), options.partMode.strip());
        if (mode == null) {
            return null;
        }
        boolean byColumn = mode == PartMode.DATE_FIELD || !mode.dated();
        if (byColumn && field == null) {
            problems.add("partMode = " + mode + " needs partField: the column that places a row");
        } else if (eventTime && mode != PartMode.EVENT_TIME) {
            problems.add("partField = " + field + " contradicts partMode = " + mode);
        } else if (!byColumn && field != null && !eventTime) {
            problems.add(
                    "partField = " + field + " has no meaning with partMode = " + mode + ": leave one of them out");
        }
        return mode;
    }

    private ZoneId zone() {
        String text = or(options.timeZone, DEFAULT.timeZone);
        // in an endpoint's URI a plus sign means a space
        String signed = Character.isDigit(text.charAt(0)) ? "+" + text : text;
        try {
            return ZoneId.of(signed);
        } catch (DateTimeException unknown) {
            problems.add("timeZone = " + signed + ": must be a zone such as UTC, Europe/Riga or +02:00");
            return null;
        }
    }

    private Limit limit(String key, String text, int direction) {
        Limit limit = Limit.parse(text, direction);
        require(
                limit != null,
                key + " = " + text + ": must be a date from 0001-01-01 to 9999-12-31, or an ISO period "
                        + (direction < 0 ? "before" : "after") + " today such as P2Y or P10D");
        return limit;
    }

    private PartitionName name(TableName table, PartMode mode, Period period) {
        String given = or(options.partName, null);
        PartitionName name = given == null ? PartitionName.of(mode, period) : new PartitionName(given);
        List<String> wrong = name.problems(mode, period);
        problems.addAll(wrong);
        if (table != null && wrong.isEmpty()) {
            String key = given == null ? "destTable" : "partName";
            String partition = name.example(table, mode, options.partitions);
            require(!partition.isEmpty(), key + ": " + name + " leaves a partition without a name");
            int room = mode == PartMode.LIST ? PartitionName.HASH_LENGTH : 0;
            refuseLong(key, "a partition such as " + partition, partition + "_".repeat(room));
        }
        return name;
    }

    private void numbers(PartMode mode) {
        boolean hash = mode == PartMode.HASH;
        require(
                !hash || options.partitions >= 1 && options.partitions <= MOST_PARTITIONS,
                "partMode = hash needs partitions, how many there are: 1 to " + MOST_PARTITIONS + ", not "
                        + options.partitions);
        require(
                hash || options.partitions == 0,
                "partitions = " + options.partitions + " has no meaning without partMode = hash");
        require(options.maxPartitions >= 1, "maxPartitions = " + options.maxPartitions + ": must be at least 1");
        require(
                options.ahead >= 0 && options.ahead <= MOST_AHEAD,
                "ahead = " + options.ahead + ": must be a number of periods from 0 to " + MOST_AHEAD);
    }

    /** What partitions that are no stretches of time cannot have. */
    private void withoutTime(boolean parts, TableMode tableMode, PartMode mode) {
        if (!parts || mode != null && !mode.dated()) {
            String without = " has no meaning with " + (parts ? "partMode = " + mode : "tableMode = " + tableMode);
            require(
                    or(options.retentionPeriod, null) == null,
                    "retentionPeriod" + without + ": no partition grows old");
            require(options.ahead == 0, "ahead" + without);
        }
    }

    /** Null where there is none. */
    private Retention retention() {
        Retention.Action action =
                choice("retention", Retention.Action.values(), or(options.retention, DEFAULT.retention));
        String text = or(options.retentionPeriod, null);
        RetentionPeriod period = parsed("retentionPeriod = " + text, text, RetentionPeriod::parse);
        require(
                text != null || !options.ignoreOldEvents,
                "ignoreOldEvents needs retentionPeriod, which says what is old");
        require(
                text == null || action != Retention.Action.DETACH || options.ignoreOldEvents,
                "retention = detach needs ignoreOldEvents = true: a detached table keeps its name, so an old row's"
                        + " partition could not be made again");
        return period == null ? null : new Retention(period, action);
    }
}
