package io.pgcaravan.partition;

import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * How a job partitions its destination table. Made by {@link #builder}, which checks all settings together.
 *
 * @param destTable the parent, or where there is none the stem of the partitions' names
 * @param tableMode whether there are partitions at all; where not, only {@code destTable} counts
 * @param partMode what places a row; null where there are no partitions
 * @param partField the column that places a row, as the target names it; null where {@code partMode} needs none
 * @param period how much time a partition holds
 * @param timeZone where an instant (a value with an offset, an event's time) becomes a date
 * @param oldest earliest date that a row may have, itself allowed
 * @param newest latest date that a row may have, itself allowed
 * @param partitions how many partitions there are with {@link PartMode#HASH}
 * @param maxPartitions how many partitions values may make with {@link PartMode#LIST}
 * @param partName how partitions are named
 * @param partTemplate SQL that makes a partition; null to make it like its parent, or by {@code partFunc}
 * @param partFunc a function of the target that makes a partition, called as londiste's create_partition; null for none
 * @param prePart SQL to run before a partition is made; null for none
 * @param postPart SQL to run after a partition was made; null for none
 * @param makeForDeletes whether a deleted row's partition is made where it is missing; else such a row is left out, as
 *     nothing is there to delete
 * @param retention what becomes of old partitions; null where they are kept for ever
 * @param ignoreOldEvents whether rows that are older than the retention period are left out and counted, instead of
 *     making a partition that the next round of retention drops
 * @param ahead how many periods after the current one have their partitions made before their first row; with 0 none is
 *     made ahead, not even the current one
 */
public record PartitionSettings(
        TableName destTable,
        TableMode tableMode,
        PartMode partMode,
        String partField,
        Period period,
        ZoneId timeZone,
        Limit oldest,
        Limit newest,
        int partitions,
        int maxPartitions,
        PartitionName partName,
        PartitionTemplate partTemplate,
        TableName partFunc,
        PartitionTemplate prePart,
        PartitionTemplate postPart,
        boolean makeForDeletes,
        Retention retention,
        boolean ignoreOldEvents,
        int ahead) {

    /** PostgreSQL cuts longer identifiers (NAMEDATALEN - 1), silently. */
    static final int MAX_NAME_BYTES = 63;

    /** {@code partField} that means the event's time, as in table_dispatcher. */
    public static final String EVENT_TIME_FIELD = "_EVTIME";

    public static final String DEFAULT_PERIOD = "day";
    public static final String DEFAULT_TIME_ZONE = "UTC";
    /** Lets in everything that computers have dated, and keeps out 1900-01-01 and 0001-01-01. */
    public static final String DEFAULT_OLDEST = "1970-01-01";
    /** Keeps out the year 52217 (milliseconds taken for seconds) and 9999-12-31 (meaning never). */
    public static final String DEFAULT_NEWEST = "P1Y";

    /** More values than this are rarely meant to be partitions. */
    public static final int DEFAULT_MAX_PARTITIONS = 1000;

    private static final int MOST_PARTITIONS = 10_000;

    public static final String DEFAULT_RETENTION = "drop";
    /** More partitions ahead than this are a mistake, and would meet the server's limit of locks. */
    private static final int MOST_AHEAD = 1000;

    private static final LocalDate FIRST = LocalDate.of(1, 1, 1);
    private static final LocalDate LAST = LocalDate.of(9999, 12, 31);

    /** One end of the allowed window: a date, or a distance from today. */
    public record Limit(LocalDate date, java.time.Period distance, int direction) {

        /** The date this means today. */
        public LocalDate on(LocalDate today) {
            if (date != null) {
                return date;
            }
            try {
                LocalDate at = direction < 0 ? today.minus(distance) : today.plus(distance);
                return at.isBefore(FIRST) ? FIRST : at.isAfter(LAST) ? LAST : at;
            } catch (DateTimeException | ArithmeticException tooFar) {
                return direction < 0 ? FIRST : LAST;
            }
        }
    }

    /**
     * Settings as texts, the way a route's parameters give them. A null or blank text means the default.
     *
     * @param destTable raw text whose first dot separates the schema
     */
    public static Builder builder(String destTable) {
        return new Builder(destTable);
    }

    /** Collects settings; {@link #build} checks them. */
    public static final class Builder {
        private final String destTable;
        private String partField;
        private String partMode;
        private String period;
        private String timeZone;
        private String oldest;
        private String newest;
        private String tableMode;
        private int partitions;
        private int maxPartitions = DEFAULT_MAX_PARTITIONS;
        private String partName;
        private String partTemplate;
        private String partFunc;
        private String prePart;
        private String postPart;
        private boolean makeForDeletes = true;
        private String retentionPeriod;
        private String retention;
        private boolean ignoreOldEvents;
        private int ahead;

        private Builder(String destTable) {
            this.destTable = destTable;
        }

        /** A column of the row, or {@code _EVTIME} for the event's time. */
        public Builder partField(String text) {
            partField = present(text);
            return this;
        }

        /**
         * {@code date_field}, {@code event_time}, {@code batch_time} or {@code current_time}. Default: as
         * {@code partField} says.
         */
        public Builder partMode(String text) {
            partMode = present(text);
            return this;
        }

        /** {@code hour}, {@code day}, {@code week}, {@code month} or {@code year}. Default: day. */
        public Builder period(String text) {
            period = present(text);
            return this;
        }

        /** A zone like {@code Europe/Riga} or {@code +02:00}. Default: UTC. */
        public Builder timeZone(String text) {
            timeZone = present(text);
            return this;
        }

        /**
         * Earliest date a row may have: a date, or an ISO period before today such as {@code P2Y}. Default: 1970-01-01.
         */
        public Builder oldest(String text) {
            oldest = present(text);
            return this;
        }

        /** Latest date a row may have: a date, or an ISO period after today such as {@code P1M}. Default: P1Y. */
        public Builder newest(String text) {
            newest = present(text);
            return this;
        }

        /** {@code part}, {@code direct} or {@code ignore}. Default: part. */
        public Builder tableMode(String text) {
            tableMode = present(text);
            return this;
        }

        /** How many partitions there are with {@code partMode = hash}; 0 for none given. */
        public Builder partitions(int number) {
            partitions = number;
            return this;
        }

        /** How many partitions values may make with {@code partMode = list}. Default: 1000. */
        public Builder maxPartitions(int number) {
            maxPartitions = number;
            return this;
        }

        /** The partitions' name, with {@code %(parent)s} and so on. Default: as {@code partMode} and {@code period} say. */
        public Builder partName(String text) {
            partName = present(text);
            return this;
        }

        /** SQL that makes a partition, with the replacements of table_dispatcher or londiste. Default: made like its parent. */
        public Builder partTemplate(String text) {
            partTemplate = text == null || text.isBlank() ? null : text;
            return this;
        }

        /** A function of the target that makes a partition, raw text whose first dot separates the schema. */
        public Builder partFunc(String text) {
            partFunc = present(text);
            return this;
        }

        /** SQL to run before a partition is made, with the replacements of {@code partTemplate}. */
        public Builder prePart(String text) {
            prePart = text == null || text.isBlank() ? null : text;
            return this;
        }

        /** SQL to run after a partition was made, likewise. */
        public Builder postPart(String text) {
            postPart = text == null || text.isBlank() ? null : text;
            return this;
        }

        /** See {@link PartitionSettings#makeForDeletes}. Default: true, as a job that appends needs it. */
        public Builder makeForDeletes(boolean make) {
            makeForDeletes = make;
            return this;
        }

        /** How long partitions are kept, as {@link RetentionPeriod} reads it. Default: for ever. */
        public Builder retentionPeriod(String text) {
            retentionPeriod = present(text);
            return this;
        }

        /** {@code drop} or {@code detach}: what becomes of partitions older than that. Default: drop. */
        public Builder retention(String text) {
            retention = present(text);
            return this;
        }

        /** See {@link PartitionSettings#ignoreOldEvents}. Default: false. */
        public Builder ignoreOldEvents(boolean ignore) {
            ignoreOldEvents = ignore;
            return this;
        }

        /** See {@link PartitionSettings#ahead}. Default: 0. */
        public Builder ahead(int periods) {
            ahead = periods;
            return this;
        }

        /** The one of these that prints as this text; null for none. */
        private static <C> C named(C[] choices, String text) {
            for (C choice : choices) {
                if (choice.toString().equalsIgnoreCase(text)) {
                    return choice;
                }
            }
            return null;
        }

        private static String present(String text) {
            return text == null || text.isBlank() ? null : text.strip();
        }

        /** @throws IllegalArgumentException naming every problem: key, value, what is allowed */
        public PartitionSettings build() {
            List<String> problems = new ArrayList<>();
            Period length = Period.parse(Objects.requireNonNullElse(period, DEFAULT_PERIOD));
            if (length == null) {
                problems.add("period = " + period + ": must be hour, day, week, month or year");
            }
            TableMode kind = named(TableMode.values(), Objects.requireNonNullElse(tableMode, "part"));
            if (kind == null) {
                problems.add("tableMode = " + tableMode + ": must be part, direct or ignore");
            }
            TableName table = table(problems);
            PartMode mode = kind == TableMode.PART || kind == null ? mode(problems) : null;
            ZoneId zone = zone(problems);
            Limit from = limit("oldest", Objects.requireNonNullElse(oldest, DEFAULT_OLDEST), -1, problems);
            Limit to = limit("newest", Objects.requireNonNullElse(newest, DEFAULT_NEWEST), 1, problems);
            if (from != null && to != null) {
                LocalDate today = LocalDate.now(zone == null ? ZoneOffset.UTC : zone);
                if (from.on(today).isAfter(to.on(today))) {
                    problems.add("oldest = " + from.on(today) + " is after newest = " + to.on(today)
                            + ": no row could ever be placed");
                }
            }
            PartitionTemplate template = template("partTemplate", partTemplate, problems);
            PartitionTemplate before = template("prePart", prePart, problems);
            PartitionTemplate after = template("postPart", postPart, problems);
            if (partFunc != null && partTemplate != null) {
                problems.add("partFunc and partTemplate both make the partition: leave one of them out");
            }
            PartitionName name = mode == null || length == null ? null : name(table, mode, length, problems);
            numbers(kind, mode, problems);
            Retention kept = retention(problems);
            if (ahead < 0 || ahead > MOST_AHEAD) {
                problems.add("ahead = " + ahead + ": must be a number of periods from 0 to " + MOST_AHEAD);
            }
            if (!problems.isEmpty()) {
                throw new IllegalArgumentException(
                        "Partition settings of " + destTable + " are wrong:\n  - " + String.join("\n  - ", problems));
            }
            return new PartitionSettings(
                    table,
                    kind,
                    mode,
                    mode == PartMode.DATE_FIELD || mode == PartMode.LIST || mode == PartMode.HASH ? partField : null,
                    length,
                    zone,
                    from,
                    to,
                    partitions,
                    maxPartitions,
                    name,
                    template,
                    partFunc == null ? null : TableName.parse(partFunc),
                    before,
                    after,
                    makeForDeletes,
                    kept,
                    ignoreOldEvents,
                    ahead);
        }

        private static PartitionTemplate template(String key, String sql, List<String> problems) {
            try {
                return sql == null ? null : PartitionTemplate.parse(sql);
            } catch (IllegalArgumentException refused) {
                problems.add(key + ": " + refused.getMessage());
                return null;
            }
        }

        private PartitionName name(TableName table, PartMode mode, Period length, List<String> problems) {
            PartitionName name = partName == null ? PartitionName.of(mode, length) : new PartitionName(partName);
            List<String> wrong = name.problems(mode, length);
            problems.addAll(wrong);
            if (table != null && wrong.isEmpty()) {
                String setting = partName == null ? "destTable" : "partName";
                String partition = name.example(table, mode, partitions);
                if (partition.isEmpty()) {
                    problems.add(setting + ": " + name + " leaves a partition without a name");
                }
                refuseLong(
                        setting,
                        "a partition such as " + partition,
                        mode == PartMode.LIST ? partition + "_".repeat(PartitionName.HASH_LENGTH) : partition,
                        problems);
            }
            return name;
        }

        private void numbers(TableMode kind, PartMode mode, List<String> problems) {
            if (mode == PartMode.HASH && (partitions < 1 || partitions > MOST_PARTITIONS)) {
                problems.add("partMode = hash needs partitions, how many there are: 1 to " + MOST_PARTITIONS + ", not "
                        + partitions);
            }
            if (mode != PartMode.HASH && partitions != 0) {
                problems.add("partitions = " + partitions + " has no meaning without partMode = hash");
            }
            if (maxPartitions < 1) {
                problems.add("maxPartitions = " + maxPartitions + ": must be at least 1");
            }
            boolean parts = kind == TableMode.PART || kind == null;
            if (!parts || (mode != null && !mode.dated())) {
                String without = parts ? "partMode = " + mode : "tableMode = " + kind;
                if (retentionPeriod != null) {
                    problems.add("retentionPeriod has no meaning with " + without + ": no partition grows old");
                }
                if (ahead != 0) {
                    problems.add("ahead has no meaning with " + without);
                }
            }
        }

        /** Null where there is none. */
        private Retention retention(List<String> problems) {
            Retention.Action action =
                    named(Retention.Action.values(), Objects.requireNonNullElse(retention, DEFAULT_RETENTION));
            if (action == null) {
                problems.add("retention = " + retention + ": must be drop or detach");
            }
            if (retentionPeriod == null) {
                if (ignoreOldEvents) {
                    problems.add("ignoreOldEvents needs retentionPeriod, which says what is old");
                }
                return null;
            }
            if (action == Retention.Action.DETACH && !ignoreOldEvents) {
                problems.add(
                        "retention = detach needs ignoreOldEvents = true: a detached table keeps its name, so an old"
                                + " row's partition could not be made again");
            }
            try {
                return new Retention(RetentionPeriod.parse(retentionPeriod), action);
            } catch (IllegalArgumentException wrong) {
                problems.add("retentionPeriod = " + retentionPeriod + ": " + wrong.getMessage());
                return null;
            }
        }

        private TableName table(List<String> problems) {
            if (destTable == null || destTable.isBlank()) {
                problems.add("destTable is missing: the table whose partitions take the rows");
                return null;
            }
            TableName table = TableName.parse(destTable);
            if (table.name().isEmpty() || "".equals(table.schema())) {
                problems.add("destTable = " + destTable + ": must be a table's name, or schema.name");
                return null;
            }
            if (destTable.indexOf('\0') >= 0) {
                problems.add("destTable holds a NUL character");
                return null;
            }
            refuseLong("destTable", "the schema " + table.schema(), table.schema(), problems);
            return table;
        }

        private static void refuseLong(String key, String what, String name, List<String> problems) {
            int bytes = name == null ? 0 : name.getBytes(StandardCharsets.UTF_8).length;
            if (bytes > MAX_NAME_BYTES) {
                problems.add(key + ": " + what + " has " + bytes + " bytes, and PostgreSQL would cut it to "
                        + MAX_NAME_BYTES + ", so that several became one; use a shorter name");
            }
        }

        private PartMode mode(List<String> problems) {
            PartMode mode = partMode == null ? null : named(PartMode.values(), partMode);
            if (partMode != null && mode == null) {
                problems.add("partMode = " + partMode
                        + ": must be date_field, event_time, batch_time, current_time, list or hash");
                return null;
            }
            boolean eventTime = EVENT_TIME_FIELD.equals(partField);
            if (mode == null) {
                mode = eventTime ? PartMode.EVENT_TIME : partField != null ? PartMode.DATE_FIELD : null;
                if (mode == null) {
                    problems.add("partField is missing: a column's name, or " + EVENT_TIME_FIELD
                            + " for the event's time (or set partMode)");
                }
            } else if ((mode == PartMode.DATE_FIELD || !mode.dated()) && partField == null) {
                problems.add("partMode = " + mode + " needs partField: the column that places a row");
            } else if (eventTime && mode != PartMode.EVENT_TIME) {
                problems.add("partField = " + EVENT_TIME_FIELD + " contradicts partMode = " + mode);
            } else if (mode != PartMode.DATE_FIELD && mode.dated() && partField != null && !eventTime) {
                problems.add("partField = " + partField + " has no meaning with partMode = " + mode
                        + ": leave one of them out");
            }
            return mode;
        }

        private ZoneId zone(List<String> problems) {
            String text = Objects.requireNonNullElse(timeZone, DEFAULT_TIME_ZONE);
            if (Character.isDigit(text.charAt(0))) {
                // In an endpoint's URI a plus sign means a space.
                text = "+" + text;
            }
            try {
                return ZoneId.of(text);
            } catch (DateTimeException unknown) {
                problems.add("timeZone = " + text + ": must be a zone such as UTC, Europe/Riga or +02:00");
                return null;
            }
        }

        private static Limit limit(String key, String text, int direction, List<String> problems) {
            try {
                if (!text.isEmpty() && Character.toUpperCase(text.charAt(0)) == 'P') {
                    java.time.Period distance = java.time.Period.parse(text);
                    if (!distance.isNegative()) {
                        return new Limit(null, distance, direction);
                    }
                } else {
                    LocalDate date = LocalDate.parse(text);
                    if (!date.isBefore(FIRST) && !date.isAfter(LAST)) {
                        return new Limit(date, null, direction);
                    }
                }
            } catch (DateTimeParseException wrong) {
                // reported below, like a date out of range
            }
            problems.add(key + " = " + text + ": must be a date from 0001-01-01 to 9999-12-31, or an ISO period "
                    + (direction < 0 ? "before" : "after") + " today such as P2Y or P10D");
            return null;
        }
    }
}
