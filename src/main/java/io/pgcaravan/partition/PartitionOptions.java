package io.pgcaravan.partition;

import java.util.function.Consumer;

/**
 * Settings as a route or a command gives them; {@link #settings} reads and checks them together. A null or blank text means
 * the default.
 */
public final class PartitionOptions {

    /** Raw text whose first dot separates the schema. */
    public final String destTable;

    /** {@code part}, {@code direct} or {@code ignore}. */
    public String tableMode = "part";

    /** A column of the row, or {@code _EVTIME} for the event's time. */
    public String partField;

    /** A {@link PartMode} in small letters. Default: as {@code partField} says. */
    public String partMode;

    /** {@code hour}, {@code day}, {@code week}, {@code month} or {@code year}. */
    public String period = "day";

    /** A zone like {@code Europe/Riga} or {@code +02:00}. */
    public String timeZone = "UTC";

    /**
     * Earliest date a row may have: a date, or an ISO period before today such as {@code P2Y}. The default lets in everything
     * that computers have dated, and keeps out 1900-01-01 and 0001-01-01.
     */
    public String oldest = "1970-01-01";

    /**
     * Latest date a row may have: a date, or an ISO period after today such as {@code P1M}. The default keeps out the year
     * 52217 (milliseconds taken for seconds) and 9999-12-31 (meaning never).
     */
    public String newest = "P1Y";

    /** How many partitions there are with {@code partMode = hash}; 0 for none given. */
    public int partitions;

    /** How many partitions values may make with {@code partMode = list}. */
    public int maxPartitions = 1000;

    /** The partitions' name, with {@code %(parent)s} and so on. Default: as {@code partMode} and {@code period} say. */
    public String partName;

    /** SQL that makes a partition, with the replacements of table_dispatcher or londiste. Default: made like its parent. */
    public String partTemplate;

    /** A function of the target that makes a partition, raw text whose first dot separates the schema. */
    public String partFunc;

    /** SQL to run before a partition is made, with the replacements of {@code partTemplate}. */
    public String prePart;

    /** SQL to run after a partition was made, likewise. */
    public String postPart;

    /** See {@link PartitionSettings#makeForDeletes}; a job that appends needs it. */
    public boolean makeForDeletes = true;

    /** How long partitions are kept, as {@link RetentionPeriod} reads it. Default: always. */
    public String retentionPeriod;

    /** {@code drop} or {@code detach}: what becomes of partitions older than that. */
    public String retention = "drop";

    /** See {@link PartitionSettings#ignoreOldEvents}. */
    public boolean ignoreOldEvents;

    /** See {@link PartitionSettings#ahead}. */
    public int ahead;

    public PartitionOptions(String destTable) {
        this.destTable = destTable;
    }

    public PartitionOptions with(Consumer<PartitionOptions> change) {
        change.accept(this);
        return this;
    }

    /** @throws IllegalArgumentException naming every problem: key, value, what is allowed */
    public PartitionSettings settings() {
        return new OptionsReader(this).read();
    }
}
