package io.pgcaravan.partition;

/**
 * Reads a date or timestamp in PostgreSQL's ISO style from bytes: {@code 2026-10-02}, {@code 2026-10-02 05:04:03.123},
 * with {@code T} between, with an offset ({@code +02}, {@code +02:00}, {@code +0530}, {@code Z}). One instance is used
 * over and over, because every row is read by it.
 */
final class DateText {

    /** {@link #offsetSeconds} of a value without an offset. */
    static final int NO_OFFSET = Integer.MIN_VALUE;

    private static final int[] DAYS_BEFORE_MONTH = {0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    private static final int[] DAYS_IN_MONTH = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    private static final int DAYS_FROM_YEAR_0_TO_1970 = 719_528;

    /** Days since 1970-01-01, before any offset is applied. */
    int epochDay;

    /**
     * Microseconds since the start of that day, from 0 to 86,400,000,000 inclusive (PostgreSQL takes 24:00 and 23:59:60).
     */
    long microsOfDay;

    /** Seconds east of UTC, or {@link #NO_OFFSET}. */
    int offsetSeconds;

    /**
     * Reads a value into the fields above.
     *
     * @return null where it was read, else why it cannot be placed
     */
    String read(byte[] text, int from, int to) {
        if (to - from < 10 || text[from + 4] != '-' || text[from + 7] != '-') {
            return complaint(text, from, to);
        }
        int year = four(text, from);
        int month = two(text, from + 5);
        int day = two(text, from + 8);
        if ((year | month | day) < 0) {
            return complaint(text, from, to);
        }
        if (month < 1 || month > 12 || day < 1 || year < 1) {
            return "invalid date";
        }
        boolean leap = (year & 3) == 0 && (year % 100 != 0 || year % 400 == 0);
        if (day > DAYS_IN_MONTH[month] && !(leap && month == 2 && day == 29)) {
            return "invalid date";
        }
        int before = year - 1;
        epochDay = year * 365
                + before / 4
                - before / 100
                + before / 400
                + 1
                + DAYS_BEFORE_MONTH[month]
                + (leap && month > 2 ? 1 : 0)
                + day
                - 1
                - DAYS_FROM_YEAR_0_TO_1970;
        microsOfDay = 0;
        offsetSeconds = NO_OFFSET;
        return to - from == 10 ? null : readTime(text, from, from + 10, to);
    }

    private String readTime(byte[] text, int from, int separator, int to) {
        int at = separator;
        if ((text[at] != ' ' && text[at] != 'T') || to - at < 6 || text[at + 3] != ':') {
            return complaint(text, from, to);
        }
        int hour = two(text, at + 1);
        int minute = two(text, at + 4);
        at += 6;
        int second = 0;
        if (at < to && text[at] == ':') {
            second = to - at < 3 ? -1 : two(text, at + 1);
            at += 3;
        }
        if ((hour | minute | second) < 0) {
            return complaint(text, from, to);
        }
        if (hour > 24 || minute > 59 || second > 60) {
            return "invalid time of day";
        }
        long micros = (hour * 3600 + minute * 60 + second) * 1_000_000L;
        if (at < to && text[at] == '.') {
            at++;
            int digits = 0;
            int fraction = 0;
            boolean up = false;
            for (; at < to && text[at] >= '0' && text[at] <= '9'; at++, digits++) {
                if (digits < 6) {
                    fraction = fraction * 10 + text[at] - '0';
                } else if (digits == 6) {
                    up = text[at] >= '5';
                }
            }
            for (; digits < 6; digits++) {
                fraction *= 10;
            }
            micros += up ? fraction + 1 : fraction;
        }
        if (micros > 86_400_000_000L) {
            return "invalid time of day";
        }
        microsOfDay = micros;
        return at == to ? null : readOffset(text, from, at, to);
    }

    private String readOffset(byte[] text, int from, int sign, int to) {
        if (text[sign] == 'Z' && sign + 1 == to) {
            offsetSeconds = 0;
            return null;
        }
        if (text[sign] != '+' && text[sign] != '-') {
            return complaint(text, from, to);
        }
        int at = sign + 1;
        int seconds = 0;
        int unit = 3600;
        while (at < to && unit > 0) {
            int part = to - at < 2 ? -1 : two(text, at);
            if (part < 0 || part > (unit == 3600 ? 15 : 59)) {
                return complaint(text, from, to);
            }
            seconds += part * unit;
            unit /= 60;
            at += 2;
            if (at < to && text[at] == ':') {
                at++;
                if (at == to) {
                    return complaint(text, from, to);
                }
            }
        }
        if (at != to || unit == 3600) {
            return complaint(text, from, to);
        }
        offsetSeconds = text[sign] == '-' ? -seconds : seconds;
        return null;
    }

    /** Two digits as a number, negative where they are none. */
    private static int two(byte[] text, int at) {
        int tens = text[at] - '0';
        int ones = text[at + 1] - '0';
        return (tens | ones | (9 - tens) | (9 - ones)) < 0 ? -1 : tens * 10 + ones;
    }

    private static int four(byte[] text, int at) {
        int high = two(text, at);
        int low = two(text, at + 2);
        return (high | low) < 0 ? -1 : high * 100 + low;
    }

    /** Says what kind of value it is that is no ISO date; only for values that are refused. */
    private static String complaint(byte[] text, int from, int to) {
        String value = new String(text, from, to - from, java.nio.charset.StandardCharsets.UTF_8);
        if (value.isEmpty()) {
            return "it is empty";
        }
        if (value.matches("(?i)\\s*[+-]?infinity\\s*")) {
            return "infinity belongs to no partition";
        }
        if (value.matches("(?s).* BC")) {
            return "a date before Christ belongs to no partition";
        }
        if (value.matches("\\d{5,}-\\d\\d-\\d\\d.*")) {
            return "years past 9999 belong to no partition";
        }
        return "it is not an ISO date or timestamp (2026-10-02, 2026-10-02 05:04:03+02);"
                + " where the producer's DateStyle is another one, set it to ISO there";
    }
}
