package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code caravan run}. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        description = "Runs the routes until it is told to stop (INT or TERM).",
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "2:a configuration or route that cannot be read or does not fit; nothing ran",
            "130:it was told to stop by INT",
            "143:it was told to stop by TERM"
        })
final class Run implements Callable<Integer> {

    @Option(
            names = "--config",
            paramLabel = "DIR",
            description =
                    "Directory with application.properties and log4j2.properties; default is config/ beside caravan.")
    private Path config;

    @Mixin
    private RoutesOption routes;

    @Override
    public Integer call() throws Exception {
        return Application.configured(DatabaseOption.configOr(config), routes.routes())
                .run();
    }
}
