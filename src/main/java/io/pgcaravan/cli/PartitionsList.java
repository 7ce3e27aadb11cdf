package io.pgcaravan.cli;

import io.pgcaravan.partition.ListedPartition;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.RetentionPeriod;
import io.pgcaravan.partition.retention.Upkeep;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.util.json.JsonArray;
import org.apache.camel.util.json.JsonObject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code caravan partitions list}. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = "Lists the partitions of a table: bounds, rows (an estimate), size, who made them, and when"
                + " retention takes them away.")
final class PartitionsList extends PartitionsCommand.OnTable {

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("uuuu-MM-dd");
    private static final DateTimeFormatter DATE_TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm");

    @Option(
            names = "--older-than",
            paramLabel = "PERIOD",
            description = "Show what a retention period such as '30 days' would mean; default is the job's.")
    private String olderThan;

    @Option(names = "--json", description = "Print a JSON array with all fields.")
    private boolean json;

    @Override
    int on(Connection target, PartitionSettings settings) throws SQLException {
        RetentionPeriod period = olderThan != null
                ? period(olderThan)
                : settings.retention() == null ? null : settings.retention().period();
        List<ListedPartition> partitions = ListedPartition.list(target, settings, true);
        ZoneId zone = settings.timeZone();
        Instant cutoff = period == null ? null : period.before(Upkeep.now(target), zone);
        if (json) {
            JsonArray array = new JsonArray();
            partitions.forEach(listed -> array.add(new JsonObject(fields(listed, zone, period, cutoff))));
            out().println(array.toJson());
            return 0;
        }
        if (partitions.isEmpty()) {
            out().println(settings.destTable() + " has no partitions");
            return 0;
        }
        TextTable table = new TextTable("PARTITION", "FROM", "TO", ">ROWS", ">SIZE", "MADE BY", "STATE");
        for (ListedPartition listed : partitions) {
            Map<String, Object> fields = fields(listed, zone, period, cutoff);
            boolean timed = listed.from() != null || listed.to() != null;
            table.add(
                    listed.table().toString(),
                    timed || listed.defaultPartition() ? text(fields.get("from")) : text(listed.bound()),
                    text(fields.get("to")),
                    text(fields.get("rows")),
                    size(listed.bytes()),
                    text(fields.get("made_by")),
                    text(fields.get("state")));
        }
        table.print(out());
        return 0;
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

    private static String text(Object value) {
        return value == null ? "-" : value.toString();
    }

    private static String size(Long bytes) {
        if (bytes == null) {
            return "-";
        }
        String[] units = {"B", "kB", "MB", "GB", "TB"};
        double size = bytes;
        int unit = 0;
        while (size >= 1024 && unit < units.length - 1) {
            size /= 1024;
            unit++;
        }
        return String.format(java.util.Locale.ROOT, size < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", size, units[unit]);
    }
}
