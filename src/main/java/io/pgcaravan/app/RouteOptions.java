package io.pgcaravan.app;

import io.pgcaravan.database.Secrets;
import io.pgcaravan.database.Spelling;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.Component;
import org.apache.camel.Endpoint;
import org.apache.camel.PropertyBindingException;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.spi.EndpointUriFactory;
import org.apache.camel.spi.PropertyConfigurerGetter;
import org.apache.camel.util.URISupport;
import org.postgresql.ds.PGSimpleDataSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Reads route files as plain YAML and finds options that their endpoints do not have, and values that the project's own
 * endpoints cannot take, all of them at once.
 */
public final class RouteOptions implements AutoCloseable {

    /** Endpoints that look at their settings before anything runs, and connect to nothing until then. */
    private static final Set<String> OWN =
            Set.of("pgq", "pgq-decode", "pgq-partition", "pgq-copy", "pgq-leave-out", "pgq-loaded", "pg-change-set");

    private final CamelContext context = new DefaultCamelContext(false);
    private final Set<Path> directories = new TreeSet<>();
    private int jobs;

    /** @param properties values of the placeholders; the environment comes before them, as Camel has it */
    public RouteOptions(Properties properties) {
        context.getPropertiesComponent().setInitialProperties(properties);
        context.build();
    }

    /** What is wrong with a file; empty where nothing is. */
    public List<String> problems(Path file, String text) {
        List<String> problems = new ArrayList<>();
        try {
            for (Object document : new Load(LoadSettings.builder().build()).loadAllFromString(text)) {
                walk(file, document, problems);
            }
        } catch (MarkedYamlEngineException e) {
            problems.add(file + ": invalid YAML: " + e.getProblem()
                    + e.getProblemMark()
                            .map(mark -> " in line " + (mark.getLine() + 1) + ", column " + (mark.getColumn() + 1))
                            .orElse(""));
        } catch (YamlEngineException e) {
            problems.add(file + ": invalid YAML: " + e.getMessage());
        }
        return problems;
    }

    private void walk(Path file, Object node, List<String> problems) {
        if (node instanceof List<?> list) {
            list.forEach(item -> walk(file, item, problems));
        } else if (node instanceof Map<?, ?> map) {
            map.forEach((step, value) -> {
                if (value instanceof Map<?, ?> inner && inner.get("uri") instanceof String uri) {
                    check(file, step.equals("from"), uri, options(inner), problems);
                } else if (value instanceof String uri && (step.equals("from") || step.equals("to"))) {
                    check(file, step.equals("from"), uri, Map.of(), problems);
                }
                walk(file, value, problems);
            });
        }
    }

    private static Map<?, ?> options(Map<?, ?> endpoint) {
        return endpoint.get("parameters") instanceof Map<?, ?> options ? options : Map.of();
    }

    /** Consumers of queues in the files that were read so far. */
    int jobs() {
        return jobs;
    }

    /** Drop directories and others that files are written to or taken from, as they are written in the files read so far. */
    Set<Path> directories() {
        return directories;
    }

    private void noteDirectory(String uri, Map<?, ?> options) {
        Object directory = uri.startsWith("file:")
                ? uri.replaceFirst("^file:(//)?", "").replaceFirst("[?].*", "")
                : uri.startsWith("pg-change-set:") ? options.get("directory") : null;
        if (directory != null) {
            try {
                directories.add(Path.of(context.resolvePropertyPlaceholders(String.valueOf(directory))));
            } catch (IllegalArgumentException e) {
                // no such key, told as such; or a name that is made for each message
            }
        }
    }

    private void check(Path file, boolean from, String uri, Map<?, ?> options, List<String> problems) {
        if (from && uri.startsWith("pgq:")) {
            jobs++;
        }
        noteDirectory(uri, options);
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
        int before = problems.size();
        for (String option : given) {
            if (!known.contains(option)
                    && !option.contains("{{")
                    && factory.multiValuePrefixes().values().stream().noneMatch(option::startsWith)) {
                problems.add(file + ": " + Secrets.masked(query < 0 ? uri : uri.substring(0, query))
                        + " has no option \"" + option + "\"" + Spelling.nearest(option, known));
            }
        }
        if (problems.size() == before && OWN.contains(scheme)) {
            checkValues(file, from, uri, options, problems);
        }
    }

    /** Makes the endpoint and what works for it, as the route would. */
    private void checkValues(Path file, boolean from, String uri, Map<?, ?> options, List<String> problems) {
        String where = uri;
        try {
            where = context.resolvePropertyPlaceholders(uri);
            Map<String, Object> values = new LinkedHashMap<>();
            int query = where.indexOf('?');
            if (query >= 0) {
                values.putAll(URISupport.parseQuery(where.substring(query + 1)));
                where = where.substring(0, query);
            }
            for (Map.Entry<?, ?> option : options.entrySet()) {
                String value = context.resolvePropertyPlaceholders(String.valueOf(option.getValue()));
                if (value.startsWith("#") && context.getRegistry().lookupByName(value.substring(1)) == null) {
                    context.getRegistry().bind(value.substring(1), new PGSimpleDataSource());
                }
                values.put(String.valueOf(option.getKey()), value);
            }
            Endpoint endpoint =
                    context.getComponent(where.substring(0, where.indexOf(":"))).createEndpoint(where, values);
            if (from) {
                endpoint.createConsumer(exchange -> {});
            } else {
                endpoint.createProducer();
            }
        } catch (PropertyBindingException e) {
            problems.add(file + ": " + where + " cannot take " + e.getPropertyName() + " = " + e.getValue()
                    + allowed(where, e.getPropertyName()));
        } catch (Exception e) {
            if (!String.valueOf(e.getMessage()).contains("Property with key")) { // a placeholder; told as such
                problems.add(file + ": " + e.getMessage().replace("\n", "\n  "));
            }
        }
    }

    /** The values of an option that has a fixed list of them, for an error's end. */
    private String allowed(String uri, String option) {
        Component component = context.getComponent(uri.substring(0, uri.indexOf(":")));
        Class<?> type = component.getEndpointPropertyConfigurer() instanceof PropertyConfigurerGetter options
                ? options.getOptionType(option, true)
                : null;
        return type == null || !type.isEnum()
                ? ""
                : Stream.of(type.getEnumConstants())
                        .map(value -> value.toString().toLowerCase(Locale.ROOT).replace('_', '-'))
                        .collect(Collectors.joining(", ", "; expected one of ", ""));
    }

    @Override
    public void close() {
        context.stop();
    }
}
