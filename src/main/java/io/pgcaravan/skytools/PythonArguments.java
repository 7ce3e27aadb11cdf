package io.pgcaravan.skytools;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The arguments of a handler in skylog.ini, a tuple as Python writes it: texts, products of numbers, names. */
final class PythonArguments {

    private static final Pattern NUMBERS = Pattern.compile("\\d+(\\s*[*]\\s*\\d+)*");
    private static final Pattern ITEM =
            Pattern.compile("\\s*(?:'((?:[^'\\\\]|\\\\.)*)'|\"((?:[^\"\\\\]|\\\\.)*)\"|([^,()'\"]+))\\s*(?:,|$)");

    private PythonArguments() {}

    /**
     * The arguments as texts; products are computed. A nested tuple gives its items.
     *
     * @throws IllegalArgumentException where the text is no such tuple
     */
    static List<String> parse(String text) {
        // the only nested tuple is a syslog server's address
        String inside =
                text.strip().replaceFirst("^\\(", "").replaceFirst("\\)$", "").replaceAll("[()](?=\\s*(?:,|$|'))", " ");
        List<String> arguments = new ArrayList<>();
        Matcher item = ITEM.matcher(inside);
        int at = 0;
        while (at < inside.length() && !inside.substring(at).isBlank()) {
            if (!item.find(at) || item.start() != at) {
                throw new IllegalArgumentException("args=" + text + " cannot be read; write a tuple such as ('a', 1)");
            }
            at = item.end();
            if (item.group(3) == null) {
                String quoted = item.group(1) == null ? item.group(2) : item.group(1);
                arguments.add(quoted.replaceAll("\\\\(.)", "$1"));
            } else {
                String bare = item.group(3).strip();
                arguments.add(NUMBERS.matcher(bare).matches() ? Long.toString(product(bare)) : bare);
            }
        }
        return arguments;
    }

    private static long product(String numbers) {
        long product = 1;
        for (String factor : numbers.split("[*]")) {
            product = Math.multiplyExact(product, Long.parseLong(factor.strip()));
        }
        return product;
    }
}
