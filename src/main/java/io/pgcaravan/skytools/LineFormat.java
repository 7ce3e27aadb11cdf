package io.pgcaravan.skytools;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A line of a log as Python's logging describes it ({@code %(asctime)s %(message)s}), as a pattern of Log4j. */
record LineFormat(String pattern, List<String> unknown) {

    private static final Pattern FIELD = Pattern.compile("%\\((\\w+)\\)(-?\\d*)[sd]|%%|%");

    /** Messages quote values from anywhere, and the log may be looked at in a terminal. */
    private static final String VISIBLE_MESSAGE =
            "replace{%message}{[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]}{?}";

    /**
     * @param job the job's name
     * @param service what the service is called
     * @param times a pattern as strftime has it, null for Python's default
     */
    static LineFormat of(String format, String times, String job, String service) {
        StringBuilder pattern = new StringBuilder();
        List<String> unknown = new java.util.ArrayList<>();
        Matcher field = FIELD.matcher(format);
        int at = 0;
        while (field.find()) {
            pattern.append(literal(format.substring(at, field.start())));
            at = field.end();
            if (field.group(1) == null) {
                pattern.append("%%");
                continue;
            }
            String width = field.group(2);
            switch (field.group(1)) {
                case "asctime" -> pattern.append("%d{").append(times(times)).append('}');
                case "process" -> pattern.append('%').append(width).append("pid");
                case "levelname" -> pattern.append('%').append(width).append("level{WARN=WARNING, FATAL=CRITICAL}");
                case "message" -> pattern.append('%').append(width).append(VISIBLE_MESSAGE);
                case "name", "job_name" -> pattern.append(literal(job));
                case "service_name" -> pattern.append(literal(service));
                case "hostname" -> pattern.append("${hostName}");
                default -> unknown.add(field.group(1));
            }
        }
        return new LineFormat(
                pattern.append(literal(format.substring(at))).append("%n").toString(), unknown);
    }

    private static String literal(String text) {
        return text.replace("%", "%%").replace("${", "$${");
    }

    private static String times(String strftime) {
        if (strftime == null || strftime.isBlank()) {
            return "yyyy-MM-dd HH:mm:ss,SSS";
        }
        return strftime.replace("%Y", "yyyy")
                .replace("%m", "MM")
                .replace("%d", "dd")
                .replace("%H", "HH")
                .replace("%M", "mm")
                .replace("%S", "ss")
                .replace("%%", "%");
    }
}
