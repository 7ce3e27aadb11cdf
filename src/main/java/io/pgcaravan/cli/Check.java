package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import io.pgcaravan.app.QuietLog;
import io.pgcaravan.camel.JobPlans;
import io.pgcaravan.check.Finding;
import io.pgcaravan.check.JobCheck;
import io.pgcaravan.skytools.JobRoute;
import io.pgcaravan.skytools.TableDispatcherJob;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan check}. */
@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        description = {
            "Compares the jobs with their databases before they run, and changes nothing: connections, PgQ and its rights,"
                    + " queue and consumer, where both sides stand, tables, columns, types and keys. A partition is made"
                    + " for a trial, in a transaction that is rolled back.",
            "Prints a line for each thing it looked at: ok, warning or problem."
        },
        exitCodeList = {
            "0:no problem; there may be warnings",
            "1:a problem",
            "2:bad usage, or a configuration that cannot be read"
        })
final class Check implements Callable<Integer> {

    @Parameters(
            arity = "0..1",
            paramLabel = "CONFIG.ini",
            description = "The ini file of a table_dispatcher to check, instead of config/ and routes/.")
    private Path ini;

    @Mixin
    private ConfigOption config;

    @Mixin
    private RoutesOption routes;

    @Spec
    private CommandSpec spec;

    private boolean problem;

    @Override
    public Integer call() throws Exception {
        QuietLog.warningsOnly();
        try (Application application =
                ini == null ? Application.waiting(config.directory(), routes.directory(), null) : waiting()) {
            application.start();
            Map<String, JobPlans.Plan> plans = application.plans();
            plans.forEach(this::check);
            if (plans.values().stream().allMatch(plan -> plan.job() == null)) {
                print(Finding.Level.WARNING, "", "no route that starts from pgq: is on");
            }
        }
        return problem ? 1 : 0;
    }

    private Application waiting() throws IOException {
        TableDispatcherJob job = TableDispatcherJob.read(ini, Map.of());
        job.warnings().forEach(warning -> print(Finding.Level.WARNING, job.name(), warning));
        return Application.waiting(job.name() + ".yaml", JobRoute.yaml(job), JobProcess.databases(job));
    }

    private void check(String route, JobPlans.Plan plan) {
        if (plan.job() == null) {
            print(Finding.Level.OK, route, "is off, and is not looked at");
            return;
        }
        plan.refusals().forEach(refusal -> print(Finding.Level.PROBLEM, route, "will not start: " + refusal));
        if (!plan.sharedWith().isEmpty()) {
            print(
                    Finding.Level.WARNING,
                    route,
                    "consumer \"" + plan.job().consumer() + "\" is also that of " + String.join(", ", plan.sharedWith())
                            + " (off): switched on in its place, that route continues where this one stopped; to run both,"
                            + " give one another consumer");
        }
        JobCheck.of(plan.job()).forEach(finding -> print(finding.level(), route, finding.said()));
    }

    private void print(Finding.Level level, String route, String said) {
        problem |= level == Finding.Level.PROBLEM;
        spec.commandLine()
                .getOut()
                .printf(
                        "%-7s  %s%s%n",
                        level.name().toLowerCase(Locale.ROOT),
                        route.isEmpty() ? "" : route + ": ",
                        said.replaceAll("\\s*\n\\s*", " "));
    }
}
