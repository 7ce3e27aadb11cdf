package io.pgcaravan.partition;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long partitions are kept, as people write it: {@code 30 days}, {@code 1 year 6 months}, {@code 36 hours}, or as
 * ISO 8601 has it, {@code P30D}, {@code P1Y6M}, {@code PT36H}.
 *
 * @param dates years, months and days, counted on the calendar of the job's time zone
 * @param time hours and less
 * @param text as it was written
 */
public record RetentionPeriod(java.time.Period dates, Duration time, String text) {

    private static final Pattern PART = Pattern.compile("\\G\\s*(\\d{1,6})\\s*([a-z]+)\\s*,?\\s*");

    /**
     * Reads a period.
     *
     * @throws IllegalArgumentException where it is none, or no longer than nothing; says what is allowed
     */
    public static RetentionPeriod parse(String text) {
        String wanted = text.strip();
        RetentionPeriod period = null;
        try {
            period = Character.toUpperCase(wanted.isEmpty() ? ' ' : wanted.charAt(0)) == 'P'
                    ? iso(wanted)
                    : words(wanted);
        } catch (DateTimeParseException | ArithmeticException wrong) {
            // said below
        }
        if (period == null
                || period.dates.isNegative()
                || period.time.isNegative()
                || (period.dates.isZero() && period.time.isZero())) {
            throw new IllegalArgumentException(
                    "must be a time longer than nothing, such as 30 days, 1 year 6 months, 36 hours, P30D or PT36H");
        }
        return period;
    }

    private static RetentionPeriod iso(String text) {
        String upper = text.toUpperCase(Locale.ROOT);
        int time = upper.indexOf('T');
        return time < 0
                ? new RetentionPeriod(java.time.Period.parse(upper), Duration.ZERO, text)
                : new RetentionPeriod(
                        time == 1 ? java.time.Period.ZERO : java.time.Period.parse(upper.substring(0, time)),
                        Duration.parse("P" + upper.substring(time)),
                        text);
    }

    private static RetentionPeriod words(String text) {
        java.time.Period dates = java.time.Period.ZERO;
        Duration time = Duration.ZERO;
        Matcher part = PART.matcher(text.toLowerCase(Locale.ROOT));
        int end = 0;
        while (part.find()) {
            int number = Integer.parseInt(part.group(1));
            switch (part.group(2)) {
                case "hour", "hours", "h" -> time = time.plusHours(number);
                case "day", "days", "d" -> dates = dates.plusDays(number);
                case "week", "weeks", "w" -> dates = dates.plusDays(7L * number);
                case "month", "months", "mon", "mons" -> dates = dates.plusMonths(number);
                case "year", "years", "y" -> dates = dates.plusYears(number);
                default -> {
                    return null;
                }
            }
            end = part.end();
        }
        return end < text.length() ? null : new RetentionPeriod(dates, time, text);
    }

    /** The instant this long before another one; {@link Instant#MIN} where there is none so early. */
    public Instant before(Instant now, ZoneId zone) {
        try {
            return ZonedDateTime.ofInstant(now, zone).minus(dates).minus(time).toInstant();
        } catch (DateTimeException | ArithmeticException tooFar) {
            return Instant.MIN;
        }
    }

    /** The instant this long after another one, which {@link #before} leads back to; {@link Instant#MAX} for too late. */
    public Instant after(Instant then, ZoneId zone) {
        try {
            return ZonedDateTime.ofInstant(then, zone).plus(time).plus(dates).toInstant();
        } catch (DateTimeException | ArithmeticException tooFar) {
            return Instant.MAX;
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
