package io.pgcaravan.row;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Which columns are masked, and how. Hashes are HMAC-SHA-256 of the value's text in UTF-8, keyed with the secret's UTF-8:
 * {@code hash} is its first 16 bytes as 32 hex digits (which a text, varchar(32) or uuid column takes), {@code hash64} the
 * first 8 bytes as a signed number for a bigint, {@code hash32} the first 4 for an integer. One value has one hash, in every
 * column, table and job with that secret. NULL stays NULL under every rule.
 *
 * <p>Not thread-safe.
 */
public final class Mask {

    private static final Pattern RULE = Pattern.compile("(first|last)(\\d{1,4})");
    private static final String STARS = "***";

    private static final String ALLOWED =
            "hash, hash32, hash64, bool, null, mask, first1, last4 (any number), domain, or =text for a fixed text";

    /** What one column's values become. */
    private interface Rule {

        /** @return null for NULL */
        byte[] apply(byte[] bytes, int from, int to);

        /** Whether different values stay different, so that rows can still be found by them. */
        default boolean keepsApart() {
            return false;
        }
    }

    private final Map<String, Rule> rules;

    private Mask(Map<String, Rule> rules) {
        this.rules = rules;
    }

    /**
     * Reads the settings as people write them.
     *
     * @param mask {@code column:rule, column:rule}, by the names that columns have in the event; null or blank for none
     * @param secret the key of hashes
     * @return null where nothing is masked
     * @throws IllegalArgumentException naming every problem
     */
    public static Mask of(String mask, String secret) {
        if (mask == null || mask.isBlank()) {
            return null;
        }
        List<String> problems = new ArrayList<>();
        Map<String, Rule> rules = new LinkedHashMap<>();
        Mac mac = secret == null || secret.isEmpty() ? null : keyed(secret);
        boolean hashes = false;
        for (String part : mask.split(",")) {
            int colon = part.indexOf(':');
            String column = colon < 0 ? "" : part.substring(0, colon).strip();
            String text = part.substring(colon + 1).strip();
            Rule rule = rule(text, mac);
            hashes |= text.startsWith("hash");
            if (column.isEmpty()) {
                problems.add("invalid mask \"" + part.strip() + "\": write column:rule, column:rule");
            } else if (rules.containsKey(column)) {
                problems.add("mask names column \"" + column + "\" twice");
            } else if (rule == null) {
                problems.add("mask: column \"" + column + "\" has the unknown rule \"" + text + "\"; allowed are "
                        + ALLOWED);
            }
            rules.put(column, rule);
        }
        if (hashes && mac == null) {
            problems.add("maskSecret is missing: without it the hashed values can be found by hashing guesses");
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", problems));
        }
        return new Mask(rules);
    }

    private static Rule rule(String text, Mac mac) {
        Matcher part = RULE.matcher(text);
        if (part.matches()) {
            int length = Integer.parseInt(part.group(2));
            boolean first = part.group(1).equals("first");
            return (bytes, from, to) -> partly(text(bytes, from, to), length, first);
        }
        if (text.startsWith("=")) {
            byte[] fixed = utf8(text.substring(1));
            return (bytes, from, to) -> fixed;
        }
        return switch (text) {
            case "hash" -> hash(mac, 16);
            case "hash64" -> hash(mac, 8);
            case "hash32" -> hash(mac, 4);
            case "bool" -> (bytes, from, to) -> utf8(to > from ? "t" : "f");
            case "null" -> (bytes, from, to) -> null;
            case "mask" -> (bytes, from, to) -> utf8(STARS);
            case "domain" -> (bytes, from, to) -> domain(text(bytes, from, to));
            default -> null;
        };
    }

    private static Rule hash(Mac mac, int length) {
        return new Rule() {
            @Override
            public byte[] apply(byte[] bytes, int from, int to) {
                mac.update(bytes, from, to - from);
                byte[] start = Arrays.copyOf(mac.doFinal(), length);
                return utf8(length == 16 ? HexFormat.of().formatHex(start) : new BigInteger(start).toString());
            }

            @Override
            public boolean keepsApart() {
                // of 32 bits, two among some ten thousand values are the same
                return length > 4;
            }
        };
    }

    private static Mac keyed(String secret) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(utf8(secret), "HmacSHA256"));
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has HmacSHA256", e);
        }
    }

    /** A short value is not shown at all: half of it would be too much. */
    private static byte[] partly(String text, int length, boolean first) {
        int letters = text.codePointCount(0, text.length());
        if (letters < 2 * length || length == 0) {
            return utf8(STARS);
        }
        return utf8(
                first
                        ? text.substring(0, text.offsetByCodePoints(0, length)) + STARS
                        : STARS + text.substring(text.offsetByCodePoints(text.length(), -length)));
    }

    private static byte[] domain(String text) {
        int at = text.lastIndexOf('@');
        return utf8(at < 0 ? STARS : STARS + text.substring(at));
    }

    private static String text(byte[] bytes, int from, int to) {
        return new String(bytes, from, to - from, StandardCharsets.UTF_8);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /**
     * The same rules for rows whose columns have other names.
     *
     * @throws IllegalArgumentException where a masked column is not taken at all, as then its name may be mistaken
     */
    Mask renamed(RowSelection selection) {
        Map<String, Rule> renamed = new LinkedHashMap<>();
        rules.forEach((column, rule) -> {
            List<String> targets = selection.targets(column);
            if (targets.isEmpty()) {
                throw new IllegalArgumentException("mask names column \"" + column
                        + "\", which fields or skipFields leave out: take it out of mask");
            }
            targets.forEach(target -> renamed.put(target, rule));
        });
        return new Mask(renamed);
    }

    /**
     * Masks a row's values in place; a key that a masked column belongs to is lost where the rule does not keep values apart.
     *
     * @return the masked column that the row lacks, and then nothing was done; null where it has them all
     */
    String apply(RowChange row) {
        int[] positions = new int[rules.size()];
        int n = 0;
        for (String column : rules.keySet()) {
            positions[n] = row.columns().position(column);
            if (positions[n++] < 0) {
                return column;
            }
        }
        byte[][] values = new byte[row.columns().size()][];
        boolean[] masked = new boolean[values.length];
        n = 0;
        for (Map.Entry<String, Rule> one : rules.entrySet()) {
            int i = positions[n++];
            masked[i] = true;
            values[i] = row.isNull(i) ? null : one.getValue().apply(row.bytes(), row.from(i), row.to(i));
            if (row.key().contains(one.getKey()) && !one.getValue().keepsApart()) {
                row.loseKey(one.getKey());
            }
        }
        row.replace(values, masked);
        return null;
    }
}
