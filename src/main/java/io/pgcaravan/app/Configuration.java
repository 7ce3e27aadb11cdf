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

/**
 * What the user wrote under config/ and routes/, read and checked as a whole before anything starts.
 *
 * @param databases by the name of their data source
 * @param poolSizes connections at most, for databases whose key says so
 * @param presetPoolSize for the others
 * @param directories that routes write files to or take them from, as written
 * @param shutdownTimeout how long a stop waits for a batch, seconds
 * @param managementHosts names by which the management server may be called besides those of this machine
 * @param statusPeriod how often the databases are looked at for meters and the console
 * @param consoleToken what the console wants from somebody who acts; null where nobody may
 */
public record Configuration(
        Map<String, Database> databases,
        Map<String, Integer> poolSizes,
        int presetPoolSize,
        List<Path> routeFiles,
        Set<Path> directories,
        int shutdownTimeout,
        List<String> managementHosts,
        Duration statusPeriod,
        String consoleToken) {

    private static final String MANAGEMENT_HOSTS = "management.hosts";
    private static final String STATUS_PERIOD = "status.period";
    private static final String CONSOLE_TOKEN = "console.token";
    /** Keys that are this application's, and no route's. */
    private static final Set<String> OWN_KEYS = Set.of(MANAGEMENT_HOSTS, STATUS_PERIOD, CONSOLE_TOKEN);

    /** Shorter ones can be guessed. */
    private static final int SHORTEST_TOKEN = 16;

    private static final long SHORTEST_STATUS_PERIOD = 500;
    private static final long STATUS_PERIOD_PRESET = 5000;
    private static final Pattern HOST_NAME = Pattern.compile("[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+]");

    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{([^{}]+)}}");
    private static final Pattern DATABASE_KEY = Pattern.compile("database\\.([A-Za-z_][A-Za-z0-9_]*)\\.(.+)");
    /** For what the routes' own steps ask for. */
    private static final int POOL_SIZE = 8;

    /** Seconds. */
    private static final int CAMELS_SHUTDOWN_TIMEOUT = 45;

    /** A job keeps a connection to each of its databases, and its partitions are looked after over another. */
    private static final int CONNECTIONS_OF_A_JOB = 2;

    /**
     * @param listening whether the management server is going to be started
     * @throws ConfigurationException with every problem that was found: file, key, value, what is allowed
     */
    public static Configuration read(Path config, Path routes, boolean listening) throws IOException {
        List<String> problems = new ArrayList<>();
        Properties properties = properties(config, problems);
        List<Path> files = routeFiles(routes, problems);
        Set<String> used = new TreeSet<>();
        int before = problems.size();
        int poolSize = POOL_SIZE;
        Set<Path> directories;
        try (RouteOptions options = new RouteOptions(properties)) {
            for (Path file : files) {
                String text = Files.readString(file);
                problems.addAll(options.problems(file, text));
                checkPlaceholders(file.toString(), text, properties, used, problems);
            }
            poolSize += CONNECTIONS_OF_A_JOB * options.jobs();
            directories = options.directories();
        }
        // a route that cannot be read may use any of them
        boolean allRead = problems.size() == before;
        for (String key : properties.stringPropertyNames()) {
            checkPlaceholders("key " + key, properties.getProperty(key), properties, used, problems);
        }
        Map<String, Database> databases = new LinkedHashMap<>();
        Map<String, Integer> poolSizes = new LinkedHashMap<>();
        for (String key : new TreeSet<>(properties.stringPropertyNames())) {
            Matcher database = DATABASE_KEY.matcher(key);
            if (database.matches()) {
                readDatabase(database.group(1), database.group(2), properties, databases, poolSizes, problems);
            } else if (allRead && !key.startsWith("camel.") && !OWN_KEYS.contains(key) && !used.contains(key)) {
                problems.add(config.resolve("application.properties") + ": no route uses key " + key
                        + Spelling.nearest(key, used));
            }
        }
        List<String> managementHosts = managementHosts(properties, problems);
        Duration statusPeriod = statusPeriod(properties, problems);
        String consoleToken = consoleToken(properties, problems);
        if (listening) {
            checkManagementPort(properties, problems);
        }
        int shutdownTimeout = shutdownTimeout(properties, problems);
        if (!problems.isEmpty()) {
            throw new ConfigurationException("the configuration cannot work:\n  " + String.join("\n  ", problems));
        }
        return new Configuration(
                databases,
                poolSizes,
                poolSize,
                files,
                directories,
                shutdownTimeout,
                managementHosts,
                statusPeriod,
                consoleToken);
    }

    /** The value itself is never told. */
    private static String consoleToken(Properties properties, List<String> problems) {
        String token = value(CONSOLE_TOKEN, properties);
        if (token == null || token.isBlank()) {
            return null;
        }
        if (token.strip().length() < SHORTEST_TOKEN || !token.strip().matches("[!-~]+")) {
            problems.add("key " + CONSOLE_TOKEN + ": must be " + SHORTEST_TOKEN
                    + " characters or more, ASCII without blanks; such as what openssl rand -hex 16 prints");
        }
        return token.strip();
    }

    private static Duration statusPeriod(Properties properties, List<String> problems) {
        String value = value(STATUS_PERIOD, properties);
        long millis = STATUS_PERIOD_PRESET;
        if (value != null) {
            try {
                millis = Long.parseLong(value.strip());
            } catch (NumberFormatException e) {
                millis = 0;
            }
            if (millis < SHORTEST_STATUS_PERIOD) {
                problems.add("key " + STATUS_PERIOD + ": \"" + value + "\" must be milliseconds, "
                        + SHORTEST_STATUS_PERIOD + " or more");
            }
        }
        return Duration.ofMillis(millis);
    }

    private static List<String> managementHosts(Properties properties, List<String> problems) {
        String value = value(MANAGEMENT_HOSTS, properties);
        List<String> names = value == null
                ? List.of()
                : Stream.of(value.split(","))
                        .map(String::strip)
                        .filter(name -> !name.isEmpty())
                        .toList();
        for (String name : names) {
            if (!HOST_NAME.matcher(name).matches()) {
                problems.add("key " + MANAGEMENT_HOSTS + ": \"" + name
                        + "\" is no host name; allowed are names and addresses without ports, comma separated");
            }
        }
        return names;
    }

    /**
     * One database of config/application.properties, whatever the rest of it and the routes say.
     *
     * @param option what names a database instead, for the message
     * @throws ConfigurationException where it is not there or cannot be read
     */
    public static Database database(Path config, String name, String option) throws IOException {
        List<String> problems = new ArrayList<>();
        Properties properties = properties(config, problems);
        Map<String, Database> databases = new LinkedHashMap<>();
        if (problems.isEmpty()) {
            if (value("database." + name + ".url", properties) == null) {
                problems.add(config.resolve("application.properties") + " has no key database." + name + ".url");
            } else {
                readDatabase(name, "url", properties, databases, new LinkedHashMap<>(), problems);
            }
        }
        if (!problems.isEmpty()) {
            throw new ConfigurationException(
                    String.join("; ", problems) + " (" + option + " names a database instead)");
        }
        return databases.get(name);
    }

    private static Properties properties(Path config, List<String> problems) throws IOException {
        Properties properties = new Properties();
        Path file = config.resolve("application.properties");
        if (!Files.isRegularFile(file)) {
            problems.add("there is no file " + file);
            return properties;
        }
        load(file, properties);
        String profile = value("camel.main.profile", properties);
        if (profile != null) {
            Path more = config.resolve("application-" + profile + ".properties");
            if (Files.isRegularFile(more)) {
                load(more, properties);
            }
        }
        return properties;
    }

    private static void load(Path file, Properties properties) throws IOException {
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(file + " cannot be read: " + e.getMessage());
        }
    }

    private static List<Path> routeFiles(Path routes, List<String> problems) throws IOException {
        if (!Files.isDirectory(routes)) {
            problems.add("there is no directory " + routes + " with routes");
            return List.of();
        }
        try (Stream<Path> files = Files.list(routes)) {
            List<Path> found = files.filter(file -> file.toString().endsWith(".yaml"))
                    .sorted()
                    .toList();
            if (found.isEmpty()) {
                problems.add("there is no route file (*.yaml) in " + routes);
            }
            return found;
        }
    }

    /** A key's value, the way Camel finds it: environment, system property, file. */
    private static String value(String key, Properties properties) {
        String variable =
                System.getenv(key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_'));
        return variable != null ? variable : System.getProperty(key, properties.getProperty(key));
    }

    private static int shutdownTimeout(Properties properties, List<String> problems) {
        String text = value("camel.main.shutdownTimeout", properties);
        try {
            int seconds = text == null ? CAMELS_SHUTDOWN_TIMEOUT : Integer.parseInt(text.strip());
            if (seconds < 1) {
                problems.add("key camel.main.shutdownTimeout: " + seconds + " is too small, must be >= 1 (seconds)");
            }
            return seconds;
        } catch (NumberFormatException e) {
            problems.add("key camel.main.shutdownTimeout: \"" + text + "\" is no number of seconds");
            return CAMELS_SHUTDOWN_TIMEOUT;
        }
    }

    /** Camel would run without it, after a stack trace. */
    private static void checkManagementPort(Properties properties, List<String> problems) {
        if (!"true".equals(value("camel.management.enabled", properties))) {
            return;
        }
        String host = value("camel.management.host", properties);
        String port = value("camel.management.port", properties);
        if ("true".equals(value("camel.server.enabled", properties))
                && Objects.equals(port, value("camel.server.port", properties))) {
            problems.add("key camel.server.port: must not be camel.management.port, " + port
                    + ": one port would answer for both, without the management port's guard");
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(
                    host == null ? "0.0.0.0" : host.strip(), port == null ? 8080 : Integer.parseInt(port.strip())));
        } catch (IllegalArgumentException e) {
            problems.add("key camel.management.port: \"" + port + "\" is no port");
        } catch (IOException e) {
            problems.add("key camel.management.port: cannot listen on port " + port + " of " + host + ": "
                    + e.getMessage() + "; is another caravan running? Choose another port, or set"
                    + " camel.management.enabled = false");
        }
    }

    private static void checkPlaceholders(
            String where, String text, Properties properties, Set<String> used, List<String> problems) {
        for (String line : text.split("\n")) {
            if (line.strip().startsWith("#")) {
                continue;
            }
            Matcher placeholder = PLACEHOLDER.matcher(line);
            while (placeholder.find()) {
                String inside = placeholder.group(1).strip();
                boolean optional = inside.startsWith("?");
                int colon = inside.indexOf(':');
                String key = optional ? inside.substring(1) : colon < 0 ? inside : inside.substring(0, colon);
                boolean function =
                        colon > 0 && Set.of("env", "sys", "bean", "service").contains(key);
                used.add(key);
                if (!optional && colon < 0 && !function && value(key, properties) == null) {
                    problems.add(where + ": {{" + key + "}} has no value"
                            + Spelling.nearest(key, properties.stringPropertyNames()));
                }
            }
        }
    }

    private static void readDatabase(
            String name,
            String setting,
            Properties properties,
            Map<String, Database> databases,
            Map<String, Integer> poolSizes,
            List<String> problems) {
        String key = "database." + name + ".";
        switch (setting) {
            case "url" -> {
                try {
                    databases.put(
                            name,
                            Database.parse(value(key + "url", properties))
                                    .as(value(key + "user", properties), value(key + "password", properties)));
                } catch (IllegalArgumentException e) {
                    problems.add("key " + key + "url: the value " + e.getMessage());
                }
            }
            case "poolSize" -> {
                String size = value(key + "poolSize", properties);
                try {
                    poolSizes.put(name, Integer.parseInt(size.strip()));
                    if (poolSizes.get(name) < 2) {
                        problems.add("key " + key + "poolSize: " + size + " is too small, must be >= 2");
                    }
                } catch (NumberFormatException e) {
                    problems.add("key " + key + "poolSize: \"" + size + "\" is no number");
                }
            }
            case "user", "password" -> {
                if (properties.getProperty(key + "url") == null) {
                    problems.add("key " + key + setting + ": there is no " + key + "url beside it");
                }
            }
            default ->
                problems.add("key " + key + setting + " is unknown; allowed are url, user, password and poolSize");
        }
    }

    int poolSize(String name) {
        return poolSizes.getOrDefault(name, presetPoolSize);
    }
}
