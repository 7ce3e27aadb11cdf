package io.pgcaravan.skytools;

import java.io.IOException;
import java.nio.ByteBuffer;
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
import java.util.TreeSet;
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
public final class Ini {

    private static final String DEFAULT = "DEFAULT";
    private static final Pattern SECTION = Pattern.compile("\\[([^]]+)].*");
    private static final Pattern OPTION = Pattern.compile("([^:=\\s][^:=]*?)\\s*[:=]\\s*(.*)");

    /** As the text is written, before interpolation. */
    private record Entry(String text, int line) {}

    private final String file;
    private final Map<String, Map<String, Entry>> sections = new LinkedHashMap<>();
    private final List<String> warnings = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();

    private Ini(String file) {
        this.file = file;
        sections.put(DEFAULT, new LinkedHashMap<>());
    }

    /**
     * Reads a file: UTF-8, or Latin-1 where it is not.
     *
     * @throws IniException with every line that cannot be read
     */
    public static Ini read(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            text = new String(bytes, StandardCharsets.ISO_8859_1);
        }
        return parse(file.toString(), text);
    }

    /**
     * @param file its name, for messages
     * @throws IniException with every line that cannot be read
     */
    public static Ini parse(String file, String text) {
        Ini ini = new Ini(file);
        ini.parse(text);
        if (!ini.problems.isEmpty()) {
            throw new IniException(file, ini.problems);
        }
        return ini;
    }

    private void parse(String text) {
        Map<String, Entry> section = null;
        String key = null;
        int number = 0;
        for (String line : (text.startsWith("\uFEFF") ? text.substring(1) : text).split("\r?\n|\r")) {
            number++;
            if (line.isBlank() || line.startsWith("#") || line.startsWith(";") || isRemark(line)) {
                continue;
            }
            if (Character.isWhitespace(line.charAt(0))) {
                if (line.strip().startsWith("#")) {
                    continue; // a comment among the lines of a value, as later versions of ConfigParser have it
                }
                if (key == null) {
                    problems.add(at(number) + "an indented line continues a value, and there is no key above it: "
                            + line.strip());
                } else {
                    Entry begun = section.get(key);
                    section.put(key, new Entry(begun.text + "\n" + line.strip(), begun.line));
                }
                continue;
            }
            Matcher header = SECTION.matcher(line);
            Matcher option = OPTION.matcher(line.stripTrailing());
            if (header.matches()) {
                section = sections.computeIfAbsent(header.group(1), name -> new LinkedHashMap<>());
                key = null;
            } else if (section == null) {
                problems.add(at(number) + "there is no [section] above this line: " + line.strip());
                return;
            } else if (option.matches()) {
                key = option.group(1).toLowerCase(Locale.ROOT);
                Entry before = section.put(key, new Entry(withoutComment(option.group(2)), number));
                if (before != null) {
                    warnings.add(at(number) + key + " was set in line " + before.line + " already; this one counts");
                }
            } else {
                key = null;
                problems.add(at(number) + "this is neither [section] nor key = value: " + line.strip());
            }
        }
    }

    private static boolean isRemark(String line) {
        return line.length() > 3
                && line.substring(0, 3).equalsIgnoreCase("rem")
                && Character.isWhitespace(line.charAt(3));
    }

    /** Only the first semicolon can begin a comment, and only behind a blank; continued lines have none. */
    private static String withoutComment(String value) {
        int semicolon = value.indexOf(';');
        String kept = semicolon > 0 && Character.isWhitespace(value.charAt(semicolon - 1))
                ? value.substring(0, semicolon).strip()
                : value.strip();
        return kept.equals("\"\"") ? "" : kept;
    }

    private String at(int line) {
        return file + " line " + line + ": ";
    }

    /** The sections in their order, without DEFAULT. */
    public List<String> sections() {
        return sections.keySet().stream().filter(name -> !name.equals(DEFAULT)).toList();
    }

    /** What could be read but looks like a mistake: keys that are there twice. */
    public List<String> warnings() {
        return List.copyOf(warnings);
    }

    /**
     * One section's values.
     *
     * @param defaults what counts where neither the section nor DEFAULT has the key, such as {@code job_name}
     * @param overrides what counts instead of the file, as {@code --set} gives it
     */
    public Section section(String name, Map<String, String> defaults, Map<String, String> overrides) {
        Map<String, Entry> values = new LinkedHashMap<>();
        defaults.forEach((key, value) -> values.put(key, new Entry(value.replace("%", "%%"), 0)));
        values.putAll(sections.get(DEFAULT));
        values.putAll(sections.getOrDefault(name, Map.of()));
        Set<String> written = new TreeSet<>(values.keySet());
        written.removeIf(key -> values.get(key).line == 0);
        overrides.forEach((key, value) -> {
            String lower = key.toLowerCase(Locale.ROOT);
            values.put(lower, new Entry(value, 0));
            written.add(lower);
        });
        return new Section(file, name, values, written);
    }

    /** The values of one section, interpolated. */
    public static final class Section {

        private static final int DEEPEST = 10;

        private final String file;
        private final String name;
        private final Map<String, Entry> values;
        private final Set<String> written;

        private Section(String file, String name, Map<String, Entry> values, Set<String> written) {
            this.file = file;
            this.name = name;
            this.values = values;
            this.written = written;
        }

        public String name() {
            return name;
        }

        /** The keys that somebody wrote down, in order. */
        public Set<String> keys() {
            return written;
        }

        /** Where a key is, for messages: file and line, or --set. */
        public String where(String key) {
            Entry entry = values.get(key);
            return entry == null ? file : entry.line == 0 ? "--set " + key : file + " line " + entry.line;
        }

        /**
         * A key's value with {@code %(other)s} filled in and {@code %%} made one; null where the key is not there.
         *
         * @throws IllegalArgumentException where the interpolation cannot be done; the message has file and line
         */
        public String get(String key) {
            Entry entry = values.get(key);
            return entry == null ? null : interpolated(key, entry.text, 1).strip();
        }

        /** A key's value as it is written, without interpolation; null where the key is not there. */
        public String text(String key) {
            Entry entry = values.get(key);
            return entry == null ? null : entry.text.strip();
        }

        private String interpolated(String key, String text, int depth) {
            if (text.indexOf('%') < 0) {
                return text;
            }
            if (depth > DEEPEST) {
                throw new IllegalArgumentException(
                        where(key) + ": " + key + " cannot be filled in: its %(...)s lead back to themselves");
            }
            StringBuilder filled = new StringBuilder();
            int at = 0;
            while (at < text.length()) {
                int percent = text.indexOf('%', at);
                if (percent < 0) {
                    break;
                }
                filled.append(text, at, percent);
                if (text.startsWith("%%", percent)) {
                    filled.append('%');
                    at = percent + 2;
                    continue;
                }
                int close = text.startsWith("%(", percent) ? text.indexOf(")s", percent) : -1;
                if (close < 0) {
                    throw new IllegalArgumentException(where(key) + ": " + key + " has a lone % before \""
                            + text.substring(percent, Math.min(text.length(), percent + 12))
                            + "\"; write %(name)s for another key's value, or %% for a percent sign");
                }
                String other = text.substring(percent + 2, close).toLowerCase(Locale.ROOT);
                Entry named = values.get(other);
                if (named == null) {
                    throw new IllegalArgumentException(where(key) + ": " + key + " names %(" + other
                            + ")s, and there is no such key; where the text itself is meant, write %%(" + other + ")s");
                }
                filled.append(interpolated(other, named.text, depth + 1));
                at = close + 2;
            }
            return filled.append(text.substring(at)).toString();
        }
    }
}
