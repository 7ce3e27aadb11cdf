package io.pgcaravan.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** {@code --routes}, for commands that read the routes. */
final class RoutesOption {

    @Option(
            names = "--routes",
            paramLabel = "DIR",
            description = "Directory with the route files (*.yaml); default is routes/ beside caravan.")
    private Path given;

    boolean isGiven() {
        return given != null;
    }

    /** The directory that was given, else the one beside caravan. */
    Path directory() {
        return given == null ? ConfigOption.besideCaravan("routes") : given;
    }
}
