package io.pgcaravan.cli;

import io.pgcaravan.status.Meter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.util.json.DeserializationException;
import org.apache.camel.util.json.JsonObject;
import org.apache.camel.util.json.Jsoner;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The pages of docs/reference, made from what the code says of itself. */
final class ReferencePages {

    static final Path DIRECTORY = Path.of("docs/reference");

    private static final String MADE =
            "<!-- Made from the code: mvn -o test -Dtest=ReferencePagesTest -Dreference=write -->\n";
    private static final Path CATALOG = Path.of("src/generated/resources/META-INF/io/pgcaravan/camel");
    private static final List<String> STEPS =
            List.of("pgq", "pgq-decode", "pgq-partition", "pgq-copy", "pgq-leave-out", "pgq-loaded", "pg-change-set");
    private static final Path PROPERTIES = Path.of("config/application.properties");
    private static final Pattern SECTION = Pattern.compile("# -{4} (.*?) -*");
    private static final Pattern KEY = Pattern.compile("(# )?([A-Za-z][A-Za-z0-9-]*(?:\\.[A-Za-z0-9-]+)+) = ?(.*)");

    private ReferencePages() {}

    /** The pages by their file names. */
    static Map<String, String> all() throws IOException {
        Map<String, String> pages = new TreeMap<>();
        pages.put("commands.md", MADE + commands());
        pages.put("options.md", MADE + options());
        pages.put("configuration.md", MADE + configuration());
        pages.put("metrics.md", MADE + metrics());
        return pages;
    }

    // ---- commands

    private static String commands() {
        CommandLine caravan = Caravan.commandLine();
        StringBuilder page = new StringBuilder("# Commands\n\n");
        page.append("Each takes `--help` (`-h`) and `--version` (`-V`), which are not repeated below.\n\n");
        page.append(
                "## Exit codes\n\nOf all commands; what it means for one, where that is more, stands with it.\n\n| code | |\n| --- | --- |\n");
        caravan.getCommandSpec().usageMessage().exitCodeList().forEach((code, meaning) -> row(page, code, meaning));
        page.append('\n');
        command(page, caravan);
        return page.toString().stripTrailing() + "\n";
    }

    private static void command(StringBuilder page, CommandLine line) {
        CommandSpec spec = line.getCommandSpec();
        if (spec.usageMessage().hidden()) {
            return;
        }
        if (spec.parent() != null) {
            page.append("## ").append(spec.qualifiedName()).append("\n\n");
            for (String paragraph : spec.usageMessage().description()) {
                page.append(text(paragraph)).append("\n\n");
            }
            Help help = new Help(spec, Help.defaultColorScheme(Help.Ansi.OFF));
            page.append("```text\n")
                    .append(help.synopsis(0).strip().replaceAll("\\s*\n\\s*", " "))
                    .append("\n```\n\n");
            List<PositionalParamSpec> parameters = spec.positionalParameters().stream()
                    .filter(parameter -> !parameter.hidden())
                    .toList();
            List<OptionSpec> options = spec.options().stream()
                    .filter(option -> !option.hidden() && !option.usageHelp() && !option.versionHelp())
                    .toList();
            if (!parameters.isEmpty() || !options.isEmpty()) {
                page.append("| | |\n| --- | --- |\n");
                parameters.forEach(parameter ->
                        row(page, "`" + parameter.paramLabel() + "`", text(String.join(" ", parameter.description()))));
                options.forEach(option -> row(
                        page,
                        Stream.of(option.names()).map(name -> "`" + name + "`").collect(Collectors.joining(", "))
                                + (option.arity().max() > 0 ? " `" + option.paramLabel() + "`" : "")
                                + (option.required() ? " (required)" : ""),
                        text(String.join(" ", option.description()))));
                page.append('\n');
            }
            Map<String, String> codes = spec.usageMessage().exitCodeList();
            if (!codes.isEmpty()) {
                page.append("| exit code | |\n| --- | --- |\n");
                codes.forEach((code, meaning) -> row(page, code, meaning));
                page.append('\n');
            }
        }
        line.getSubcommands().values().stream().distinct().forEach(sub -> command(page, sub));
    }

    /** picocli's texts are formats. */
    private static String text(String description) {
        return description.replace("%n", " ").replace("%%", "%");
    }

    // ---- options

    private static String options() throws IOException {
        StringBuilder page = new StringBuilder("# Options of the steps\n\n");
        page.append(
                "Each goes into a step's `parameters:` in a route file. Options that Camel gives to endpoints of every kind are"
                        + " left out.\n\n");
        for (String step : STEPS) {
            JsonObject catalog = json(CATALOG.resolve(step + ".json"));
            JsonObject component = catalog.getMap("component");
            page.append("## `").append(component.getString("syntax")).append("`\n\n");
            page.append(component.getString("description")).append("\n\n");
            page.append("| option | type | default | |\n| --- | --- | --- | --- |\n");
            JsonObject properties = catalog.getMap("properties");
            properties.forEach((name, value) -> {
                JsonObject option = (JsonObject) value;
                if (!name.matches("lazyStartProducer|bridgeErrorHandler|exceptionHandler|exchangePattern")) {
                    option(page, name, option);
                }
            });
            page.append('\n');
        }
        return page.toString().stripTrailing() + "\n";
    }

    private static void option(StringBuilder page, String name, JsonObject option) {
        Object preset = option.get("defaultValue");
        Object choices = option.get("enum");
        boolean path = "path".equals(option.getString("kind"));
        row(
                page,
                "`" + name + "`" + (path ? " (in the URI)" : option.getBoolean("required") ? " (required)" : ""),
                choices == null
                        ? String.valueOf(option.get("type"))
                        : ((List<?>) choices).stream().map(String::valueOf).collect(Collectors.joining(", ")),
                preset == null || preset.toString().isEmpty() ? "" : "`" + preset + "`",
                option.getString("description"));
    }

    private static JsonObject json(Path file) throws IOException {
        try {
            return (JsonObject) Jsoner.deserialize(Files.readString(file));
        } catch (DeserializationException e) {
            throw new IOException(file + " is no JSON", e);
        }
    }

    // ---- configuration

    private static String configuration() throws IOException {
        StringBuilder page = new StringBuilder("# Keys of `config/application.properties`\n\n");
        List<String> comment = new ArrayList<>();
        boolean inTable = false;
        for (String line : Files.readAllLines(PROPERTIES)) {
            Matcher section = SECTION.matcher(line);
            Matcher key = KEY.matcher(line);
            if (section.matches()) {
                page.append(inTable ? "\n" : "")
                        .append("## ")
                        .append(section.group(1))
                        .append("\n\n");
                comment.clear();
                inTable = false;
            } else if (key.matches()) {
                if (!inTable) {
                    page.append("| key | as shipped | |\n| --- | --- | --- |\n");
                    inTable = true;
                }
                row(
                        page,
                        "`" + key.group(2) + "`",
                        key.group(1) == null ? "`" + key.group(3) + "`" : "not set; for example `" + key.group(3) + "`",
                        String.join(" ", comment));
                comment.clear();
            } else if (line.startsWith("# ")) {
                comment.add(line.substring(2));
            } else if (line.isBlank() && !comment.isEmpty()) {
                page.append(String.join("\n", comment)).append("\n\n");
                comment.clear();
            }
        }
        return page.toString().stripTrailing() + "\n";
    }

    // ---- metrics

    private static String metrics() {
        StringBuilder page = new StringBuilder("# Metrics\n\n");
        page.append(
                "At `/observe/metrics` on the management port, for Prometheus. Names and labels are stable. How to scrape"
                        + " them, the alerts and the dashboard: [monitoring.md](../monitoring.md#meters).\n\n");
        List<Meter> meters = List.of(Meter.values());
        meters(page, "From the process", "Counted by this process, from 0 at its start.", Meter.Source.PROCESS, meters);
        meters(
                page,
                "From the databases",
                "As the latest look at the databases has them, which a thread takes every `status.period` milliseconds over"
                        + " connections of its own: a scrape never waits for a database. Where two processes run for"
                        + " standby, both have them, so that a sum over processes counts everything twice.",
                Meter.Source.STATUS,
                meters);
        page.append(
                "A histogram has `_bucket` (with the label `le`), `_sum` and `_count` behind its name. Set numbers count"
                        + " from 1 without holes, so that the difference between two of them is a number of sets.\n\n");
        page.append("## Labels\n\n| label | |\n| --- | --- |\n");
        meters.stream()
                .flatMap(meter -> meter.labels().stream())
                .distinct()
                .forEach(label -> row(page, "`" + label + "`", Meter.label(label)));
        page.append(
                "\n## Others\n\nBesides these there are Camel's own, `camel_…`: exchanges and their times, by route."
                        + " `camel.metrics.enableExchangeEventNotifier` is off, because it would measure every event of a"
                        + " `dispatch-rows` job.\n");
        return page.toString();
    }

    private static void meters(
            StringBuilder page, String heading, String words, Meter.Source source, List<Meter> meters) {
        page.append("## ")
                .append(heading)
                .append("\n\n")
                .append(words)
                .append("\n\n| meter | type | labels | |\n| --- | --- | --- | --- |\n");
        meters.stream()
                .filter(meter -> meter.source() == source)
                .forEach(meter -> row(
                        page,
                        "`" + meter.meterName() + "`",
                        meter.type().name().toLowerCase(Locale.ROOT),
                        String.join(", ", meter.labels()),
                        meter.help()));
        page.append('\n');
    }

    private static void row(StringBuilder page, Object... cells) {
        page.append('|');
        for (Object cell : cells) {
            page.append(' ')
                    .append(String.valueOf(cell).replace("|", "\\|").replace("\n", " "))
                    .append(" |");
        }
        page.append('\n');
    }
}
