package io.pgcaravan.skytools;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The ini file with every key and its meaning, for people to fill in. */
public final class IniTemplate {

    private static final String FILE = "table_dispatcher.ini";
    private static final Pattern KEY = Pattern.compile("#? ?(\\w+) =.*");

    private IniTemplate() {}

    /**
     * The file's text.
     *
     * @param set values by key that take the place of the template's
     */
    public static String text(Map<String, String> set) {
        Map<String, String> left = new LinkedHashMap<>(set);
        StringBuilder text = new StringBuilder();
        for (String line : template().split("\n", -1)) {
            Matcher key = KEY.matcher(line);
            String value = key.matches() ? left.remove(key.group(1)) : null;
            text.append(value == null ? line : key.group(1) + " = " + value).append('\n');
        }
        left.forEach(
                (key, value) -> text.append(key).append(" = ").append(value).append('\n'));
        return text.toString().stripTrailing() + "\n";
    }

    private static String template() {
        try (InputStream file = IniTemplate.class.getResourceAsStream(FILE)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
