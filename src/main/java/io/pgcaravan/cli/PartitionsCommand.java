package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.app.ConfigurationException;
import io.pgcaravan.camel.JobPartitions;
import io.pgcaravan.partition.NewPartitions;
import io.pgcaravan.partition.PartitionOptions;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.RetentionPeriod;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan partitions}: the partitions of a table of the target. */
@Command(
        name = "partitions",
        mixinStandardHelpOptions = true,
        description = "Lists the partitions of a table, makes them ahead of time, and drops or detaches old ones.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {PartitionsList.class, PartitionsCreate.class, PartitionsDrop.class})
final class PartitionsCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "which of list, create and drop?");
    }

    /** What each of them does: something with the partitions of one table, as a job or options describe it. */
    abstract static class OnTable implements Callable<Integer> {

        @Parameters(
                paramLabel = "TABLE",
                arity = "0..1",
                description =
                        "The parent, as raw text: the first dot separates the schema. May be left out with --job.")
        private String table;

        @Option(
                names = "--job",
                paramLabel = "ROUTE",
                description = "Take table and settings from the partition step of this route.")
        private String job;

        @Option(
                names = "--routes",
                paramLabel = "DIR",
                description = "With --job: directory with the route files (*.yaml); default is routes/ beside caravan.")
        private Path routes;

        @Option(
                names = "--column",
                paramLabel = "NAME",
                description = "The column that places rows; default is the one that partitions the table natively.")
        private String column;

        @Option(names = "--time-zone", paramLabel = "ZONE", description = "Where days begin; default is UTC.")
        private String timeZone;

        @Mixin
        private DatabaseOption database;

        @Spec
        private CommandSpec spec;

        /** The work; the exit code. */
        abstract int on(Connection target, PartitionSettings settings) throws SQLException, IOException;

        /** What a command adds to the settings of a table that no job describes. */
        void describe(PartitionOptions options) throws IOException {}

        @Override
        public final Integer call() throws IOException {
            if (table == null && job == null) {
                throw new ParameterException(spec.commandLine(), "which table? Name it, or the route of its --job");
            }
            if (job != null && (column != null || timeZone != null)) {
                throw misuse("--column and --time-zone are what the --job says");
            }
            PartitionSettings ofJob = job == null ? null : ofJob();
            try (Connection target = database.connect("targetDb")) {
                return on(target, ofJob == null ? ofOptions(target) : ofJob);
            } catch (IllegalArgumentException wrong) {
                throw new ConfigurationException(wrong.getMessage());
            } catch (SQLException e) {
                throw new CommandFailedException(
                        e.getMessage().lines().findFirst().orElse("the target failed"));
            } finally {
                out().flush();
                spec.commandLine().getErr().flush();
            }
        }

        private PartitionSettings ofJob() throws IOException {
            Path files = RoutesOption.routesOr(routes);
            List<PartitionSettings> steps;
            try (Application application = Application.waiting(database.config(), files, database.given())) {
                application.start();
                steps = JobPartitions.of(application.context(), job);
            } catch (IllegalArgumentException wrong) {
                throw new ConfigurationException("--job " + job + ": " + wrong.getMessage());
            }
            List<PartitionSettings> fitting = steps.stream()
                    .filter(step -> table == null || step.destTable().equals(TableName.parse(table)))
                    .toList();
            if (fitting.size() != 1) {
                throw new ConfigurationException("--job " + job + ": "
                        + (steps.isEmpty()
                                ? "the route has no pgq-partition: step"
                                : "name one of its tables: "
                                        + steps.stream()
                                                .map(step -> step.destTable().toString())
                                                .distinct()
                                                .collect(Collectors.joining(", "))));
            }
            return fitting.get(0);
        }

        private PartitionSettings ofOptions(Connection target) throws SQLException, IOException {
            String field = column == null ? NewPartitions.keyColumn(target, TableName.parse(table)) : column;
            PartitionOptions options = new PartitionOptions(table);
            options.partField = field;
            options.partMode = field == null ? "current_time" : null;
            options.timeZone = timeZone;
            options.oldest = "0001-01-01";
            options.newest = "9999-12-31";
            describe(options);
            return options.settings();
        }

        boolean isOfJob() {
            return job != null;
        }

        /** What {@code --older-than} says. */
        static RetentionPeriod period(String olderThan) {
            try {
                return RetentionPeriod.parse(olderThan);
            } catch (IllegalArgumentException wrong) {
                throw new ConfigurationException("--older-than " + olderThan + ": " + wrong.getMessage());
            }
        }

        ParameterException misuse(String message) {
            return new ParameterException(spec.commandLine(), message);
        }

        PrintWriter out() {
            return spec.commandLine().getOut();
        }

        PrintWriter err() {
            return spec.commandLine().getErr();
        }
    }
}
