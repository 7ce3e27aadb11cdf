package io.pgcaravan.partition;

import java.time.DayOfWeek;
import java.time.LocalDateTime;
import java.time.temporal.ChronoUnit;
import java.time.temporal.IsoFields;
import java.time.temporal.TemporalAdjusters;
import java.util.Locale;

/**
 * How much time one partition holds, and how it is named after that time: the parent's name and a suffix, as
 * table_dispatcher and londiste write it. Weeks are ISO weeks: they start on Monday, and their year is the week's, not
 * the day's (2027-01-01 is in {@code _2026_w53}).
 */
public enum Period {
    HOUR("_2026_10_02_05"),
    DAY("_2026_10_02"),
    WEEK("_2026_w40"),
    MONTH("_2026_10"),
    YEAR("_2026");

    private final String example;

    Period(String example) {
        this.example = example;
    }

    /**
     * Reads {@code hour}, {@code day}, {@code week}, {@code month}, {@code year}, or table_dispatcher's {@code daily}
     * and {@code monthly}.
     *
     * @return null where it is none of them
     */
    static Period parse(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "hour", "hourly" -> HOUR;
            case "day", "daily" -> DAY;
            case "week", "weekly" -> WEEK;
            case "month", "monthly" -> MONTH;
            case "year", "yearly" -> YEAR;
            default -> null;
        };
    }

    /** The start of the period that holds this time. */
    LocalDateTime start(LocalDateTime time) {
        return switch (this) {
            case HOUR -> time.truncatedTo(ChronoUnit.HOURS);
            case DAY -> time.truncatedTo(ChronoUnit.DAYS);
            case WEEK -> time.truncatedTo(ChronoUnit.DAYS).with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY));
            case MONTH -> time.truncatedTo(ChronoUnit.DAYS).withDayOfMonth(1);
            case YEAR -> time.truncatedTo(ChronoUnit.DAYS).withDayOfYear(1);
        };
    }

    /** The start of the period after the one that starts here. */
    LocalDateTime next(LocalDateTime start) {
        return switch (this) {
            case HOUR -> start.plusHours(1);
            case DAY -> start.plusDays(1);
            case WEEK -> start.plusWeeks(1);
            case MONTH -> start.plusMonths(1);
            case YEAR -> start.plusYears(1);
        };
    }

    /** What the name of the partition that starts here has after the parent's name; of one length for each period. */
    String suffix(LocalDateTime start) {
        String year = four(this == WEEK ? start.get(IsoFields.WEEK_BASED_YEAR) : start.getYear());
        return switch (this) {
            case HOUR ->
                "_" + year + "_" + two(start.getMonthValue()) + "_" + two(start.getDayOfMonth()) + "_"
                        + two(start.getHour());
            case DAY -> "_" + year + "_" + two(start.getMonthValue()) + "_" + two(start.getDayOfMonth());
            case WEEK -> "_" + year + "_w" + two(start.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
            case MONTH -> "_" + year + "_" + two(start.getMonthValue());
            case YEAR -> "_" + year;
        };
    }

    /** A suffix of this period, for its length and for messages. */
    String example() {
        return example;
    }

    private static String two(int number) {
        return number < 10 ? "0" + number : Integer.toString(number);
    }

    private static String four(int year) {
        return "0".repeat(Math.max(0, 4 - Integer.toString(year).length())) + year;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
