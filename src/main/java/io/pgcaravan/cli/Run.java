package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code caravan run}. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        description = "Runs the routes until a signal stops it (INT or TERM).",
        exitCodeList = {
            "2:a configuration or route that cannot be read or does not fit; nothing ran",
            "130:stopped by INT",
            "143:stopped by TERM"
        })
final class Run implements Callable<Integer> {

    @Mixin
    private ConfigOption config;

    @Mixin
    private RoutesOption routes;

    @Override
    public Integer call() throws Exception {
        return Application.configured(config.directory(), routes.directory()).run();
    }
}
