package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import io.pgcaravan.app.Database;
import io.pgcaravan.app.PlainWriter;
import io.pgcaravan.app.Progress;
import io.pgcaravan.app.QuietLog;
import io.pgcaravan.camel.BatchDataSource;
import io.pgcaravan.status.Limits;
import io.pgcaravan.status.Place;
import io.pgcaravan.status.Status;
import io.pgcaravan.status.StatusReader;
import io.pgcaravan.status.Watch;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code caravan status}. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = {
            "Shows the state of every dispatch job and every shipped table, and first what is wrong. It asks the databases, so"
                    + " that it works whether or not caravan runs, and changes nothing."
        },
        exitCodeList = {
            "0:nothing is wrong",
            "1:something is; a database that is down is",
            "2:bad usage, or a configuration that cannot be read"
        })
final class StatusCommand implements Callable<Integer> {

    @Mixin
    private DatabaseOption database;

    @Mixin
    private RoutesOption routes;

    @Option(names = "--json", description = "Print all of it as one JSON object (with --watch: one a line).")
    private boolean json;

    @Option(
            names = "--watch",
            arity = "0..1",
            fallbackValue = "2",
            paramLabel = "SECONDS",
            description = "Show it again every so many seconds, 2 without a number, until it is interrupted.")
    private Double watch;

    @Option(
            names = "--max-lag",
            paramLabel = "SECONDS",
            defaultValue = "300",
            description =
                    "What counts as too far behind (default: ${DEFAULT-VALUE}). A quiet queue ticks once a minute.")
    private double maxLag;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        if (watch != null && !(watch >= 0.1)) {
            throw new ParameterException(spec.commandLine(), "--watch takes 0.1 seconds or more");
        }
        Limits limits = new Limits(
                maxLag,
                Limits.PRESET.rotation(),
                Limits.PRESET.free(),
                Limits.PRESET.unexported(),
                Limits.PRESET.unacknowledged());
        QuietLog.warningsOnly();
        Database given = database.given();
        if (given != null) {
            if (routes.isGiven()) {
                throw new ParameterException(
                        spec.commandLine(),
                        "--db is about one database, and --routes about those of the configuration");
            }
            try (BatchDataSource pool = given.pool("database", 2)) {
                return show(new StatusReader(Watch.of(List.of(new Place("database", pool, pool.unpooled()))), limits));
            }
        }
        try (Application application = Application.waiting(database.config(), routes.directory(), null)) {
            application.start();
            return show(new StatusReader(application.watch(), limits));
        }
    }

    /** The exit code. */
    private int show(StatusReader reader) {
        int code = print(reader.read());
        while (watch != null) {
            try {
                Thread.sleep(Math.round(watch * 1000));
            } catch (InterruptedException e) {
                return code;
            }
            Status status = reader.read();
            if (Thread.currentThread().isInterrupted()) {
                // in the middle of a look, which shows databases as down
                return code;
            }
            code = print(status);
        }
        return code;
    }

    private int print(Status status) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(status.json());
        } else {
            if (watch != null && Progress.stdoutIsTerminal()) {
                // home, and away with what was there
                PlainWriter.drawing(out).print("\u001b[H\u001b[2J");
            }
            StatusText.print(status, out);
            out.print(watch == null ? "" : System.lineSeparator());
        }
        out.flush();
        return status.isWell() ? 0 : 1;
    }
}
