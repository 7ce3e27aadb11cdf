package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import io.pgcaravan.app.ConfigurationException;
import io.pgcaravan.app.QuietLog;
import io.pgcaravan.camel.JobPlans;
import io.pgcaravan.check.CheckedJob;
import io.pgcaravan.grants.RoleGrants;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code caravan grants}. */
@Command(
        name = "grants",
        mixinStandardHelpOptions = true,
        description = {
            "Prints the SQL that gives a role the rights that a job needs in one database, and no others: for psql, run by an"
                    + " administrator of that database. Nothing is connected to. Running it twice changes nothing.",
            "source and target are the two sides of the dispatch routes that are on; both, where no --side is given, each under"
                    + " the name of its database. export and import are for the tables that --table names, compare for"
                    + " both sides of caravan compare, repair for the source of caravan repair (its target takes compare), queues"
                    + " for making and ticking queues (the ticker route), monitor for looking at everything (caravan status)."
        })
final class Grants implements Callable<Integer> {

    /** What the role is to do in the database. */
    enum Side {
        SOURCE,
        TARGET,
        EXPORT,
        IMPORT,
        COMPARE,
        REPAIR,
        QUEUES,
        MONITOR
    }

    @Option(names = "--role", required = true, paramLabel = "ROLE", description = "The role, raw. It has to be there.")
    private String role;

    @Option(
            names = "--side",
            paramLabel = "SIDE",
            split = ",",
            description =
                    "source, target, export, import, compare, repair, queues or monitor; several where the role is to do all that in one"
                            + " database.")
    private List<Side> sides = List.of();

    @Option(
            names = "--table",
            split = ",",
            paramLabel = "SCHEMA.TABLE",
            converter = QualifiedTable.class,
            description =
                    "Tables that are exported, imported, compared, or get a queue's trigger, raw: the first dot of each separates"
                            + " the schema.")
    private List<TableName> tables = List.of();

    @Mixin
    private LedgerOption ledger;

    @Mixin
    private ConfigOption config;

    @Mixin
    private RoutesOption routes;

    @Spec
    private CommandSpec spec;

    private List<CheckedJob> jobs;

    @Override
    public Integer call() throws Exception {
        if (!tables.isEmpty()
                && EnumSet.of(Side.SOURCE, Side.TARGET, Side.MONITOR).containsAll(sides)) {
            throw badUsage(
                    "--table is for --side export, import, compare, repair and queues; routes say what the others"
                            + " need");
        }
        RoleGrants grants = new RoleGrants(role);
        if (sides.isEmpty()) {
            source(grants, enabledJobs());
            target(grants, enabledJobs());
        }
        for (Side side : sides) {
            switch (side) {
                case SOURCE -> source(grants, enabledJobs());
                case TARGET -> target(grants, enabledJobs());
                case EXPORT -> grants.exports(someTables(side), ledger.table());
                case IMPORT -> grants.imports(someTables(side));
                case COMPARE -> grants.compares(someTables(side), ledger.table());
                case REPAIR -> grants.repairs(someTables(side), ledger.table());
                case QUEUES -> grants.queues("pgq", tables);
                case MONITOR -> grants.monitor(jobs());
            }
        }
        spec.commandLine().getOut().print(grants.script());
        return 0;
    }

    private static void source(RoleGrants grants, List<CheckedJob> jobs) {
        byDatabase(jobs.stream(), CheckedJob::source)
                .forEach((source, those) -> grants.heading("source: " + source).source(those));
    }

    private static void target(RoleGrants grants, List<CheckedJob> jobs) {
        byDatabase(jobs.stream(), CheckedJob::target)
                .forEach((target, those) -> grants.heading("target: " + target).target(those));
        byDatabase(jobs.stream().flatMap(job -> job.forwards().stream()), CheckedJob.Forward::database)
                .forEach((database, those) ->
                        grants.heading("queues of the target: " + database).forwards(those));
    }

    private static <T> Map<DataSource, List<T>> byDatabase(Stream<T> all, Function<T, DataSource> database) {
        return all.collect(Collectors.groupingBy(database, LinkedHashMap::new, Collectors.toList()));
    }

    private List<CheckedJob> enabledJobs() throws IOException {
        List<CheckedJob> jobs = jobs();
        if (jobs.isEmpty()) {
            throw new ConfigurationException("no route that starts from pgq: is on, so that there is nothing to grant");
        }
        return jobs;
    }

    /** What the routes that are on are going to do; nothing is connected to. Read once. */
    private List<CheckedJob> jobs() throws IOException {
        if (jobs == null) {
            QuietLog.warningsOnly();
            try (Application application = Application.waiting(config.directory(), routes.directory(), null)) {
                application.start();
                jobs = application.plans().values().stream()
                        .map(JobPlans.Plan::job)
                        .filter(Objects::nonNull)
                        .toList();
            }
        }
        return jobs;
    }

    private List<TableName> someTables(Side side) {
        if (tables.isEmpty()) {
            throw badUsage("--side " + side.name().toLowerCase(Locale.ROOT) + " requires --table");
        }
        return tables;
    }

    private ParameterException badUsage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
