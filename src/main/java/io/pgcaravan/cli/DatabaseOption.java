package io.pgcaravan.cli;

import io.pgcaravan.app.Configuration;
import io.pgcaravan.app.Database;
import io.pgcaravan.ship.Connect;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import picocli.CommandLine.Option;

/** {@code --db} and {@code --config}: where a command finds its database. */
final class DatabaseOption {

    @Option(
            names = "--db",
            paramLabel = "DATABASE",
            description = "A JDBC URL, a postgresql:// URI or a conninfo string (host=... dbname=...); no host"
                    + " in the last two means the Unix socket of this machine's server."
                    + " Default is what config/application.properties says.")
    private String given;

    @Option(
            names = "--config",
            paramLabel = "DIR",
            description = "Directory with application.properties; default is config/ beside caravan.")
    private Path config;

    /**
     * Connects, with autocommit on.
     *
     * @param name of the data source whose settings count where no {@code --db} was given
     */
    Connection connect(String name) throws IOException {
        return database(name).reach();
    }

    /** Connects as often as it is asked to, for work that needs more than one connection. */
    Connect opener(String name) throws IOException {
        return database(name)::reach;
    }

    private Database database(String name) throws IOException {
        return isGiven() ? given() : Configuration.database(config(), name, "--db");
    }

    /** What {@code --db} says, null where it was not given. */
    Database given() {
        return given == null ? null : Database.given("--db", given);
    }

    Path config() {
        return configOr(config);
    }

    /** The directory that was given, else the one beside caravan. */
    static Path configOr(Path given) {
        return given == null ? Path.of(System.getProperty("caravan.home", ".")).resolve("config") : given;
    }

    private boolean isGiven() {
        return given != null;
    }
}
