package io.pgcaravan.cli;

import io.pgcaravan.partition.NewPartitions;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.sql.Partition;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code caravan partitions create}. */
@Command(
        name = "create",
        mixinStandardHelpOptions = true,
        description = "Makes the partitions that are missing, as a job would make them for their first row: like their"
                + " parent, or by a template.")
final class PartitionsCreate implements Callable<Integer> {

    @Mixin
    private PartitionedTable options;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--period",
            paramLabel = "PERIOD",
            description = "hour, day, week, month or year; default is the job's, or day.")
    private String period;

    @Option(
            names = "--from",
            paramLabel = "DATE",
            description = "A date or time in the first partition to make; default is now.")
    private String from;

    @Option(names = "--to", paramLabel = "DATE", description = "A date or time in the last partition to make.")
    private String to;

    @Option(
            names = "--ahead",
            paramLabel = "N",
            description = "The current partition and N after it, in place of --from and --to; default is the job's.")
    private Integer ahead;

    @Option(
            names = "--template",
            paramLabel = "FILE",
            description = "SQL that makes a partition, with _DEST_TABLE, _PARENT, _PKEY and _SCHEMA_TABLE replaced.")
    private Path template;

    @Option(
            names = "--key",
            paramLabel = "COLUMN",
            split = ",",
            description = "What a template's _PKEY stands for; default is the primary key of the table.")
    private List<String> key;

    @Option(names = "--dry-run", description = "Only say what would be made.")
    private boolean dryRun;

    @Override
    public Integer call() throws IOException, SQLException {
        if (ahead != null && (from != null || to != null)) {
            throw options.badUsage("give either --ahead or --from and --to");
        }
        if (ahead != null && ahead < 0) {
            throw options.badUsage("--ahead " + ahead + ": must be >= 0");
        }
        if (from != null && to == null) {
            throw options.badUsage("--from requires --to");
        }
        if (template != null && !Files.isReadable(template)) {
            throw options.badUsage("--template: cannot read file " + template);
        }
        return options.run(period, template == null ? null : Files.readString(template), this::create);
    }

    private int create(Connection target, PartitionSettings settings) throws SQLException {
        PrintWriter out = spec.commandLine().getOut();
        List<Partition> made = made(target, settings);
        for (Partition partition : made) {
            out.println((dryRun ? "would make " : "made ") + partition + " from " + partition.from() + " to "
                    + partition.to());
        }
        if (made.isEmpty()) {
            out.println("nothing to do: all of them are there");
        }
        return 0;
    }

    private List<Partition> made(Connection target, PartitionSettings settings) throws SQLException {
        NewPartitions partitions = new NewPartitions(settings);
        List<String> keyColumns = key == null ? NewPartitions.primaryKey(target, settings.destTable()) : key;
        Instant now = Instant.now();
        if (to == null) {
            int periods = ahead != null ? ahead : settings.ahead();
            if (periods == 0 && ahead == null) {
                throw options.badUsage("--ahead is missing, or --from and --to");
            }
            return dryRun
                    ? partitions.missing(target, now, periods)
                    : partitions.make(target, now, periods, keyColumns);
        }
        Instant first = from == null ? now : time("--from", from, settings.timeZone());
        Instant last = time("--to", to, settings.timeZone());
        if (last.isBefore(first)) {
            throw options.badUsage("--to " + to + " is before --from");
        }
        return dryRun ? partitions.missing(target, first, last) : partitions.make(target, first, last, keyColumns);
    }

    private Instant time(String option, String text, ZoneId zone) {
        try {
            return text.length() == 10
                    ? LocalDate.parse(text).atStartOfDay(zone).toInstant()
                    : LocalDateTime.parse(text.replace(' ', 'T')).atZone(zone).toInstant();
        } catch (DateTimeParseException wrong) {
            throw options.badUsage(
                    option + " " + text + ": must be a date or time such as 2026-10-02 or 2026-10-02T05:00");
        }
    }
}
