package io.pgcaravan.database;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;

/**
 * The two ways in which libpq has connections written, taken apart: {@code host=db1 dbname='my shop'} and
 * {@code postgresql://user@db1,db2:5433/shop?sslmode=require}. Errors name positions and keys, never values.
 *
 * @see <a href="https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING">Connection Strings</a>
 */
final class ConnectionText {

    private final String text;
    private final Map<Keyword, String> values = new EnumMap<>(Keyword.class);
    private int at;

    private ConnectionText(String text) {
        this.text = text;
    }

    static boolean isUri(String text) {
        return text.startsWith("postgresql://") || text.startsWith("postgres://");
    }

    /**
     * What is given, by key; of a key given twice the last.
     *
     * @throws IllegalArgumentException where libpq would refuse the text
     */
    static Map<Keyword, String> parse(String text) {
        ConnectionText parser = new ConnectionText(text);
        if (isUri(text)) {
            parser.uri();
        } else {
            parser.conninfo();
        }
        return parser.values;
    }

    // ---- key=value

    private void conninfo() {
        while (skipBlanks()) {
            int start = at;
            while (at < text.length() && text.charAt(at) != '=' && !isBlank(text.charAt(at))) {
                at++;
            }
            String key = text.substring(start, at);
            boolean equals = skipBlanks() && text.charAt(at) == '=';
            if (!equals || key.isEmpty()) {
                throw new IllegalArgumentException("is no conninfo string: "
                        + (key.isEmpty() ? "a = without a key" : "a word without =") + " at position " + (start + 1));
            }
            at++;
            skipBlanks();
            String value = at < text.length() && text.charAt(at) == '\'' ? quoted(key) : bare();
            values.put(keyword(key), value);
        }
    }

    private String bare() {
        StringBuilder value = new StringBuilder();
        while (at < text.length() && !isBlank(text.charAt(at))) {
            if (text.charAt(at) == '\\') {
                at++;
                if (at == text.length()) {
                    break;
                }
            }
            value.append(text.charAt(at++));
        }
        return value.toString();
    }

    private String quoted(String key) {
        int start = at++;
        StringBuilder value = new StringBuilder();
        while (at < text.length() && text.charAt(at) != '\'') {
            if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                at++;
            }
            value.append(text.charAt(at++));
        }
        if (at == text.length()) {
            throw new IllegalArgumentException("is no conninfo string: the quote around the value of " + key
                    + ", at position " + (start + 1) + ", has no end");
        }
        at++;
        return value.toString();
    }

    private boolean skipBlanks() {
        while (at < text.length() && isBlank(text.charAt(at))) {
            at++;
        }
        return at < text.length();
    }

    /** What C's isspace says; newlines too, as ini files have values of several lines. */
    private static boolean isBlank(char c) {
        return c == ' ' || c >= '\t' && c <= '\r';
    }

    /** @throws IllegalArgumentException where libpq has no such parameter */
    static Keyword keyword(String name) {
        Keyword keyword = Keyword.of(name);
        if (keyword == null) {
            throw new IllegalArgumentException(
                    "has a key \"" + name + "\" that libpq does not know" + Spelling.nearest(name, Keyword.names()));
        }
        return keyword;
    }

    // ---- URIs

    private void uri() {
        at = text.indexOf("//") + 2;
        int userEnd = at;
        while (userEnd < text.length() && text.charAt(userEnd) != '@' && text.charAt(userEnd) != '/') {
            userEnd++;
        }
        if (userEnd < text.length() && text.charAt(userEnd) == '@') {
            String who = text.substring(at, userEnd);
            int colon = who.indexOf(':');
            putUnlessEmpty(Keyword.USER, colon < 0 ? who : who.substring(0, colon));
            putUnlessEmpty(Keyword.PASSWORD, colon < 0 ? "" : who.substring(colon + 1));
            at = userEnd + 1;
        }
        hosts();
        if (at < text.length() && text.charAt(at) == '/') {
            int start = ++at;
            at = upTo("?");
            putUnlessEmpty(Keyword.DBNAME, text.substring(start, at));
        }
        if (at < text.length()) {
            parameters(text.substring(at + 1));
        }
    }

    private void hosts() {
        StringBuilder hosts = new StringBuilder();
        StringBuilder ports = new StringBuilder();
        while (true) {
            if (at < text.length() && text.charAt(at) == '[') {
                int end = text.indexOf(']', at);
                if (end < 0) {
                    throw new IllegalArgumentException("is no valid URI: the [ at position " + (at + 1)
                            + " has no ] (around the address of an IPv6 host)");
                }
                if (end == at + 1) {
                    throw new IllegalArgumentException(
                            "is no valid URI: there is no address between the [] at position " + (at + 1));
                }
                hosts.append(text, at + 1, end);
                at = end + 1;
                if (at < text.length() && ":/?,".indexOf(text.charAt(at)) < 0) {
                    throw new IllegalArgumentException("is no valid URI: unexpected character at position " + (at + 1)
                            + "; after [address] comes a port, a comma, a path or ?");
                }
            } else {
                int start = at;
                at = upTo(":/?,");
                hosts.append(text, start, at);
            }
            if (at < text.length() && text.charAt(at) == ':') {
                int start = ++at;
                at = upTo("/?,");
                ports.append(text, start, at);
            }
            if (at == text.length() || text.charAt(at) != ',') {
                break;
            }
            hosts.append(',');
            ports.append(',');
            at++;
        }
        putUnlessEmpty(Keyword.HOST, hosts.toString());
        putUnlessEmpty(Keyword.PORT, ports.toString());
    }

    private int upTo(String stops) {
        int end = at;
        while (end < text.length() && stops.indexOf(text.charAt(end)) < 0) {
            end++;
        }
        return end;
    }

    private void parameters(String query) {
        if (query.isEmpty()) {
            return;
        }
        for (String parameter : query.split("&", -1)) {
            int equals = parameter.indexOf('=');
            if (equals < 0 || parameter.indexOf('=', equals + 1) >= 0) {
                throw new IllegalArgumentException("is no valid URI: after the ?, "
                        + (equals < 0
                                ? "a parameter has no ="
                                : "parameter " + decode(parameter.substring(0, equals))
                                        + " has a second = (write %3D in a value)"));
            }
            String key = decode(parameter.substring(0, equals));
            String value = decode(parameter.substring(equals + 1));
            // the one word of JDBC's that libpq takes
            if (key.equals("ssl") && value.equals("true")) {
                values.put(Keyword.SSLMODE, "require");
            } else {
                values.put(keyword(key), value);
            }
        }
    }

    private void putUnlessEmpty(Keyword key, String raw) {
        if (!raw.isEmpty()) {
            values.put(key, decode(raw));
        }
    }

    /** Only %xx means another character; a plus sign is a plus sign. */
    private static String decode(String raw) {
        if (raw.indexOf('%') < 0) {
            return raw;
        }
        byte[] bytes = raw.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream decoded = new ByteArrayOutputStream(bytes.length);
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] != '%') {
                decoded.write(bytes[i]);
                continue;
            }
            int high = i + 2 < bytes.length ? Character.digit(bytes[i + 1], 16) : -1;
            int low = i + 2 < bytes.length ? Character.digit(bytes[i + 2], 16) : -1;
            if (high < 0 || low < 0 || high + low == 0) {
                throw new IllegalArgumentException(
                        "is no valid URI: a % that is not followed by the two hexadecimal digits of a character"
                                + " (write %25 for a percent sign)");
            }
            decoded.write(16 * high + low);
            i += 2;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(decoded.toByteArray()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("is no valid URI: its %xx are no UTF-8");
        }
    }
}
