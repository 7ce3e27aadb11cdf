package io.pgcaravan.status;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The page about monitoring names what there is, and nothing else. */
class MonitoringPageTest {

    @Test
    void every_kind_of_problem_is_explained() throws Exception {
        String page = Files.readString(Path.of("docs/monitoring.md"));
        List<String> kinds = Arrays.stream(Problem.Kind.values())
                .map(kind -> "| `" + kind + "` |")
                .toList();
        assertThat(page.lines()
                        .filter(line -> line.matches("\\| `[a-z-]+` \\|.*"))
                        .map(line -> line.replaceFirst("(`[a-z-]+` \\|).*", "$1"))
                        .toList())
                .as("the kinds of problems, the worst first")
                .isEqualTo(kinds);
    }

    @Test
    void alerts_are_about_meters_that_there_are() throws Exception {
        String rules = Files.readString(Path.of("monitoring/prometheus/pgcaravan-alerts.yml"));
        List<String> known = Arrays.stream(Meter.values()).map(Meter::meterName).toList();
        assertThat(java.util.regex.Pattern.compile("pgcaravan_\\w+")
                        .matcher(rules)
                        .results()
                        .map(java.util.regex.MatchResult::group)
                        .toList())
                .isNotEmpty()
                .isSubsetOf(known);
    }
}
