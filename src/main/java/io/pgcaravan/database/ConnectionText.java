package io.pgcaravan.database;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes apart the two forms in which libpq has connections written: {@code host=db1 dbname='my shop'} and
 * {@code postgresql://user@db1,db2:5433/shop?sslmode=require}. Messages name positions and keywords, never values.
 *
 * @see <a href="https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING">Connection Strings</a>
 */
final class ConnectionText {

    private static final Pattern SETTING = Pattern.compile("(?s)([^=\\s]+)\\s*=\\s*"
            + "(?:'([^'\\\\]*+(?:\\\\.[^'\\\\]*+)*+)'|(?!')([^\\s\\\\]*+(?:\\\\.[^\\s\\\\]*+)*+)\\\\?)\\s*");
    private static final Pattern URI =
            Pattern.compile("(?s)postgres(?:ql)?://(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]*)(?:/([^?]*))?(?:\\?(.*))?");
    private static final Pattern HOST = Pattern.compile("(?:\\[([^\\]]+)]|([^:,\\[]*))(?::([^,]*))?(,|\\z)");

    private ConnectionText() {}

    static boolean isUri(String text) {
        return text.startsWith("postgresql://") || text.startsWith("postgres://");
    }

    /**
     * What is given, by keyword; of a keyword given twice the last.
     *
     * @throws IllegalArgumentException where libpq would refuse the text
     */
    static Map<Keyword, String> parse(String text) {
        Map<Keyword, String> values = new EnumMap<>(Keyword.class);
        if (isUri(text)) {
            uri(text, values);
        } else {
            conninfo(text.strip(), values);
        }
        return values;
    }

    private static void conninfo(String text, Map<Keyword, String> values) {
        Matcher setting = SETTING.matcher(text);
        int at = 0;
        while (at < text.length()) {
            if (!setting.region(at, text.length()).lookingAt()) {
                throw new IllegalArgumentException("is not a valid conninfo string: expected keyword=value at position "
                        + (at + 1) + "; a value with spaces must be in single quotes");
            }
            String value = setting.group(2) == null ? setting.group(3) : setting.group(2);
            values.put(Keyword.of(setting.group(1)), value.replaceAll("(?s)\\\\(.)", "$1"));
            at = setting.end();
        }
    }

    private static void uri(String text, Map<Keyword, String> values) {
        Matcher uri = URI.matcher(text);
        if (!uri.matches()) {
            throw invalid("expected postgresql://user@host:port/database?keyword=value");
        }
        put(values, Keyword.USER, uri.group(1));
        put(values, Keyword.PASSWORD, uri.group(2));
        hosts(uri.group(3), uri.start(3), values);
        put(values, Keyword.DBNAME, uri.group(4));
        if (uri.group(5) != null && !uri.group(5).isEmpty()) {
            for (String parameter : uri.group(5).split("&", -1)) {
                parameter(parameter.split("=", -1), values);
            }
        }
    }

    private static void hosts(String text, int start, Map<Keyword, String> values) {
        StringJoiner names = new StringJoiner(",");
        StringJoiner ports = new StringJoiner(",");
        Matcher host = HOST.matcher(text);
        int at = 0;
        do {
            if (!host.region(at, text.length()).lookingAt()) {
                throw invalid("expected host:port at position " + (start + at + 1)
                        + ", with an IPv6 address in brackets ([::1]:5432)");
            }
            names.add(host.group(1) == null ? host.group(2) : host.group(1));
            ports.add(host.group(3) == null ? "" : host.group(3));
            at = host.end();
        } while (!host.group(4).isEmpty());
        put(values, Keyword.HOST, names.toString());
        put(values, Keyword.PORT, ports.toString());
    }

    private static void parameter(String[] parts, Map<Keyword, String> values) {
        String key = decoded(parts[0]);
        if (parts.length != 2) {
            throw invalid(
                    parts.length == 1
                            ? "expected keyword=value after the ?"
                            : "parameter " + key + " has a second = (write %3D in a value)");
        }
        String value = decoded(parts[1]);
        // the one JDBC parameter that libpq takes
        boolean ssl = key.equals("ssl") && value.equals("true");
        values.put(ssl ? Keyword.SSLMODE : Keyword.of(key), ssl ? "require" : value);
    }

    private static void put(Map<Keyword, String> values, Keyword keyword, String raw) {
        if (raw != null && !raw.isEmpty()) {
            values.put(keyword, decoded(raw));
        }
    }

    /** Only %xx stands for another character; a plus sign is a plus sign. */
    private static String decoded(String raw) {
        String decoded;
        try {
            decoded = URLDecoder.decode(raw.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw invalid("a % must be followed by two hexadecimal digits (write %25 for a percent sign)");
        }
        if (decoded.indexOf('\0') >= 0 || decoded.indexOf('\uFFFD') >= 0) {
            throw invalid("its %xx must be UTF-8 without %00");
        }
        return decoded;
    }

    private static IllegalArgumentException invalid(String why) {
        return new IllegalArgumentException("is not a valid URI: " + why);
    }
}
