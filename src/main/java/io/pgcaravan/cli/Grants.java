package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import io.pgcaravan.app.ConfigurationException;
import io.pgcaravan.app.QuietLog;
import io.pgcaravan.camel.JobPlans;
import io.pgcaravan.check.CheckedJob;
import io.pgcaravan.grants.RoleGrants;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import javax.sql.DataSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

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

    /** Sides as people write them. */
    static final class SideNames implements ITypeConverter<Side> {
        @Override
        public Side convert(String name) {
            try {
                return Side.valueOf(name.toUpperCase(Locale.ROOT));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("\"" + name
                        + "\" is no side; source, target, export, import, compare, repair, queues and monitor are");
            }
        }
    }

    @Option(names = "--role", required = true, paramLabel = "ROLE", description = "The role, raw. It has to be there.")
    private String role;

    @Option(
            names = "--side",
            paramLabel = "SIDE",
            split = ",",
            converter = SideNames.class,
            description =
                    "source, target, export, import, compare, repair, queues or monitor; several where the role is to do all that in one"
                            + " database.")
    private List<Side> sides = List.of();

    @Option(
            names = "--table",
            split = ",",
            paramLabel = "SCHEMA.TABLE",
            description =
                    "Tables that are exported, imported, compared, or get a queue's trigger, raw: the first dot of each separates"
                            + " the schema.")
    private List<String> tables = List.of();

    @Option(
            names = "--ledger",
            paramLabel = "SCHEMA.TABLE",
            description = "The export ledger; default is caravan.export_set.")
    private String ledger;

    @Option(
            names = "--config",
            paramLabel = "DIR",
            description = "Directory with application.properties; default is config/ beside caravan.")
    private Path config;

    @Mixin
    private RoutesOption routes;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        RoleGrants grants = new RoleGrants(role);
        if (EnumSet.of(Side.SOURCE, Side.TARGET, Side.MONITOR).containsAll(sides)) {
            refuseTables();
        }
        if (sides.isEmpty()) {
            dispatch(grants, true, true);
        }
        for (Side side : sides) {
            switch (side) {
                case SOURCE -> dispatch(grants, true, false);
                case TARGET -> dispatch(grants, false, true);
                case EXPORT -> grants.exports(someTables(side), ledger());
                case IMPORT -> grants.imports(someTables(side));
                case COMPARE -> grants.compares(someTables(side), ledger());
                case REPAIR -> grants.repairs(someTables(side), ledger());
                case QUEUES -> grants.queues("pgq", tables());
                case MONITOR -> grants.monitor(jobs());
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        out.print(grants.script());
        out.flush();
        return 0;
    }

    private void dispatch(RoleGrants grants, boolean atSource, boolean atTarget) throws IOException {
        List<CheckedJob> jobs = jobs();
        if (jobs.isEmpty()) {
            throw new ConfigurationException("no route that starts from pgq: is on, so that there is nothing to grant");
        }
        if (atSource) {
            Map<DataSource, List<CheckedJob>> sources = new LinkedHashMap<>();
            jobs.forEach(job -> sources.computeIfAbsent(job.source(), source -> new ArrayList<>())
                    .add(job));
            sources.forEach(
                    (source, those) -> grants.heading("source: " + source).source(those));
        }
        if (atTarget) {
            Map<DataSource, List<CheckedJob>> targets = new LinkedHashMap<>();
            jobs.forEach(job -> targets.computeIfAbsent(job.target(), target -> new ArrayList<>())
                    .add(job));
            targets.forEach(
                    (target, those) -> grants.heading("target: " + target).target(those));
            Map<DataSource, List<CheckedJob.Forward>> queues = new LinkedHashMap<>();
            jobs.stream().flatMap(job -> job.forwards().stream()).forEach(forward -> queues.computeIfAbsent(
                            forward.database(), database -> new ArrayList<>())
                    .add(forward));
            queues.forEach((database, those) ->
                    grants.heading("queues of the target: " + database).forwards(those));
        }
    }

    /** What the routes that are on are going to do; nothing is connected to. */
    private List<CheckedJob> jobs() throws IOException {
        QuietLog.warningsOnly();
        try (Application application = Application.waiting(DatabaseOption.configOr(config), routes.routes(), null)) {
            application.start();
            return JobPlans.of(application.context()).values().stream()
                    .map(JobPlans.Plan::job)
                    .filter(Objects::nonNull)
                    .toList();
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(e.getMessage());
        }
    }

    private void refuseTables() {
        if (!tables.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--table is for --side export, import, compare, repair and queues; routes say what the others need");
        }
    }

    private TableName ledger() {
        return ledger == null ? Tracking.LEDGER : QualifiedTable.of(spec, ledger);
    }

    private List<TableName> someTables(Side side) {
        if (tables.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "--side " + side.name().toLowerCase(Locale.ROOT) + " needs --table");
        }
        return tables();
    }

    private List<TableName> tables() {
        return tables.stream().map(text -> QualifiedTable.of(spec, text)).toList();
    }
}
