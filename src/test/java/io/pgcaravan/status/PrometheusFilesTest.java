package io.pgcaravan.status;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is shipped for Prometheus, as Prometheus' own promtool takes it. */
class PrometheusFilesTest {

    private static final Path DIRECTORY = Path.of("monitoring/prometheus");
    private static final Path ALERTS = DIRECTORY.resolve("pgcaravan-alerts.yml");
    private static final Path TESTS = DIRECTORY.resolve("pgcaravan-alerts.test.yml");

    @TempDir
    Path directory;

    @Test
    void each_alert_begins_and_ends_when_its_tests_say_so() throws Exception {
        assertThat(promtool("test", "rules", TESTS.toString())).contains("SUCCESS");
    }

    @Test
    void each_alert_has_a_test_in_which_it_begins_and_one_in_which_it_does_not() throws Exception {
        String tests = Files.readString(TESTS);
        List<String> alerts = Dashboard.found("(?m)^ +- alert: (\\w+)$", Files.readString(ALERTS));
        assertThat(alerts).hasSizeGreaterThan(10).doesNotHaveDuplicates();
        for (String alert : alerts) {
            assertThat(Dashboard.found("alertname: (" + alert + ")\\s+eval_time: \\S+\\s+exp_alerts:", tests))
                    .as("a test in which %s begins", alert)
                    .isNotEmpty();
            assertThat(Dashboard.found("\\{alertname: (" + alert + "), eval_time: \\w+}", tests))
                    .as("tests in which %s does not: all well, not yet, no longer", alert)
                    .hasSizeGreaterThanOrEqualTo(3);
        }
    }

    @Test
    void prometheus_takes_the_files_as_they_are() throws Exception {
        assertThat(promtool(
                        "check", "config", DIRECTORY.resolve("prometheus.yml").toString()))
                .contains("1 rule files found", "SUCCESS");
    }

    @Test
    void prometheus_takes_what_the_dashboard_asks() throws Exception {
        List<String> rules = new ArrayList<>(List.of("groups:", "  - name: dashboard", "    rules:"));
        for (String expression : Dashboard.shipped().expressions()) {
            rules.add("      - record: panel:" + rules.size());
            rules.add("        expr: '"
                    + expression.replace("$__rate_interval", "1m").replace("'", "''") + "'");
        }
        Path file = Files.write(directory.resolve("dashboard.yml"), rules);
        assertThat(promtool("check", "rules", file.toString())).contains("SUCCESS");
    }

    /** What it prints; it has to succeed. */
    private static String promtool(String... arguments) throws Exception {
        Optional<String> program = find();
        assumeTrue(
                program.isPresent(),
                "there is a promtool (caravan test gets it on Debian, CARAVAN_PROMTOOL names one)");
        List<String> command = new ArrayList<>(List.of(program.get()));
        command.addAll(Arrays.asList(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private static Optional<String> find() {
        String named = System.getenv("CARAVAN_PROMTOOL");
        String path = System.getenv().getOrDefault("PATH", "");
        return named != null && !named.isEmpty()
                ? Optional.of(named)
                : Stream.concat(
                                Stream.of(".caravan/promtool"),
                                Arrays.stream(path.split(File.pathSeparator)).map(entry -> entry + "/promtool"))
                        .filter(file -> Files.isExecutable(Path.of(file)))
                        .findFirst();
    }
}
