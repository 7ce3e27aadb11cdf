package io.pgcaravan.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** {@code --routes}, for commands that read the routes. */
final class RoutesOption {

    @Option(
            names = "--routes",
            paramLabel = "DIR",
            description = "Directory with the route files (*.yaml); default is routes/ beside caravan.")
    private Path routes;

    boolean isGiven() {
        return routes != null;
    }

    /** The directory that was given, else the one beside caravan. */
    Path routes() {
        return routesOr(routes);
    }

    static Path routesOr(Path given) {
        return given == null ? Path.of(System.getProperty("caravan.home", ".")).resolve("routes") : given;
    }
}
