package io.pgcaravan.partition;

import io.pgcaravan.sql.TableName;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.format.DateTimeParseException;

/**
 * How a job partitions its destination table. Made by {@link PartitionOptions}, which checks all settings together.
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
 * @param retention what becomes of old partitions; null where they are always kept
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

    private static final LocalDate FIRST = LocalDate.of(1, 1, 1);
    private static final LocalDate LAST = LocalDate.of(9999, 12, 31);

    /** One end of the allowed window: a date, or a distance from today. */
    public record Limit(LocalDate date, java.time.Period distance, int direction) {

        /** Null where the text is neither a date of the years 1 to 9999 nor an ISO period that is not negative. */
        static Limit parse(String text, int direction) {
            try {
                if (text.startsWith("P") || text.startsWith("p")) {
                    java.time.Period distance = java.time.Period.parse(text);
                    return distance.isNegative() ? null : new Limit(null, distance, direction);
                }
                LocalDate date = LocalDate.parse(text);
                return date.isBefore(FIRST) || date.isAfter(LAST) ? null : new Limit(date, null, direction);
            } catch (DateTimeParseException neither) {
                return null;
            }
        }

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

    /** Whether a template or function decides what the partitions are: they need not inherit. */
    public boolean makesOwnTables() {
        return partTemplate != null || partFunc != null;
    }
}
