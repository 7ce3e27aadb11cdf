package io.pgcaravan.partition;

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
 * @param partMode which time places a row
 * @param partField the column that places a row, as the target names it; null unless {@code partMode} is date_field
 * @param period how much time a partition holds
 * @param timeZone where an instant (a value with an offset, an event's time) becomes a date
 * @param oldest earliest date that a row may have, itself allowed
 * @param newest latest date that a row may have, itself allowed
 * @param partTemplate SQL that makes a partition; null to make it like its parent
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
        PartMode partMode,
        String partField,
        Period period,
        ZoneId timeZone,
        Limit oldest,
        Limit newest,
        PartitionTemplate partTemplate,
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
        private String partTemplate;
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

        /** SQL that makes a partition, with table_dispatcher's replacements. Default: made like its parent. */
        public Builder partTemplate(String text) {
            partTemplate = text == null || text.isBlank() ? null : text;
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
            TableName table = table(length, problems);
            PartMode mode = mode(problems);
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
            PartitionTemplate template = null;
            if (partTemplate != null) {
                try {
                    template = PartitionTemplate.parse(partTemplate);
                } catch (IllegalArgumentException refused) {
                    problems.add("partTemplate: " + refused.getMessage());
                }
            }
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
                    mode,
                    mode == PartMode.DATE_FIELD ? partField : null,
                    length,
                    zone,
                    from,
                    to,
                    template,
                    makeForDeletes,
                    kept,
                    ignoreOldEvents,
                    ahead);
        }

        /** Null where there is none. */
        private Retention retention(List<String> problems) {
            Retention.Action action = Retention.Action.parse(Objects.requireNonNullElse(retention, DEFAULT_RETENTION));
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

        private TableName table(Period length, List<String> problems) {
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
            if (length != null) {
                String partition = table.name() + length.example();
                refuseLong("destTable", "a partition such as " + partition, partition, problems);
            }
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
            PartMode mode = partMode == null ? null : PartMode.parse(partMode);
            if (partMode != null && mode == null) {
                problems.add("partMode = " + partMode + ": must be date_field, event_time, batch_time or current_time");
                return null;
            }
            boolean eventTime = EVENT_TIME_FIELD.equals(partField);
            if (mode == null) {
                mode = eventTime ? PartMode.EVENT_TIME : partField != null ? PartMode.DATE_FIELD : null;
                if (mode == null) {
                    problems.add("partField is missing: a column's name, or " + EVENT_TIME_FIELD
                            + " for the event's time (or set partMode)");
                }
            } else if (mode == PartMode.DATE_FIELD && partField == null) {
                problems.add("partMode = date_field needs partField: the column that places a row");
            } else if (eventTime && mode != PartMode.EVENT_TIME) {
                problems.add("partField = " + EVENT_TIME_FIELD + " contradicts partMode = " + mode);
            } else if (mode != PartMode.DATE_FIELD && partField != null && !eventTime) {
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
