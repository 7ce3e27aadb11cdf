package io.pgcaravan.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.camel.CamelContext;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.spi.EndpointUriFactory;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads route files as plain YAML and finds options that their endpoints do not have, all of them at once. */
final class RouteOptions implements AutoCloseable {

    private final CamelContext context = new DefaultCamelContext(false);

    /** What is wrong with a file; empty where nothing is. */
    List<String> problems(Path file, String text) {
        List<String> problems = new ArrayList<>();
        try {
            for (Object document : new Load(LoadSettings.builder().build()).loadAllFromString(text)) {
                walk(file, document, problems);
            }
        } catch (MarkedYamlEngineException e) {
            problems.add(file + " is no YAML: " + e.getProblem()
                    + e.getProblemMark()
                            .map(mark -> " in line " + (mark.getLine() + 1) + ", column " + (mark.getColumn() + 1))
                            .orElse(""));
        } catch (YamlEngineException e) {
            problems.add(file + " is no YAML: " + e.getMessage());
        }
        return problems;
    }

    private void walk(Path file, Object node, List<String> problems) {
        if (node instanceof List<?> list) {
            list.forEach(item -> walk(file, item, problems));
        } else if (node instanceof Map<?, ?> map) {
            if (map.get("uri") instanceof String uri) {
                check(file, uri, map.get("parameters") instanceof Map<?, ?> options ? options : Map.of(), problems);
            }
            map.values().forEach(value -> walk(file, value, problems));
        }
    }

    private void check(Path file, String uri, Map<?, ?> options, List<String> problems) {
        int colon = uri.indexOf(':');
        String scheme = colon < 0 ? uri : uri.substring(0, colon);
        // null for components that are not here, and for those of users, which need not describe themselves
        EndpointUriFactory factory = context.getCamelContextExtension().getEndpointUriFactory(scheme);
        if (factory == null || factory.isLenientProperties()) {
            return;
        }
        Set<String> known = new TreeSet<>(factory.propertyNames());
        Set<String> given = new TreeSet<>();
        options.keySet().forEach(key -> given.add(String.valueOf(key)));
        int query = uri.indexOf('?');
        if (query >= 0) {
            for (String option : uri.substring(query + 1).split("&")) {
                given.add(option.replaceFirst("=.*", ""));
            }
        }
        for (String option : given) {
            if (!known.contains(option)
                    && !option.contains("{{")
                    && factory.multiValuePrefixes().values().stream().noneMatch(option::startsWith)) {
                problems.add(file + ": " + (query < 0 ? uri : uri.substring(0, query)) + " has no option \"" + option
                        + "\"" + Configuration.nearest(option, known));
            }
        }
    }

    @Override
    public void close() {
        context.stop();
    }
}
