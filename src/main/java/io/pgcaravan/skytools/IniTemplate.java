package io.pgcaravan.skytools;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The ini file with every key and its meaning, for people to fill in. */
public final class IniTemplate {

    private static final String FILE = "table_dispatcher.ini";

    private IniTemplate() {}

    /**
     * The file's text.
     *
     * @param set values by key that take the place of the template's
     */
    public static String text(Map<String, String> set) {
        String text = template();
        for (Map.Entry<String, String> entry : set.entrySet()) {
            String line = entry.getKey() + " = " + entry.getValue();
            Matcher key = Pattern.compile("(?m)^(# ?)?" + Pattern.quote(entry.getKey()) + " =.*$")
                    .matcher(text);
            text = key.find() ? key.replaceFirst(Matcher.quoteReplacement(line)) : text + line + "\n";
        }
        return text;
    }

    private static String template() {
        try (InputStream file = IniTemplate.class.getResourceAsStream(FILE)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
