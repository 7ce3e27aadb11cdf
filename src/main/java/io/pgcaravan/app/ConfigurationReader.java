package io.pgcaravan.app;

import io.pgcaravan.database.Spelling;
import java.io.IOException;
import java.io.Reader;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Reads a configuration, and notes every problem on the way. */
final class ConfigurationReader {

    private static final String MANAGEMENT_HOSTS = "management.hosts";
    private static final String STATUS_PERIOD = "status.period";
    private static final String CONSOLE_TOKEN = "console.token";

    /** Keys that are this application's, and no route's. */
    private static final Set<String> OWN_KEYS = Set.of(MANAGEMENT_HOSTS, STATUS_PERIOD, CONSOLE_TOKEN);

    /** Shorter ones can be guessed. */
    private static final int SHORTEST_TOKEN = 16;

    private static final Pattern HOST_NAME = Pattern.compile("[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+]");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{([^{}]+)}}");
    private static final Pattern DATABASE_KEY = Pattern.compile("database\\.([A-Za-z_][A-Za-z0-9_]*)\\.(.+)");

    /** For what the routes' own steps ask for. */
    private static final int POOL_SIZE = 8;

    /** A job keeps a connection to each of its databases, and its partitions are looked after over another. */
    private static final int CONNECTIONS_OF_A_JOB = 2;

    private final Path file;
    private final Properties properties = new Properties();
    private final List<String> problems = new ArrayList<>();
    private final Map<String, Database> databases = new LinkedHashMap<>();
    private final Map<String, Integer> poolSizes = new LinkedHashMap<>();
    /** Keys that placeholders name. */
    private final Set<String> used = new TreeSet<>();

    ConfigurationReader(Path config) throws IOException {
        file = config.resolve("application.properties");
        if (!Files.isRegularFile(file)) {
            problems.add("there is no file " + file);
            return;
        }
        load(file);
        String profile = value("camel.main.profile");
        Path more = config.resolve("application-" + profile + ".properties");
        if (profile != null && Files.isRegularFile(more)) {
            load(more);
        }
    }

    private void load(Path path) throws IOException {
        try (Reader reader = Files.newBufferedReader(path)) {
            properties.load(reader);
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException("cannot read " + path + ": " + e.getMessage());
        }
    }

    Configuration read(Path routes, boolean listening) throws IOException {
        // without the file, every placeholder would be a problem
        refuse();
        List<Path> files = routeFiles(routes);
        int before = problems.size();
        int jobs;
        Set<Path> directories;
        try (RouteOptions options = new RouteOptions(properties)) {
            for (Path route : files) {
                String text = Files.readString(route);
                problems.addAll(options.problems(route, text));
                checkPlaceholders(route.toString(), text);
            }
            jobs = options.jobs();
            directories = options.directories();
        }
        // a route that cannot be read may use any of them
        boolean allRead = problems.size() == before;
        for (String key : properties.stringPropertyNames()) {
            checkPlaceholders("key " + key, properties.getProperty(key));
        }
        for (String key : new TreeSet<>(properties.stringPropertyNames())) {
            Matcher database = DATABASE_KEY.matcher(key);
            if (database.matches()) {
                readDatabase(database.group(1), database.group(2));
            } else if (allRead && !key.startsWith("camel.") && !OWN_KEYS.contains(key) && !used.contains(key)) {
                problems.add(file + ": no route uses key " + key + Spelling.nearest(key, used));
            }
        }
        if (listening) {
            checkManagementPort();
        }
        Configuration read = new Configuration(
                databases,
                poolSizes,
                POOL_SIZE + CONNECTIONS_OF_A_JOB * jobs,
                files,
                directories,
                number("camel.main.shutdownTimeout", 45, 1, "number of seconds"),
                managementHosts(),
                Duration.ofMillis(number(STATUS_PERIOD, 5000, 500, "number of milliseconds")),
                consoleToken());
        refuse();
        return read;
    }

    private void refuse() {
        if (!problems.isEmpty()) {
            throw new ConfigurationException("invalid configuration:\n  " + String.join("\n  ", problems));
        }
    }

    Database database(String name, String option) {
        if (problems.isEmpty()) {
            if (value("database." + name + ".url") == null) {
                problems.add(file + " has no key database." + name + ".url");
            } else {
                readDatabase(name, "url");
            }
        }
        if (!problems.isEmpty()) {
            throw new ConfigurationException(
                    String.join("; ", problems) + " (" + option + " names a database instead)");
        }
        return databases.get(name);
    }

    /** A key's value, the way Camel finds it: environment, system property, file. */
    private String value(String key) {
        String variable =
                System.getenv(key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_'));
        return variable != null ? variable : System.getProperty(key, properties.getProperty(key));
    }

    private int number(String key, int defaultValue, int least, String what) {
        String value = value(key);
        try {
            int number = value == null ? defaultValue : Integer.parseInt(value.strip());
            if (number >= least) {
                return number;
            }
        } catch (NumberFormatException e) {
            // as one that is too small
        }
        problems.add("key " + key + ": invalid value \"" + value + "\"; must be a " + what + ", >= " + least);
        return defaultValue;
    }

    /** No message contains the value. */
    private String consoleToken() {
        String token = value(CONSOLE_TOKEN);
        if (token == null || token.isBlank()) {
            return null;
        }
        if (token.strip().length() < SHORTEST_TOKEN || !token.strip().matches("[!-~]+")) {
            problems.add("key " + CONSOLE_TOKEN + ": must be " + SHORTEST_TOKEN
                    + " characters or more, ASCII without blanks; such as what openssl rand -hex 16 prints");
        }
        return token.strip();
    }

    private List<String> managementHosts() {
        String value = value(MANAGEMENT_HOSTS);
        List<String> names = Stream.of(value == null ? new String[0] : value.split(","))
                .map(String::strip)
                .filter(name -> !name.isEmpty())
                .toList();
        for (String name : names) {
            if (!HOST_NAME.matcher(name).matches()) {
                problems.add("key " + MANAGEMENT_HOSTS + ": invalid host name \"" + name
                        + "\"; allowed are names and addresses without ports, comma separated");
            }
        }
        return names;
    }

    private List<Path> routeFiles(Path routes) throws IOException {
        if (!Files.isDirectory(routes)) {
            problems.add("there is no directory " + routes + " with routes");
            return List.of();
        }
        try (Stream<Path> files = Files.list(routes)) {
            List<Path> found = files.filter(path -> path.toString().endsWith(".yaml"))
                    .sorted()
                    .toList();
            if (found.isEmpty()) {
                problems.add("there is no route file (*.yaml) in " + routes);
            }
            return found;
        }
    }

    /** Camel would run without it, after a stack trace. */
    private void checkManagementPort() {
        if (!"true".equals(value("camel.management.enabled"))) {
            return;
        }
        String host = value("camel.management.host");
        String port = value("camel.management.port");
        if ("true".equals(value("camel.server.enabled")) && Objects.equals(port, value("camel.server.port"))) {
            problems.add("key camel.server.port: must not be camel.management.port, " + port
                    + ": one port would answer for both, without the management port's guard");
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(
                    host == null ? "0.0.0.0" : host.strip(), port == null ? 8080 : Integer.parseInt(port.strip())));
        } catch (IllegalArgumentException e) {
            problems.add("key camel.management.port: invalid port \"" + port + "\"");
        } catch (IOException e) {
            problems.add("key camel.management.port: cannot listen on port " + port + " of " + host + ": "
                    + e.getMessage() + "; is another caravan running? Choose another port, or set"
                    + " camel.management.enabled = false");
        }
    }

    private void checkPlaceholders(String where, String text) {
        for (String line : text.split("\n")) {
            Matcher placeholder = PLACEHOLDER.matcher(line.strip().startsWith("#") ? "" : line);
            while (placeholder.find()) {
                String inside = placeholder.group(1).strip();
                boolean optional = inside.startsWith("?");
                // {{key:default}}, {{env:NAME}} and the like have what they need
                boolean complete = inside.indexOf(':') >= 0;
                String key = optional ? inside.substring(1) : inside.replaceFirst(":.*", "");
                used.add(key);
                if (!optional && !complete && value(key) == null) {
                    problems.add(where + ": {{" + key + "}} has no value"
                            + Spelling.nearest(key, properties.stringPropertyNames()));
                }
            }
        }
    }

    private void readDatabase(String name, String setting) {
        String key = "database." + name + ".";
        switch (setting) {
            case "url" -> {
                try {
                    databases.put(
                            name, Database.parse(value(key + "url")).as(value(key + "user"), value(key + "password")));
                } catch (IllegalArgumentException e) {
                    problems.add("key " + key + "url: the value " + e.getMessage());
                }
            }
            case "poolSize" -> poolSizes.put(name, number(key + "poolSize", POOL_SIZE, 2, "number"));
            case "user", "password" -> {
                if (properties.getProperty(key + "url") == null) {
                    problems.add("key " + key + setting + ": there is no " + key + "url beside it");
                }
            }
            default -> problems.add("unknown key " + key + setting + "; expected one of url, user, password, poolSize");
        }
    }
}
