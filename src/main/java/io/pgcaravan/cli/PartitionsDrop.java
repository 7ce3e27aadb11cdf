package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Retention;
import io.pgcaravan.partition.RetentionPeriod;
import io.pgcaravan.partition.retention.OldPartition;
import io.pgcaravan.partition.retention.OldPartitions;
import io.pgcaravan.partition.retention.Upkeep;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.util.json.JsonArray;
import org.apache.camel.util.json.JsonObject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code caravan partitions drop}. */
@Command(
        name = "drop",
        mixinStandardHelpOptions = true,
        description = "Drops (or detaches) the partitions that hold nothing younger than a period, as a job's"
                + " retention does: by their bounds, with weak locks, never with CASCADE.",
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:all are dropped; also where there was none",
            "1:one could not be dropped; the others are",
            "2:bad usage or configuration"
        })
final class PartitionsDrop extends PartitionsCommand.OnTable {

    @Option(
            names = "--older-than",
            paramLabel = "PERIOD",
            description = "Such as '30 days', '1 month', '36 hours' or P30D; default is the job's retentionPeriod.")
    private String olderThan;

    @Option(names = "--detach", description = "Leave the tables there, as tables of their own.")
    private boolean detach;

    @Option(names = "--dry-run", description = "Only print what would be done, as statements for psql.")
    private boolean dryRun;

    @Option(names = "--json", description = "Print a JSON array, an object for each old partition.")
    private boolean json;

    @Override
    int on(Connection target, PartitionSettings settings) throws SQLException {
        if (olderThan == null && settings.retention() == null) {
            throw misuse("how old? Give --older-than"
                    + (isOfJob() ? ", as the job has no retentionPeriod" : " (or a --job that has a retentionPeriod)"));
        }
        RetentionPeriod period = olderThan == null ? settings.retention().period() : period(olderThan);
        boolean detaches =
                detach || (settings.retention() != null && settings.retention().action() == Retention.Action.DETACH);
        OldPartitions old = new OldPartitions(
                settings, new Retention(period, detaches ? Retention.Action.DETACH : Retention.Action.DROP));
        if (!dryRun && !old.lock(target)) {
            throw new CommandFailedException(
                    "a job's retention is at work on " + settings.destTable() + " right now; try again");
        }
        List<Map<String, Object>> results = new ArrayList<>();
        OldPartitions.Plan plan = old.plan(target, Upkeep.now(target));
        for (OldPartition partition : plan.old()) {
            results.add(dryRun ? said(target, partition) : done(target, partition, detaches));
        }
        for (OldPartitions.Kept kept : plan.kept()) {
            results.add(result(kept.table().toString(), "kept", kept.reason(), List.of()));
        }
        print(results, plan, period);
        return results.stream().allMatch(result -> result.get("error") == null) ? 0 : 1;
    }

    private static Map<String, Object> said(Connection target, OldPartition partition) throws SQLException {
        try {
            partition.verify(target);
        } catch (SQLException refused) {
            return result(partition.table().toString(), "kept", refused.getMessage(), List.of());
        }
        return result(partition.table().toString(), "old", null, partition.statements());
    }

    private static Map<String, Object> done(Connection target, OldPartition partition, boolean detaches) {
        List<String> statements = partition.statements();
        try {
            partition.retire(target);
            return result(partition.table().toString(), detaches ? "detached" : "dropped", null, statements);
        } catch (SQLException e) {
            return result(partition.table().toString(), "kept", e.getMessage(), statements);
        }
    }

    private static Map<String, Object> result(String table, String state, String error, List<String> statements) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("partition", table);
        result.put("state", state);
        result.put("error", error);
        result.put("statements", new JsonArray(statements));
        return result;
    }

    private void print(List<Map<String, Object>> results, OldPartitions.Plan plan, RetentionPeriod period) {
        if (json) {
            JsonArray array = new JsonArray();
            results.forEach(result -> array.add(new JsonObject(result)));
            out().println(array.toJson());
            return;
        }
        for (Map<String, Object> result : results) {
            if (result.get("error") != null) {
                String line = result.get("partition") + " stays: " + result.get("error");
                (dryRun ? out() : err()).println((dryRun ? "-- " : "") + line);
            } else if (dryRun) {
                ((List<?>) result.get("statements")).forEach(sql -> out().println(sql + ";"));
            } else {
                out().println(result.get("state") + " " + result.get("partition"));
            }
        }
        if (results.isEmpty()) {
            out().println((dryRun ? "-- " : "") + "no partition of " + plan.parent() + " is older than " + period
                    + " (ends at " + plan.cutoff() + " or earlier)");
        }
    }
}
