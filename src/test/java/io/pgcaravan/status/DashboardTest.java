package io.pgcaravan.status;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/** The dashboard for Grafana fits what it is provisioned with, and what there is to be seen. */
class DashboardTest {

    private static final Path PROVISIONING = Path.of("monitoring/grafana/provisioning");
    private static final String VARIABLE = "${datasource}";
    private static final int COLUMNS = 24;

    /** As Grafana calls them. */
    private static final Set<String> UNITS = Set.of("s", "short", "none", "cps", "percentunit");

    private final Dashboard dashboard;

    DashboardTest() throws Exception {
        dashboard = Dashboard.shipped();
    }

    @Test
    void panels_have_numbers_of_their_own_and_places_of_their_own() {
        Set<Integer> ids = new HashSet<>();
        Set<List<Integer>> taken = new HashSet<>();
        for (JsonNode panel : dashboard.panels()) {
            assertThat(ids.add(panel.get("id").asInt())).as(title(panel)).isTrue();
            JsonNode place = panel.get("gridPos");
            int x = place.get("x").asInt();
            int y = place.get("y").asInt();
            int width = place.get("w").asInt();
            int height = place.get("h").asInt();
            assertThat(List.of(x, y)).as(title(panel)).allMatch(side -> side >= 0);
            assertThat(List.of(width, height)).as(title(panel)).allMatch(side -> side > 0);
            assertThat(x + width).as(title(panel)).isLessThanOrEqualTo(COLUMNS);
            for (int column = x; column < x + width; column++) {
                for (int row = y; row < y + height; row++) {
                    assertThat(taken.add(List.of(column, row)))
                            .as("%s overlaps another panel at %d, %d", title(panel), column, row)
                            .isTrue();
                }
            }
        }
        assertThat(ids).hasSizeGreaterThan(15);
    }

    @Test
    void everything_asks_the_data_source_that_is_provisioned() throws Exception {
        Map<?, ?> provisioned = new Yaml().load(Files.readString(PROVISIONING.resolve("datasources/prometheus.yml")));
        Map<?, ?> source = (Map<?, ?>) ((List<?>) provisioned.get("datasources")).get(0);
        JsonNode variable = dashboard.variables().get(0);
        assertThat(variable.get("type").asText()).isEqualTo("datasource");
        assertThat("${" + variable.get("name").asText() + "}").isEqualTo(VARIABLE);
        assertThat(variable.get("query").asText()).isEqualTo(source.get("type"));
        assertThat(variable.at("/current/value").asText()).isEqualTo(source.get("uid"));
        assertThat(variable.at("/current/text").asText()).isEqualTo(source.get("name"));

        Set<String> asked = new HashSet<>();
        dashboard.variables().stream().skip(1).forEach(other -> asked.add(source(other)));
        for (JsonNode panel : dashboard.panels()) {
            asked.add(source(panel));
            Dashboard.list(panel.get("targets")).forEach(target -> asked.add(source(target)));
        }
        assertThat(asked).containsExactly(source.get("type") + " " + VARIABLE);
    }

    private static String source(JsonNode asking) {
        return asking.at("/datasource/type").asText() + " "
                + asking.at("/datasource/uid").asText();
    }

    @Test
    void meters_and_labels_are_those_that_there_are() {
        Map<String, List<String>> known =
                Arrays.stream(Meter.values()).collect(Collectors.toMap(Meter::meterName, Meter::labels));
        for (JsonNode panel : dashboard.panels()) {
            for (JsonNode target : Dashboard.list(panel.get("targets"))) {
                String expression = target.get("expr").asText();
                List<String> meters = Dashboard.found("(pgcaravan_\\w+?)(?:_bucket)?\\b", expression);
                assertThat(meters).as(title(panel)).isNotEmpty().isSubsetOf(known.keySet());
                Set<String> labels = new HashSet<>(Set.of("le", "instance"));
                meters.forEach(meter -> labels.addAll(known.get(meter)));
                assertThat(Dashboard.found("by \\(([\\w, ]+)\\)", expression).stream()
                                .flatMap(list -> Arrays.stream(list.split(", "))))
                        .as(title(panel))
                        .isSubsetOf(labels);
                assertThat(Dashboard.found("(\\w+)=~", expression))
                        .as(title(panel))
                        .isSubsetOf(labels);
                assertThat(Dashboard.found(
                                "\\{\\{(\\w+)}}", target.get("legendFormat").asText()))
                        .as(title(panel))
                        .isSubsetOf(labels);
                assertThat(Dashboard.found("\\$(\\w+)", expression))
                        .as(title(panel))
                        .isSubsetOf("route", "__rate_interval");
            }
        }
    }

    @Test
    void what_two_processes_both_have_is_not_counted_twice() {
        Set<String> both = Arrays.stream(Meter.values())
                .filter(meter -> meter.source() == Meter.Source.STATUS)
                .map(Meter::meterName)
                .collect(Collectors.toSet());
        for (String expression : dashboard.expressions()) {
            for (String meter : Dashboard.found("(pgcaravan_\\w+)", expression)) {
                if (both.contains(meter)) {
                    assertThat(expression).containsPattern("(max|min) by \\([\\w, ]+\\) \\((\\w+ [-/] )?" + meter);
                }
            }
        }
    }

    @Test
    void every_panel_has_a_unit_and_is_of_a_kind_that_grafana_brings() {
        for (JsonNode panel : dashboard.panels()) {
            assertThat(panel.get("type").asText()).as(title(panel)).isIn("stat", "timeseries", "table");
            String unit = panel.at("/fieldConfig/defaults/unit").asText();
            assertThat(unit).as(title(panel)).isIn(UNITS);
            String expression = panel.at("/targets/0/expr").asText();
            if (expression.contains("_seconds")) {
                assertThat(unit).as(title(panel)).isEqualTo("s");
            }
            if (expression.contains("_ratio") || expression.contains(" / ")) {
                assertThat(unit).as(title(panel)).isEqualTo("percentunit");
            }
            if (expression.startsWith("sum by") && expression.contains("rate(")) {
                assertThat(unit).as(title(panel)).isEqualTo("cps");
            }
        }
    }

    @Test
    void the_provider_reads_where_compose_mounts_the_dashboards() throws Exception {
        Map<?, ?> providers = new Yaml().load(Files.readString(PROVISIONING.resolve("dashboards/pgcaravan.yml")));
        Map<?, ?> provider = (Map<?, ?>) ((List<?>) providers.get("providers")).get(0);
        Object path = ((Map<?, ?>) provider.get("options")).get("path");
        assertThat(Files.readString(Path.of("docker-compose.yml")))
                .contains("./monitoring/grafana/dashboards:" + path + ":ro")
                .contains("./monitoring/grafana/provisioning:/etc/grafana/provisioning:ro");
    }

    private static String title(JsonNode panel) {
        return panel.get("id") + " " + panel.get("title").asText();
    }
}
