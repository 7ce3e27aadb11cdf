package io.pgcaravan.app;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the user wrote under config/ and routes/, read and checked as a whole before anything starts.
 *
 * @param databases by the name of their data source
 * @param poolSizes connections at most, for databases whose key says so
 * @param defaultPoolSize for the others
 * @param directories that routes write files to or take them from, as written
 * @param shutdownTimeout how long a stop waits for a batch, seconds
 * @param managementHosts names by which the management server may be called besides those of this machine
 * @param statusPeriod how often the databases are looked at for meters and the console
 * @param consoleToken what the console requires for its operations; null where it has none
 */
public record Configuration(
        Map<String, Database> databases,
        Map<String, Integer> poolSizes,
        int defaultPoolSize,
        List<Path> routeFiles,
        Set<Path> directories,
        int shutdownTimeout,
        List<String> managementHosts,
        Duration statusPeriod,
        String consoleToken) {

    /**
     * @param listening whether the management server is going to be started
     * @throws ConfigurationException with every problem that was found: file, key, value, what is allowed
     */
    public static Configuration read(Path config, Path routes, boolean listening) throws IOException {
        return new ConfigurationReader(config).read(routes, listening);
    }

    /**
     * One database of config/application.properties, whatever the rest of it and the routes say.
     *
     * @param option what names a database instead, for the message
     * @throws ConfigurationException where it is not there or cannot be read
     */
    public static Database database(Path config, String name, String option) throws IOException {
        return new ConfigurationReader(config).database(name, option);
    }

    int poolSize(String name) {
        return poolSizes.getOrDefault(name, defaultPoolSize);
    }
}
