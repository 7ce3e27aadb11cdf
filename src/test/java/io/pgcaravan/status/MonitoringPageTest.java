package io.pgcaravan.status;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The page about monitoring names what there is, and nothing else. */
class MonitoringPageTest {

    @Test
    void the_table_of_meters_is_that_of_the_code() throws Exception {
        List<String> there = Files.readAllLines(Path.of("src/main/docs/monitoring.md")).stream()
                .filter(line -> line.startsWith("| `pgcaravan_"))
                .toList();
        List<String> wanted = Arrays.stream(Meter.values())
                .map(meter -> "| `" + meter.meterName() + "` | " + lower(meter.type()) + " | "
                        + String.join(", ", meter.labels()) + " | " + lower(meter.source()) + " | " + meter.help()
                        + " |")
                .toList();
        assertThat(there).isEqualTo(wanted);
    }

    @Test
    void every_kind_of_problem_is_explained() throws Exception {
        String page = Files.readString(Path.of("src/main/docs/monitoring.md"));
        for (Problem.Kind kind : Problem.Kind.values()) {
            assertThat(page).contains("| `" + kind + "` |");
        }
    }

    @Test
    void alerts_are_about_meters_that_there_are() throws Exception {
        String rules = Files.readString(Path.of("config/prometheus/pgcaravan-alerts.yml"));
        List<String> known = Arrays.stream(Meter.values()).map(Meter::meterName).toList();
        assertThat(java.util.regex.Pattern.compile("pgcaravan_\\w+")
                        .matcher(rules)
                        .results()
                        .map(java.util.regex.MatchResult::group)
                        .toList())
                .isNotEmpty()
                .isSubsetOf(known);
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
