package io.pgcaravan.status;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The dashboard that is shipped for Grafana. */
record Dashboard(JsonNode json) {

    static Dashboard shipped() throws IOException {
        return new Dashboard(new ObjectMapper()
                .readTree(
                        Path.of("monitoring/grafana/dashboards/pgcaravan.json").toFile()));
    }

    List<JsonNode> panels() {
        return list(json.get("panels"));
    }

    List<JsonNode> variables() {
        return list(json.at("/templating/list"));
    }

    /** What its panels ask Prometheus. */
    List<String> expressions() {
        return panels().stream()
                .flatMap(panel -> list(panel.get("targets")).stream())
                .map(target -> target.get("expr").asText())
                .toList();
    }

    /** What the pattern's group finds. */
    static List<String> found(String pattern, String text) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .map((MatchResult result) -> result.group(1))
                .toList();
    }

    static List<JsonNode> list(JsonNode array) {
        List<JsonNode> all = new ArrayList<>();
        if (array != null) {
            array.forEach(all::add);
        }
        return all;
    }
}
