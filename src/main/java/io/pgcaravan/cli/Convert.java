package io.pgcaravan.cli;

import io.pgcaravan.skytools.JobRoute;
import io.pgcaravan.skytools.TableDispatcherJob;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan convert}. */
@Command(
        name = "convert",
        mixinStandardHelpOptions = true,
        description = "Prints the job of a table_dispatcher ini file as a route.")
final class Convert implements Callable<Integer> {

    @Parameters(paramLabel = "CONFIG.ini", description = "The ini file.")
    private Path ini;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        TableDispatcherJob job = TableDispatcherJob.read(ini, Map.of());
        job.warnings().forEach(spec.commandLine().getErr()::println);
        spec.commandLine().getErr().flush();
        spec.commandLine().getOut().print(JobRoute.yaml(job));
        spec.commandLine().getOut().flush();
        return 0;
    }
}
