package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import io.pgcaravan.app.ConfigurationException;
import io.pgcaravan.camel.JobPartitions;
import io.pgcaravan.partition.NewPartitions;
import io.pgcaravan.partition.PartitionOptions;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The partitions of one table, as a job or options describe it. */
final class PartitionedTable {

    @Parameters(
            paramLabel = "TABLE",
            arity = "0..1",
            description = "The parent, as raw text: the first dot separates the schema. May be left out with --job.")
    private String table;

    @Option(
            names = "--job",
            paramLabel = "ROUTE",
            description = "Take table and settings from the partition step of this route.")
    private String job;

    @Mixin
    private RoutesOption routes;

    @Option(
            names = "--column",
            paramLabel = "NAME",
            description = "The column that places rows; default is the one that partitions the table natively.")
    private String column;

    @Option(names = "--time-zone", paramLabel = "ZONE", description = "Where days begin; default is UTC.")
    private String timeZone;

    @Mixin
    private DatabaseOption database;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    interface Work {
        int on(Connection target, PartitionSettings settings) throws SQLException;
    }

    /**
     * Runs a command.
     *
     * @param period of a table that no job describes, null for the default
     * @param template of such a table, null for none
     * @return the exit code
     */
    int run(String period, String template, Work work) throws IOException, SQLException {
        if (table == null && job == null) {
            throw badUsage("TABLE is missing: name it, or the route of its --job");
        }
        if (job != null && (column != null || timeZone != null)) {
            throw badUsage("--column and --time-zone are what the --job says");
        }
        if (job != null && (period != null || template != null)) {
            throw badUsage("--period and --template are what the --job says");
        }
        PartitionSettings ofJob = job == null ? null : ofJob();
        try (Connection target = database.database("targetDb").reach()) {
            return work.on(target, ofJob == null ? ofOptions(target, period, template) : ofJob);
        } catch (IllegalArgumentException wrong) {
            throw new ConfigurationException(wrong.getMessage());
        }
    }

    private PartitionSettings ofJob() throws IOException {
        List<PartitionSettings> steps;
        try (Application application = Application.waiting(database.config(), routes.directory(), database.given())) {
            application.start();
            steps = JobPartitions.of(application.context(), job);
        } catch (IllegalArgumentException wrong) {
            throw new ConfigurationException("--job " + job + ": " + wrong.getMessage());
        }
        List<PartitionSettings> fitting = steps.stream()
                .filter(step -> table == null || step.destTable().equals(TableName.parse(table)))
                .toList();
        if (fitting.size() != 1) {
            String tables = steps.stream()
                    .map(step -> step.destTable().toString())
                    .distinct()
                    .collect(Collectors.joining(", "));
            throw new ConfigurationException("--job " + job + ": "
                    + (steps.isEmpty() ? "the route has no pgq-partition: step" : "name one of its tables: " + tables));
        }
        return fitting.get(0);
    }

    private PartitionSettings ofOptions(Connection target, String period, String template) throws SQLException {
        String field = column == null ? NewPartitions.keyColumn(target, TableName.parse(table)) : column;
        PartitionOptions options = new PartitionOptions(table);
        options.partField = field;
        options.partMode = field == null ? "current_time" : null;
        options.timeZone = timeZone;
        options.period = period;
        options.partTemplate = template;
        options.oldest = "0001-01-01";
        options.newest = "9999-12-31";
        return options.settings();
    }

    boolean isOfJob() {
        return job != null;
    }

    ParameterException badUsage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
