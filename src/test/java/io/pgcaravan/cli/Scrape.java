package io.pgcaravan.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Metrics as Prometheus reads them, and the simple expressions of our alerts over them. */
final class Scrape {

    private static final Pattern SAMPLE = Pattern.compile("([a-zA-Z_:][\\w:]*)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");
    private static final Pattern ABSENT = Pattern.compile("absent\\((\\w+)\\)");
    private static final Pattern THRESHOLD = Pattern.compile("(\\w+)(?: / (\\w+))? (==|>|<) ([0-9.]+)");

    record Sample(String name, Map<String, String> labels, double value) {}

    private final String text;
    private final List<Sample> samples = new ArrayList<>();

    Scrape(String text) {
        this.text = text;
        text.lines().filter(line -> !line.startsWith("#") && !line.isBlank()).forEach(line -> {
            Matcher sample = SAMPLE.matcher(line);
            if (!sample.matches()) {
                throw new IllegalArgumentException("no sample: " + line);
            }
            Map<String, String> labels = new LinkedHashMap<>();
            Matcher label = LABEL.matcher(Objects.toString(sample.group(2), ""));
            while (label.find()) {
                labels.put(label.group(1), label.group(2));
            }
            String value = sample.group(3);
            samples.add(new Sample(
                    sample.group(1),
                    labels,
                    value.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(value)));
        });
    }

    String text() {
        return text;
    }

    List<Sample> named(String name) {
        return samples.stream().filter(sample -> sample.name.equals(name)).toList();
    }

    /** Whether an alert with this expression would begin. */
    boolean fires(String expression) {
        Matcher absent = ABSENT.matcher(expression);
        if (absent.matches()) {
            return named(absent.group(1)).isEmpty();
        }
        Matcher threshold = THRESHOLD.matcher(expression);
        if (!threshold.matches()) {
            throw new IllegalArgumentException("too clever: " + expression);
        }
        double limit = Double.parseDouble(threshold.group(4));
        return named(threshold.group(1)).stream().anyMatch(sample -> {
            double value = sample.value;
            if (threshold.group(2) != null) {
                value /= named(threshold.group(2)).stream()
                        .filter(other -> other.labels.equals(sample.labels))
                        .findFirst()
                        .orElseThrow()
                        .value;
            }
            return switch (threshold.group(3)) {
                case "==" -> value == limit;
                case ">" -> value > limit;
                default -> value < limit;
            };
        });
    }
}
