package io.pgcaravan.skytools;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An ini file as Python's ConfigParser reads it, which is how Skytools' programs read theirs: {@code key = value} and
 * {@code key: value} in sections, {@code #} and {@code ;} at the start of a line and {@code ;} behind a blank begin a
 * comment, indented lines continue a value, keys are the same in upper and lower case, {@code [DEFAULT]} counts in
 * every section.
 *
 * @see <a href="https://docs.python.org/2.7/library/configparser.html">ConfigParser</a>
 */
final class Ini {

    private static final String DEFAULT = "DEFAULT";
    private static final Pattern SECTION = Pattern.compile("\\[([^]]+)].*");
    private static final Pattern OPTION = Pattern.compile("([^:=\\s][^:=]*?)\\s*[:=]\\s*(.*)");
    private static final Pattern COMMENT = Pattern.compile("\\s*|[#;].*|(?i:rem)\\s.*|\\s+#.*");

    /** The text as it is written, before interpolation; line 0 is none in the file. */
    record Entry(String text, int line) {}

    private final String file;
    private final Map<String, Map<String, Entry>> sections = new LinkedHashMap<>();
    private final List<String> warnings = new ArrayList<>();

    private Ini(String file) {
        this.file = file;
        sections.put(DEFAULT, new LinkedHashMap<>());
    }

    /**
     * Reads a file: UTF-8, or Latin-1 where it is not.
     *
     * @throws IniException with every line that cannot be read
     */
    static Ini read(Path file) throws IOException {
        try {
            return parse(file.toString(), Files.readString(file));
        } catch (CharacterCodingException e) {
            return parse(file.toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
        }
    }

    /**
     * @param file its name, for messages
     * @throws IniException with every line that cannot be read
     */
    static Ini parse(String file, String text) {
        Ini ini = new Ini(file);
        List<String> problems = new ArrayList<>();
        ini.parse(text.startsWith("\uFEFF") ? text.substring(1) : text, problems);
        if (!problems.isEmpty()) {
            throw new IniException(file, problems);
        }
        return ini;
    }

    private void parse(String text, List<String> problems) {
        Map<String, Entry> section = null;
        String key = null;
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            String at = file + " line " + number + ": ";
            Matcher header = SECTION.matcher(line);
            Matcher option = OPTION.matcher(line.stripTrailing());
            if (COMMENT.matcher(line).matches()) {
                continue;
            }
            if (Character.isWhitespace(line.charAt(0))) {
                if (key == null) {
                    problems.add(at + "an indented line must follow a key: " + line.strip());
                } else {
                    section.computeIfPresent(
                            key, (name, begun) -> new Entry(begun.text + "\n" + line.strip(), begun.line));
                }
            } else if (header.matches()) {
                section = sections.computeIfAbsent(header.group(1), name -> new LinkedHashMap<>());
                key = null;
            } else if (section == null) {
                problems.add(at + "missing [section] before this line: " + line.strip());
                return;
            } else if (option.matches()) {
                key = option.group(1).toLowerCase(Locale.ROOT);
                Entry before = section.put(key, new Entry(withoutComment(option.group(2)), number));
                if (before != null) {
                    warnings.add(at + key + " is set in line " + before.line + " too; line " + number + " is used");
                }
            } else {
                key = null;
                problems.add(at + "invalid line; expected [section] or key = value: " + line.strip());
            }
        }
    }

    /** Only the first semicolon can begin a comment, and only behind a blank; continued lines have none. */
    private static String withoutComment(String value) {
        int semicolon = value.indexOf(';');
        boolean comment = semicolon > 0 && Character.isWhitespace(value.charAt(semicolon - 1));
        String kept = (comment ? value.substring(0, semicolon) : value).strip();
        return kept.equals("\"\"") ? "" : kept;
    }

    /** The sections in their order, without DEFAULT. */
    List<String> sections() {
        return sections.keySet().stream().filter(name -> !name.equals(DEFAULT)).toList();
    }

    /** Keys that are set twice. */
    List<String> warnings() {
        return List.copyOf(warnings);
    }

    /**
     * One section's values.
     *
     * @param defaults what counts where neither the section nor DEFAULT has the key, such as {@code job_name}
     * @param overrides what counts instead of the file, as {@code --set} gives it
     */
    Section section(String name, Map<String, String> defaults, Map<String, String> overrides) {
        Map<String, Entry> written = new TreeMap<>(sections.get(DEFAULT));
        written.putAll(sections.getOrDefault(name, Map.of()));
        overrides.forEach((key, value) -> written.put(key.toLowerCase(Locale.ROOT), new Entry(value, 0)));
        Map<String, Entry> values = new LinkedHashMap<>();
        defaults.forEach((key, value) -> values.put(key, new Entry(value.replace("%", "%%"), 0)));
        values.putAll(written);
        return new Section(file, name, values, written.keySet());
    }

    /**
     * The values of one section.
     *
     * @param keys those that the file or an override sets, in order
     */
    record Section(String file, String name, Map<String, Entry> values, Set<String> keys) {

        private static final int DEEPEST = 10;
        /** {@code %%}, {@code %(key)s}, or a percent sign alone. */
        private static final Pattern PERCENT = Pattern.compile("%(?:(%)|\\(([^)]*)\\)s)?");

        /** Where a key is set, for messages: file and line, or --set. */
        String where(String key) {
            Entry entry = values.get(key);
            return entry == null ? file : entry.line == 0 ? "--set " + key : file + " line " + entry.line;
        }

        /**
         * A key's value with {@code %(other)s} filled in and {@code %%} made one; null where the key is not set.
         *
         * @throws IllegalArgumentException where the interpolation fails; the message has file and line
         */
        String get(String key) {
            String text = text(key);
            return text == null ? null : interpolated(key, text, 1).strip();
        }

        /** A key's value as it is written, without interpolation; null where the key is not set. */
        String text(String key) {
            Entry entry = values.get(key);
            return entry == null ? null : entry.text.strip();
        }

        private String interpolated(String key, String text, int depth) {
            if (depth > DEEPEST) {
                throw new IllegalArgumentException(where(key) + ": " + key + " refers to itself by %(...)s");
            }
            return PERCENT.matcher(text).replaceAll(percent -> {
                if (percent.group(1) != null) {
                    return "%";
                }
                if (percent.group(2) == null) {
                    throw new IllegalArgumentException(where(key) + ": " + key
                            + " has a single %; write %(name)s for another key's value, or %% for a percent sign");
                }
                String other = percent.group(2).toLowerCase(Locale.ROOT);
                if (!values.containsKey(other)) {
                    throw new IllegalArgumentException(where(key) + ": " + key + " refers to %(" + other
                            + ")s, but there is no such key; for the text itself write %%(" + other + ")s");
                }
                return Matcher.quoteReplacement(interpolated(key, values.get(other).text, depth + 1));
            });
        }
    }
}
