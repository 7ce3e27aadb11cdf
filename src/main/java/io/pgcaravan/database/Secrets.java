package io.pgcaravan.database;

import java.util.regex.Pattern;

/** Keeps passwords out of what people and logs get to read. */
public final class Secrets {

    /** What a value is replaced by. */
    public static final String MASK = "xxxxxx";

    private static final String KEY = "[A-Za-z_.-]*(?:password|passwd|passphrase|secret|token|credential|privatekey"
            + "|accesskey|apikey)[A-Za-z_.-]*";

    private static final Pattern SECRET_KEY = Pattern.compile("(?i)" + KEY);

    /** {@code key=value}, as in URLs, properties and conninfo strings; quoted, in Camel's RAW(), or up to a separator. */
    private static final Pattern ASSIGNED = Pattern.compile("(?i)(" + KEY + "\\s*=\\s*)"
            + "(?!\\{\\{)(RAW\\(.*?\\)(?=[&\\s\"']|$)|RAW\\{.*?}(?=[&\\s\"']|$)|'(?:[^'\\\\]|\\\\.)*'|\"[^\"]*\""
            + "|(?:\\\\.|[^\\s&;\"'])+)");

    /** The user's part of a URL: up to the last @, as passwords may hold one, and a slash. */
    private static final Pattern USER_INFO =
            Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*:(?://)?[^\\s:/@?\"']+:)([^\\s?\"']+)(@)");

    private Secrets() {}

    /** Whether the value of a key is not to be shown. */
    public static boolean isSecret(String key) {
        return SECRET_KEY.matcher(key).matches();
    }

    /** A text with the passwords in it masked: in URLs of any kind, in conninfo strings, in {@code key=value}; null for null. */
    public static String masked(String text) {
        if (text == null) {
            return null;
        }
        return USER_INFO.matcher(ASSIGNED.matcher(text).replaceAll("$1" + MASK)).replaceAll("$1" + MASK + "$3");
    }
}
