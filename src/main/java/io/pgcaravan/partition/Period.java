package io.pgcaravan.partition;

import java.time.DayOfWeek;
import java.time.LocalDateTime;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAdjusters;
import java.util.Locale;

/** How much time one partition holds. Weeks are ISO weeks: they start on Monday. */
public enum Period {
    HOUR,
    DAY,
    WEEK,
    MONTH,
    YEAR;

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

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
