package io.pgcaravan.cli;

import io.pgcaravan.app.Configuration;
import io.pgcaravan.app.Database;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** {@code --config}, and the databases of that configuration. */
final class ConfigOption {

    @Option(
            names = "--config",
            paramLabel = "DIR",
            description =
                    "Directory with application.properties and log4j2.properties; default is config/ beside caravan.")
    private Path given;

    /** The directory that was given, else the one beside caravan. */
    Path directory() {
        return given == null ? besideCaravan("config") : given;
    }

    /**
     * The database that an option names, else the configured one.
     *
     * @param text the option's value, null where it was not given
     * @param dataSource the configured database's name
     */
    Database database(String option, String text, String dataSource) throws IOException {
        return text == null ? Configuration.database(directory(), dataSource, option) : Database.given(option, text);
    }

    static Path besideCaravan(String directory) {
        return Path.of(System.getProperty("caravan.home", ".")).resolve(directory);
    }
}
