package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.partition.ListedPartition;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Retention;
import io.pgcaravan.partition.RetentionPeriod;
import io.pgcaravan.partition.retention.OldPartition;
import io.pgcaravan.partition.retention.OldPartitions;
import io.pgcaravan.partition.retention.Upkeep;
import io.pgcaravan.status.Words;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.util.json.Jsoner;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code caravan partitions}: the partitions of a table of the target. */
@Command(
        name = "partitions",
        mixinStandardHelpOptions = true,
        description = "Lists the partitions of a table, makes them ahead of time, and drops or detaches old ones.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = PartitionsCreate.class)
final class PartitionsCommand {

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("uuuu-MM-dd");
    private static final DateTimeFormatter DATE_TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm");

    @Spec
    private CommandSpec spec;

    // ---- list

    @Command(
            mixinStandardHelpOptions = true,
            description = "Lists the partitions of a table: bounds, rows (an estimate), size, who made them, and when"
                    + " retention takes them away.")
    int list(
            @Mixin PartitionedTable partitions,
            @Option(
                            names = "--older-than",
                            paramLabel = "PERIOD",
                            description = "Show what a retention period such as '30 days' would mean; default is the"
                                    + " job's.")
                    RetentionPeriod olderThan,
            @Option(names = "--json", description = "Print a JSON array with all fields.") boolean json)
            throws IOException, SQLException {
        return partitions.run(null, null, (target, settings) -> {
            RetentionPeriod period = olderThan != null || settings.retention() == null
                    ? olderThan
                    : settings.retention().period();
            List<ListedPartition> listed = ListedPartition.list(target, settings, true);
            Instant cutoff = period == null ? null : period.before(Upkeep.now(target), settings.timeZone());
            if (json) {
                out().println(Jsoner.serialize(listed.stream()
                        .map(partition -> fields(partition, settings.timeZone(), period, cutoff))
                        .toList()));
            } else if (listed.isEmpty()) {
                out().println(settings.destTable() + " has no partitions");
            } else {
                TextTable table = new TextTable("PARTITION | FROM | TO | >ROWS | >SIZE | MADE BY | STATE");
                listed.forEach(
                        partition -> add(table, partition, fields(partition, settings.timeZone(), period, cutoff)));
                table.print(out());
            }
            return 0;
        });
    }

    private static void add(TextTable table, ListedPartition listed, Map<String, Object> fields) {
        boolean timed = listed.from() != null || listed.to() != null || listed.defaultPartition();
        table.add(
                listed.table(),
                timed ? fields.get("from") : listed.bound(),
                fields.get("to"),
                fields.get("rows"),
                listed.bytes() == null ? null : Words.bytes(listed.bytes()),
                fields.get("made_by"),
                fields.get("state"));
    }

    private static Map<String, Object> fields(
            ListedPartition listed, ZoneId zone, RetentionPeriod period, Instant cutoff) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("partition", listed.table().toString());
        fields.put("from", at(listed.from(), zone));
        fields.put("to", at(listed.to(), zone));
        fields.put("bound", listed.bound());
        fields.put("rows", listed.rows());
        fields.put("bytes", listed.bytes());
        fields.put("made_by", listed.recorded() ? "pgcaravan" : "others");
        fields.put("state", state(listed, zone, period, cutoff));
        return fields;
    }

    private static String state(ListedPartition listed, ZoneId zone, RetentionPeriod period, Instant cutoff) {
        if (listed.defaultPartition()) {
            return "default partition";
        }
        if (listed.pending()) {
            return "being detached";
        }
        if (!listed.attached()) {
            return listed.orphan() ? "a table of its own" : "of another parent";
        }
        if (period == null || listed.to() == null) {
            return "";
        }
        return listed.to().isAfter(cutoff) ? "kept until " + at(period.after(listed.to(), zone), zone) : "old";
    }

    private static String at(Instant instant, ZoneId zone) {
        if (instant == null || instant.equals(Instant.MAX)) {
            return null;
        }
        LocalDateTime local = LocalDateTime.ofInstant(instant, zone);
        return (local.toLocalTime().equals(LocalTime.MIDNIGHT) ? DATE : DATE_TIME).format(local);
    }

    // ---- drop

    @Command(
            mixinStandardHelpOptions = true,
            description = "Drops (or detaches) the partitions that hold nothing younger than a period, as a job's"
                    + " retention does: by their bounds, with weak locks, never with CASCADE.",
            exitCodeList = {
                "0:all are dropped; also where there was none",
                "1:one could not be dropped; the others are",
                "2:bad usage or configuration"
            })
    int drop(
            @Mixin PartitionedTable partitions,
            @Option(
                            names = "--older-than",
                            paramLabel = "PERIOD",
                            description = "Such as '30 days', '1 month', '36 hours' or P30D; default is the job's"
                                    + " retentionPeriod.")
                    RetentionPeriod olderThan,
            @Option(names = "--detach", description = "Leave the tables there, as tables of their own.") boolean detach,
            @Option(names = "--dry-run", description = "Only print what would be done, as statements for psql.")
                    boolean dryRun,
            @Option(names = "--json", description = "Print a JSON array, an object for each old partition.")
                    boolean json)
            throws IOException, SQLException {
        return partitions.run(null, null, (target, settings) -> {
            if (olderThan == null && settings.retention() == null) {
                throw partitions.badUsage(
                        "--older-than is missing" + (partitions.isOfJob() ? "; the job has no retentionPeriod" : ""));
            }
            RetentionPeriod period = olderThan == null ? settings.retention().period() : olderThan;
            Retention.Action action = settings.retention() == null || detach
                    ? (detach ? Retention.Action.DETACH : Retention.Action.DROP)
                    : settings.retention().action();
            OldPartitions old = new OldPartitions(settings, new Retention(period, action));
            return drop(target, settings, old, period, action, dryRun, json);
        });
    }

    private int drop(
            Connection target,
            PartitionSettings settings,
            OldPartitions old,
            RetentionPeriod period,
            Retention.Action action,
            boolean dryRun,
            boolean json)
            throws SQLException {
        if (!dryRun && !old.lock(target)) {
            throw new CommandFailedException(
                    "a job's retention is at work on " + settings.destTable() + " right now; try again");
        }
        OldPartitions.Plan plan = old.plan(target, Upkeep.now(target));
        List<Dropped> results = new ArrayList<>();
        for (OldPartition partition : plan.old()) {
            String done = dryRun ? "old" : action == Retention.Action.DETACH ? "detached" : "dropped";
            List<String> statements = partition.statements();
            String error = null;
            try {
                if (dryRun) {
                    partition.verify(target);
                } else {
                    partition.retire(target);
                }
            } catch (SQLException refused) {
                error = refused.getMessage();
            }
            results.add(new Dropped(
                    partition.table().toString(),
                    error == null ? done : "kept",
                    error,
                    dryRun && error != null ? List.of() : statements));
        }
        plan.kept()
                .forEach(kept -> results.add(new Dropped(kept.table().toString(), "kept", kept.reason(), List.of())));
        if (json) {
            out().println(Jsoner.serialize(results.stream().map(Dropped::fields).toList()));
        } else {
            print(results, dryRun);
            if (results.isEmpty()) {
                out().println((dryRun ? "-- " : "") + "no partition of " + plan.parent() + " is older than " + period
                        + " (ends at " + plan.cutoff() + " or earlier)");
            }
        }
        return results.stream().allMatch(result -> result.error == null) ? 0 : 1;
    }

    /** What became of a partition, or what would. */
    private record Dropped(String partition, String state, String error, List<String> statements) {

        Map<String, Object> fields() {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("partition", partition);
            fields.put("state", state);
            fields.put("error", error);
            fields.put("statements", statements);
            return fields;
        }
    }

    private void print(List<Dropped> results, boolean dryRun) {
        for (Dropped result : results) {
            if (result.error != null && dryRun) {
                out().println("-- " + result.partition + " stays: " + result.error);
            } else if (result.error != null) {
                spec.commandLine().getErr().println(result.partition + " stays: " + result.error);
            } else if (dryRun) {
                result.statements.forEach(sql -> out().println(sql + ";"));
            } else {
                out().println(result.state + " " + result.partition);
            }
        }
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
