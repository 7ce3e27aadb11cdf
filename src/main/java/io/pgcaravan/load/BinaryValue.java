package io.pgcaravan.load;

import java.nio.charset.StandardCharsets;

/**
 * The binary forms of single values, as the types' receive functions read them: a length, then the bytes. Each accepts less
 * than PostgreSQL's input function for the type does: just the texts whose meaning depends on no setting and no version.
 */
enum BinaryValue {
    /** Character types and json go as they are: the receive functions check, cut and pad like the input functions. */
    TEXT {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            out.putInt(to - from);
            out.put(text, from, to);
            return true;
        }
    },

    /** The text behind a format version. */
    JSONB {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            out.putInt(to - from + 1);
            out.put((byte) 1);
            out.put(text, from, to);
            return true;
        }
    },

    BOOL {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            int length = to - from;
            boolean yes = length == 1 && text[from] == 't' || is("true", text, from, to);
            if (!yes && !(length == 1 && text[from] == 'f' || is("false", text, from, to))) {
                return false;
            }
            out.putInt(1);
            out.put((byte) (yes ? 1 : 0));
            return true;
        }
    },

    INT2 {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            long value = integer(text, from, to);
            if (value < Short.MIN_VALUE || value > Short.MAX_VALUE) {
                return false;
            }
            out.putInt(2);
            out.putShort((int) value);
            return true;
        }
    },

    INT4 {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            long value = integer(text, from, to);
            if (value < Integer.MIN_VALUE || value > Integer.MAX_VALUE) {
                return false;
            }
            out.putInt(4);
            out.putInt((int) value);
            return true;
        }
    },

    INT8 {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            long value = integer(text, from, to);
            if (value == NO_INTEGER) {
                return false;
            }
            out.putInt(8);
            out.putLong(value);
            return true;
        }
    },

    /** Plain decimals; digits go in groups of four around the point. */
    NUMERIC {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            int start = from;
            boolean negative = start < to && text[start] == '-';
            if (negative) {
                start++;
            }
            int point = digitsEnd(text, start, to);
            if (point == start) {
                return false;
            }
            int scale = 0;
            if (point < to) {
                if (text[point] != '.' || digitsEnd(text, point + 1, to) != to) {
                    return false;
                }
                scale = to - point - 1;
                if (scale == 0) {
                    return false;
                }
            }
            while (start < point && text[start] == '0') {
                start++;
            }
            // the type holds far more; nobody's rows do
            if (point - start > 1000 || scale > 1000) {
                return false;
            }
            int mark = out.length();
            out.putInt(0);
            int groupsAt = out.length();
            out.putLong(0);
            int whole = point - start;
            int weight = (whole + 3) / 4 - 1;
            int groups = 0;
            int leading = -1;
            int trailing = 0;
            // positions count decimal digits from the first group's first, which may lie before the text
            int digit = start - ((weight + 1) * 4 - whole);
            int total = weight + 1 + (scale + 3) / 4;
            for (int group = 0; group < total; group++) {
                int value = 0;
                for (int i = 0; i < 4; i++, digit++) {
                    // the point stands between two groups, and takes one byte of the text
                    int at = digit < point ? digit : digit + 1;
                    value = value * 10 + (at >= start && at < to ? text[at] - '0' : 0);
                }
                if (leading < 0 && value == 0) {
                    continue;
                }
                if (leading < 0) {
                    leading = group;
                }
                out.putShort(value);
                groups++;
                trailing = value == 0 ? trailing + 1 : 0;
            }
            groups -= trailing;
            out.truncate(out.length() - 2 * trailing);
            byte[] header = out.array();
            int first = groups == 0 ? 0 : weight - leading;
            CopyBuffer.setInt(header, mark, 8 + 2 * groups);
            CopyBuffer.setInt(header, groupsAt, groups << 16 | first & 0xffff);
            CopyBuffer.setInt(header, groupsAt + 4, (negative && groups > 0 ? 0x4000 : 0) << 16 | scale);
            return true;
        }
    },

    FLOAT4 {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            if (!isFloat(text, from, to)) {
                return false;
            }
            long decimal = shortDecimal(text, from, to);
            // both are exact in a float, and one division rounds once
            float value = decimal >= 0 && decimal >> SCALE_BITS < 1 << 24 && (decimal & SCALE_MASK) <= 10
                    ? sign(text, from) * (float) (decimal >> SCALE_BITS) / (float) POWERS[(int) (decimal & SCALE_MASK)]
                    : Float.parseFloat(new String(text, from, to - from, StandardCharsets.ISO_8859_1));
            // too large, too small, or on the way there: PostgreSQL has its own word on these
            if (Math.abs(value) < Float.MIN_NORMAL && !isZero(text, from, to) || Float.isInfinite(value)) {
                return false;
            }
            out.putInt(4);
            out.putInt(Float.floatToRawIntBits(value));
            return true;
        }
    },

    FLOAT8 {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            if (!isFloat(text, from, to)) {
                return false;
            }
            long decimal = shortDecimal(text, from, to);
            double value = decimal >= 0
                    ? sign(text, from) * (double) (decimal >> SCALE_BITS) / POWERS[(int) (decimal & SCALE_MASK)]
                    : Double.parseDouble(new String(text, from, to - from, StandardCharsets.ISO_8859_1));
            if (Math.abs(value) < Double.MIN_NORMAL && !isZero(text, from, to) || Double.isInfinite(value)) {
                return false;
            }
            out.putInt(8);
            out.putLong(Double.doubleToRawLongBits(value));
            return true;
        }
    },

    /** {@code YYYY-MM-DD}, which every DateStyle reads alike. */
    DATE {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            int day = to - from == 10 ? day(text, from) : NO_DAY;
            if (day == NO_DAY) {
                return false;
            }
            out.putInt(4);
            out.putInt(day);
            return true;
        }
    },

    /** A day, or {@code YYYY-MM-DD HH:MM:SS} with at most six decimals; a zone would be dropped silently, so not with one. */
    TIMESTAMP {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            int day = to - from >= 10 ? day(text, from) : NO_DAY;
            if (day == NO_DAY) {
                return false;
            }
            long micros = 0;
            if (to - from > 10) {
                int end = timeEnd(text, from + 10, to);
                if (end != to) {
                    return false;
                }
                micros = time(text, from + 10, end);
            }
            if (micros < 0) {
                return false;
            }
            out.putInt(8);
            out.putLong(day * DAY_MICROS + micros);
            return true;
        }
    },

    /** A timestamp with its distance from UTC; without one it would mean what the session's TimeZone makes of it. */
    TIMESTAMPTZ {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            int day = to - from > 10 ? day(text, from) : NO_DAY;
            if (day == NO_DAY) {
                return false;
            }
            int end = timeEnd(text, from + 10, to);
            long micros = time(text, from + 10, end);
            long offset = offsetSeconds(text, end, to);
            if (micros < 0 || offset == NO_INTEGER) {
                return false;
            }
            out.putInt(8);
            out.putLong(day * DAY_MICROS + micros - offset * 1_000_000);
            return true;
        }
    },

    UUID {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            if (to - from != 36) {
                return false;
            }
            byte[] bytes = out.room(20);
            int end = out.length();
            CopyBuffer.setInt(bytes, end, 16);
            end += 4;
            for (int i = 0; i < 36; i++) {
                if (i == 8 || i == 13 || i == 18 || i == 23) {
                    if (text[from + i] != '-') {
                        return false;
                    }
                } else {
                    int value = hexByte(text, from + i);
                    if (value < 0) {
                        return false;
                    }
                    bytes[end++] = (byte) value;
                    i++;
                }
            }
            out.advance(end);
            return true;
        }
    },

    /** The hex format. */
    BYTEA {
        @Override
        boolean write(byte[] text, int from, int to, CopyBuffer out) {
            int length = to - from - 2;
            if (length < 0 || length % 2 != 0 || text[from] != '\\' || text[from + 1] != 'x') {
                return false;
            }
            byte[] bytes = out.room(4 + length / 2);
            int end = out.length();
            CopyBuffer.setInt(bytes, end, length / 2);
            end += 4;
            for (int i = from + 2; i < to; i += 2) {
                int value = hexByte(text, i);
                if (value < 0) {
                    return false;
                }
                bytes[end++] = (byte) value;
            }
            out.advance(end);
            return true;
        }
    };

    private static final long NO_INTEGER = Long.MIN_VALUE;
    private static final int NO_DAY = Integer.MIN_VALUE;
    private static final long DAY_MICROS = 86_400_000_000L;

    /** Days from 0000-03-01 to PostgreSQL's epoch, 2000-01-01. */
    private static final int EPOCH = 730_425;

    /** Powers of ten that a double holds exactly. */
    private static final double[] POWERS = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15
    };

    private static final int SCALE_BITS = 4;
    private static final int SCALE_MASK = 15;

    private static final int[] MONTH_DAYS = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    /**
     * Adds a value with its length in front.
     *
     * @return false where the text is not certain to mean one value; {@code out} may then hold a part of it
     */
    abstract boolean write(byte[] text, int from, int to, CopyBuffer out);

    /**
     * The encoder of a type, null where there is none.
     *
     * @param oid of the type in {@code pg_type}; these are the same everywhere
     */
    static BinaryValue ofType(int oid) {
        return switch (oid) {
            case 16 -> BOOL;
            case 17 -> BYTEA;
            case 20 -> INT8;
            case 21 -> INT2;
            case 23 -> INT4;
            case 25, 114, 1042, 1043 -> TEXT;
            case 700 -> FLOAT4;
            case 701 -> FLOAT8;
            case 1082 -> DATE;
            case 1114 -> TIMESTAMP;
            case 1184 -> TIMESTAMPTZ;
            case 1700 -> NUMERIC;
            case 2950 -> UUID;
            case 3802 -> JSONB;
            default -> null;
        };
    }

    private static boolean is(String word, byte[] text, int from, int to) {
        if (to - from != word.length()) {
            return false;
        }
        for (int i = 0; i < word.length(); i++) {
            if (text[from + i] != word.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** Up to 18 digits, perhaps behind a minus sign: all of int4 and nearly all of int8; else {@link #NO_INTEGER}. */
    private static long integer(byte[] text, int from, int to) {
        int at = from;
        boolean negative = at < to && text[at] == '-';
        if (negative) {
            at++;
        }
        if (at == to || to - at > 18) {
            return NO_INTEGER;
        }
        long value = 0;
        for (; at < to; at++) {
            int digit = text[at] - '0';
            if (digit < 0 || digit > 9) {
                return NO_INTEGER;
            }
            value = value * 10 + digit;
        }
        return negative ? -value : value;
    }

    private static int digitsEnd(byte[] text, int from, int to) {
        int at = from;
        while (at < to && text[at] >= '0' && text[at] <= '9') {
            at++;
        }
        return at;
    }

    /** Digits, perhaps decimals, perhaps an exponent: less than both Java and PostgreSQL read. */
    private static boolean isFloat(byte[] text, int from, int to) {
        int start = from < to && text[from] == '-' ? from + 1 : from;
        int at = digitsEnd(text, start, to);
        if (at == start) {
            return false;
        }
        if (at < to && text[at] == '.') {
            start = at + 1;
            at = digitsEnd(text, start, to);
            if (at == start) {
                return false;
            }
        }
        if (at < to && (text[at] == 'e' || text[at] == 'E')) {
            start = at + 1;
            if (start < to && (text[start] == '-' || text[start] == '+')) {
                start++;
            }
            at = digitsEnd(text, start, to);
            // an exponent that long is no number that fits
            if (at == start || at - start > 4) {
                return false;
            }
        }
        return at == to;
    }

    /**
     * A number of at most 15 digits without an exponent, as those digits and how many of them stand behind the point; -1
     * for any other. The sign does not count.
     */
    private static long shortDecimal(byte[] text, int from, int to) {
        int start = text[from] == '-' ? from + 1 : from;
        if (to - start > 16) {
            return -1;
        }
        long digits = 0;
        int count = 0;
        int point = to;
        for (int at = start; at < to; at++) {
            if (text[at] == '.') {
                point = at + 1;
            } else if (text[at] >= '0' && text[at] <= '9') {
                digits = digits * 10 + (text[at] - '0');
                count++;
            } else {
                return -1;
            }
        }
        return count > 15 ? -1 : digits << SCALE_BITS | (to - point);
    }

    private static int sign(byte[] text, int from) {
        return text[from] == '-' ? -1 : 1;
    }

    private static boolean isZero(byte[] text, int from, int to) {
        for (int at = from; at < to && text[at] != 'e' && text[at] != 'E'; at++) {
            if (text[at] >= '1' && text[at] <= '9') {
                return false;
            }
        }
        return true;
    }

    /** Two digits, or a negative number. */
    private static int twoDigits(byte[] text, int at) {
        int tens = text[at] - '0';
        int ones = text[at + 1] - '0';
        return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : 10 * tens + ones;
    }

    private static int hexByte(byte[] text, int at) {
        int high = hexDigit(text[at]);
        int low = hexDigit(text[at + 1]);
        return (high | low) < 0 ? -1 : high << 4 | low;
    }

    private static int hexDigit(byte b) {
        if (b >= '0' && b <= '9') {
            return b - '0';
        }
        int letter = (b | 0x20) - 'a';
        return letter >= 0 && letter < 6 ? 10 + letter : -1;
    }

    /** The ten bytes {@code YYYY-MM-DD} as days since 2000-01-01, in the Gregorian calendar for all time. */
    private static int day(byte[] text, int at) {
        int century = twoDigits(text, at);
        int yearOfCentury = twoDigits(text, at + 2);
        int month = twoDigits(text, at + 5);
        int day = twoDigits(text, at + 8);
        if ((century | yearOfCentury | month | day) < 0 || text[at + 4] != '-' || text[at + 7] != '-') {
            return NO_DAY;
        }
        int year = 100 * century + yearOfCentury;
        if (year == 0 || month == 0 || month > 12 || day == 0) {
            return NO_DAY;
        }
        boolean leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        if (day > MONTH_DAYS[month - 1] + (month == 2 && leap ? 1 : 0)) {
            return NO_DAY;
        }
        // years that begin in March have their odd day at the end
        int y = month > 2 ? year : year - 1;
        int m = month > 2 ? month - 3 : month + 9;
        return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - EPOCH;
    }

    /** Where the time behind a day ends: before an offset, or at the end. */
    private static int timeEnd(byte[] text, int from, int to) {
        int at = from;
        while (at < to && text[at] != '+' && text[at] != '-') {
            at++;
        }
        return at;
    }

    /** {@code HH:MM:SS} behind a space or T, with up to six decimals, in microseconds; negative where it is none. */
    private static long time(byte[] text, int from, int to) {
        int length = to - from;
        if (length < 9 || length == 10 || length > 16 || text[from] != ' ' && text[from] != 'T') {
            return -1;
        }
        int hour = twoDigits(text, from + 1);
        int minute = twoDigits(text, from + 4);
        int second = twoDigits(text, from + 7);
        if ((hour | minute | second) < 0
                || hour > 23
                || minute > 59
                || second > 59
                || text[from + 3] != ':'
                || text[from + 6] != ':') {
            return -1;
        }
        long micros = 0;
        if (length > 9) {
            if (text[from + 9] != '.' || digitsEnd(text, from + 10, to) != to) {
                return -1;
            }
            for (int i = 0; i < 6; i++) {
                int at = from + 10 + i;
                micros = micros * 10 + (at < to ? text[at] - '0' : 0);
            }
        }
        return ((hour * 60L + minute) * 60 + second) * 1_000_000 + micros;
    }

    /** {@code +HH}, {@code +HH:MM} or {@code +HH:MM:SS}, east of UTC, as PostgreSQL writes it; else {@link #NO_INTEGER}. */
    private static long offsetSeconds(byte[] text, int from, int to) {
        int length = to - from;
        if (length != 3 && length != 6 && length != 9) {
            return NO_INTEGER;
        }
        int hours = twoDigits(text, from + 1);
        int minutes = 0;
        int seconds = 0;
        if (length >= 6) {
            minutes = text[from + 3] == ':' ? twoDigits(text, from + 4) : -1;
        }
        if (length == 9) {
            seconds = text[from + 6] == ':' ? twoDigits(text, from + 7) : -1;
        }
        if ((hours | minutes | seconds) < 0 || hours > 14 || minutes > 59 || seconds > 59) {
            return NO_INTEGER;
        }
        int offset = (hours * 60 + minutes) * 60 + seconds;
        return text[from] == '-' ? -offset : offset;
    }
}
