package io.pgcaravan.load;

import java.util.List;
import java.util.Objects;

/**
 * Which texts of a type mean one value whatever the producer's DateStyle, IntervalStyle and lc_monetary were. Any other is
 * refused before PostgreSQL reads it by settings of the target's own.
 */
sealed interface TextStyle {

    /** The setting that decides how such values are written, for messages. */
    String setting();

    boolean fits(byte[] text, int from, int to);

    /** Types whose text depends on a setting. */
    enum Single implements TextStyle {
        /** {@code 2026-10-02}, perhaps with a time and an offset; years past 9999, BC and infinity too. */
        DATE("DateStyle") {
            @Override
            public boolean fits(byte[] text, int from, int to) {
                int year = digitsEnd(text, from, to);
                if (year - from < 4
                        || to - year < 6
                        || text[year] != '-'
                        || digitsEnd(text, year + 1, to) != year + 3
                        || text[year + 3] != '-'
                        || digitsEnd(text, year + 4, to) != year + 6) {
                    return is("infinity", text, from, to) || is("-infinity", text, from, to);
                }
                int end = to - year > 8 && is(" BC", text, to - 3, to) ? to - 3 : to;
                int time = year + 6;
                return time == end || (text[time] == ' ' || text[time] == 'T') && isTime(text, time + 1, end);
            }
        },

        /** A time of day, perhaps with an offset; names of time zones mean what the server's configuration says. */
        TIME("DateStyle") {
            @Override
            public boolean fits(byte[] text, int from, int to) {
                return isTime(text, from, to);
            }
        },

        /**
         * Numbers with their units and a time ({@code 1 year 2 mons -3 days +04:05:06}), and the two styles that are read
         * alike everywhere: {@code P1Y2M} and {@code @ 1 year}. In {@code -1 2:03:04} the sign's reach is a matter of style.
         */
        INTERVAL("IntervalStyle") {
            @Override
            public boolean fits(byte[] text, int from, int to) {
                if (from < to && (text[from] == 'P' || text[from] == '@')) {
                    return true;
                }
                for (int at = from; at < to; ) {
                    if (text[at] == ' ' || isLetter(text[at])) {
                        at++;
                        continue;
                    }
                    boolean time = false;
                    int start = text[at] == '-' || text[at] == '+' ? at + 1 : at;
                    for (at = start; at < to && (isDigit(text[at]) || text[at] == '.' || text[at] == ':'); at++) {
                        time |= text[at] == ':';
                    }
                    int unit = at;
                    while (unit < to && text[unit] == ' ') {
                        unit++;
                    }
                    boolean named = unit < to && isLetter(text[unit]);
                    // -infinity has a sign before a letter
                    if (at == start && !named || !time && !named) {
                        return false;
                    }
                }
                return from < to;
            }
        },

        /** {@code -$1,234.50}, as lc_monetary=C writes it; the sign of the currency and the commas may be missing. */
        MONEY("lc_monetary") {
            @Override
            public boolean fits(byte[] text, int from, int to) {
                int at = from < to && text[from] == '-' ? from + 1 : from;
                at = at < to && text[at] == '$' ? at + 1 : at;
                int end = digitsEnd(text, at, to);
                boolean number = end > at;
                boolean grouped = false;
                while (number && end < to && text[end] == ',') {
                    number = digitsEnd(text, end + 1, to) == end + 4;
                    end += 4;
                    grouped = true;
                }
                // 1.235 and 1,235 are a thousand to some
                boolean cents = number && end < to && text[end] == '.' && to - end <= 3;
                return number && (cents ? digitsEnd(text, end + 1, to) == to : end == to && !grouped);
            }
        };

        private final String setting;

        Single(String setting) {
            this.setting = setting;
        }

        @Override
        public String setting() {
            return setting;
        }

        /** The style of a built-in type, null where its text depends on no setting. */
        static Single ofType(int oid) {
            return switch (oid) {
                case 790 -> MONEY;
                case 1082, 1114, 1184 -> DATE;
                case 1186 -> INTERVAL;
                case 1266 -> TIME;
                default -> null;
            };
        }

        private static boolean isTime(byte[] text, int from, int to) {
            for (int at = from; at < to; at++) {
                byte b = text[at];
                if (!isDigit(b) && b != ':' && b != '.' && b != '+' && b != '-' && (b != 'Z' || at + 1 < to)) {
                    return false;
                }
            }
            return from < to;
        }
    }

    /** Arrays, ranges and multiranges: whatever stands between their signs is a value, empty or NULL. */
    record Several(TextStyle of) implements TextStyle {
        @Override
        public String setting() {
            return of.setting();
        }

        @Override
        public boolean fits(byte[] text, int from, int to) {
            if (of instanceof Composite) {
                return new Composite(List.of(), of).fits(text, from, to);
            }
            int at = from;
            // the bounds of an array that does not start at 1
            for (int i = from; i < to && text[from] == '['; i++) {
                at = text[i] == '=' ? i + 1 : at;
            }
            while (at < to) {
                int start = at;
                while (at < to && "{}[](),\"\\".indexOf(text[at]) < 0) {
                    at++;
                }
                boolean nothing = start == at || is("NULL", text, start, at) || is("empty", text, start, at);
                if (!nothing && !of.fits(text, start, at)) {
                    return false;
                }
                at++;
            }
            return true;
        }
    }

    /**
     * Values with their own styles between parentheses, or (where {@code each} is not null) rows of an array.
     *
     * @param columns null elements stand for columns that any text suits
     */
    record Composite(List<TextStyle> columns, TextStyle each) implements TextStyle {
        @Override
        public String setting() {
            return each != null
                    ? each.setting()
                    : columns.stream()
                            .filter(Objects::nonNull)
                            .findFirst()
                            .orElseThrow()
                            .setting();
        }

        @Override
        public boolean fits(byte[] text, int from, int to) {
            byte[] value = new byte[to - from];
            int length = 0;
            int column = 0;
            boolean quoted = false;
            boolean wasQuoted = false;
            int first = from + 1;
            // the bounds of an array that does not start at 1
            while (each != null && text[from] == '[' && first < to && text[first - 1] != '=') {
                first++;
            }
            for (int at = first; at < to; at++) {
                byte b = text[at];
                if (b == '\\' && at + 1 < to || quoted && b == '"' && at + 1 < to && text[at + 1] == '"') {
                    value[length++] = text[++at];
                } else if (b == '"') {
                    quoted = !quoted;
                    wasQuoted = true;
                } else if (!quoted && (b == ',' || at == to - 1)) {
                    TextStyle style = each != null ? each : column < columns.size() ? columns.get(column) : null;
                    boolean nothing = !wasQuoted && (length == 0 || each != null && is("NULL", value, 0, length));
                    if (style != null && !nothing && !style.fits(value, 0, length)) {
                        return false;
                    }
                    column++;
                    length = 0;
                    wasQuoted = false;
                } else if (quoted || each == null || b != '{' && b != '}') {
                    value[length++] = b;
                }
            }
            return true;
        }
    }

    /**
     * Of a type made of others; null where none of these has a style.
     *
     * @param kind as in {@code pg_type.typtype}
     */
    static TextStyle of(String kind, List<TextStyle> parts) {
        TextStyle first = parts.stream().filter(Objects::nonNull).findFirst().orElse(null);
        if (first == null || kind.equals("d")) {
            return first;
        }
        return kind.equals("c") ? new Composite(parts, null) : first instanceof Several ? first : new Several(first);
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    private static boolean isLetter(byte b) {
        return (b | 0x20) >= 'a' && (b | 0x20) <= 'z';
    }

    private static int digitsEnd(byte[] text, int from, int to) {
        int at = from;
        while (at < to && isDigit(text[at])) {
            at++;
        }
        return at;
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
}
