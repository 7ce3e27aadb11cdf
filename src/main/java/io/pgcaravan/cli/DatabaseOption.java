package io.pgcaravan.cli;

import io.pgcaravan.app.Database;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
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

    @Mixin
    private ConfigOption config;

    /** The database that was given, else the configured one of this name. */
    Database database(String dataSource) throws IOException {
        return config.database("--db", given, dataSource);
    }

    /** {@link ConfigOption#database}: the database that another option names, else the configured one. */
    Database database(String option, String text, String dataSource) throws IOException {
        return config.database(option, text, dataSource);
    }

    /** What {@code --db} says, null where it was not given. */
    Database given() {
        return given == null ? null : Database.given("--db", given);
    }

    Path config() {
        return config.directory();
    }
}
