package io.pgcaravan.skytools;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** Writes a job as a route file, the way somebody would write it by hand; it has the shape of routes/dispatch.camel.yaml. */
public final class JobRoute {

    private static final Pattern PLAIN = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]*|[1-9][0-9]*|0");
    /** What YAML would take for something else than a text. */
    private static final Pattern WORDS = Pattern.compile("(?i)true|false|null|yes|no|on|off|y|n");

    private JobRoute() {}

    /** The route file's text. */
    public static String yaml(TableDispatcherJob job) {
        StringBuilder yaml = new StringBuilder();
        yaml.append("# The queue ")
                .append(comment(job.queue()))
                .append(" into ")
                .append(job.partition() == null ? "" : "partitions of ")
                .append(comment(job.destTable()))
                .append(", exactly once; from ")
                .append(comment(job.file().getFileName().toString()))
                .append('\n');
        yaml.append("- route:\n");
        yaml.append("    id: ").append(scalar(job.name())).append('\n');
        yaml.append("    from:\n");
        Map<String, Object> consume = new LinkedHashMap<>();
        consume.put("consumer", job.consumer());
        consume.put("source", "#sourceDb");
        consume.put("target", "#targetDb");
        consume.putAll(job.consume());
        yaml.append("      uri: ").append(scalar("pgq:" + job.queue())).append('\n');
        parameters(yaml, "      ", consume);
        yaml.append("      steps:\n");
        yaml.append("        - split: # chunks of some thousand events, streamed from the source\n");
        yaml.append("            simple: \"${body}\"\n");
        yaml.append("            streaming: true\n");
        yaml.append("            steps:\n");
        step(yaml, "events -> rows of columns", "decode:" + job.format(), job.decode());
        if (job.partition() != null) {
            step(yaml, "row -> partition, made where it is missing", "partition:" + job.destTable(), job.partition());
        }
        step(yaml, "rows -> their tables, by COPY", "pgcopy:" + job.destTable(), job.load());
        return yaml.toString();
    }

    private static void step(StringBuilder yaml, String comment, String uri, Map<String, Object> options) {
        yaml.append("              - to: # ").append(comment).append('\n');
        yaml.append("                  uri: ").append(scalar(uri)).append('\n');
        if (!options.isEmpty()) {
            parameters(yaml, "                  ", options);
        }
    }

    private static void parameters(StringBuilder yaml, String indent, Map<String, Object> options) {
        yaml.append(indent).append("parameters:\n");
        options.forEach((name, value) -> {
            yaml.append(indent).append("  ").append(name).append(": ");
            if (value instanceof String text && isBlock(text)) {
                yaml.append("|-\n");
                for (String line : text.split("\n", -1)) {
                    yaml.append(line.isEmpty() ? "" : indent + "    ")
                            .append(line)
                            .append('\n');
                }
            } else {
                yaml.append(value instanceof String text ? scalar(text) : value).append('\n');
            }
        });
    }

    /** Texts of several lines are easier to read as they are, unless YAML would take something in them for a line's end. */
    private static boolean isBlock(String text) {
        return text.indexOf('\n') >= 0
                && !text.startsWith(" ")
                && text.chars().noneMatch(c -> ends((char) c) || c != '\n' && c != '\t' && Character.isISOControl(c));
    }

    private static boolean ends(char c) {
        return c == 0x85 || c == 0x2028 || c == 0x2029 || c == 0xfeff;
    }

    private static String comment(String text) {
        return text.replaceAll("[\\p{Cntrl}\u0085\u2028\u2029]", " ");
    }

    private static String scalar(String text) {
        if (PLAIN.matcher(text).matches() && !WORDS.matcher(text).matches()) {
            return text;
        }
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            switch (c) {
                case '"' -> quoted.append("\\\"");
                case '\\' -> quoted.append("\\\\");
                case '\t' -> quoted.append("\\t");
                case '\n' -> quoted.append("\\n");
                default -> {
                    if (ends(c) || Character.isISOControl(c)) {
                        quoted.append(String.format("\\u%04x", (int) c));
                    } else {
                        quoted.append(c);
                    }
                }
            }
        }
        return quoted.append('"').toString();
    }
}
