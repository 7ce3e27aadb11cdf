package io.pgcaravan.check;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.partition.PartMode;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Partitioner;
import io.pgcaravan.queue.Batch;
import io.pgcaravan.row.OnMissingField;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.row.RowSelection;
import io.pgcaravan.row.UrlEncodedRows;
import io.pgcaravan.sql.TableName;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.stream.Collectors;

/** Makes a partition the way the job would, for a time that has none yet; the caller rolls it back. */
final class PartitionTrial {

    private static final DateTimeFormatter FORMAT = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss");

    /** Partitions that are there already are passed by, up to this many. */
    private static final int MOST_TRIES = 400;

    private static final int MOST_VALUES = 20;

    private final CheckedJob.Load load;
    private final PartitionSettings settings;
    private final Connection target;
    private final SourceCheck.Seen seen;
    private final Feeder feeder;
    private final Findings findings;

    PartitionTrial(
            CheckedJob.Load load, Connection target, SourceCheck.Seen seen, List<Feeder> feeders, Findings findings) {
        this.load = load;
        this.settings = load.partition();
        this.target = target;
        this.seen = seen;
        this.feeder = feeders.isEmpty() ? null : feeders.get(0);
        this.findings = findings;
    }

    /**
     * The partition that was made, or one that was there; null where a row found none.
     *
     * @throws SQLException where it cannot be made
     */
    TableName run(Table parent) throws SQLException {
        return settings.partMode() == PartMode.LIST || settings.partMode() == PartMode.HASH
                ? ofValues(parent)
                : ofTimes();
    }

    private TableName ofTimes() throws SQLException {
        LocalDateTime now = LocalDateTime.now(settings.timeZone());
        LocalDate last = settings.newest().on(now.toLocalDate());
        LocalDateTime at = now;
        TableName there = null;
        for (int tries = 0; tries < MOST_TRIES && !at.toLocalDate().isAfter(last); tries++) {
            long before = tables();
            TableName placed = place(at, FORMAT.format(at));
            if (placed == null) {
                return there;
            }
            if (tables() > before) {
                madeOne(placed);
                return placed;
            }
            there = placed;
            at = next(at);
        }
        findings.ok("the partitions of table " + load.table() + " are there for as long ahead as rows may come, so that"
                + " none was made for a trial");
        return there;
    }

    /** Values that no row has, most likely; for hashes the first few will do. */
    private TableName ofValues(Table parent) throws SQLException {
        Table.Column column = parent == null ? null : parent.columns().get(settings.partField());
        boolean number = column != null && column.type().matches("(smallint|integer|bigint|numeric.*)");
        boolean text = column == null || column.type().matches("(text|character.*)");
        if (!number && !text) {
            findings.ok("no partition was made for a trial: there is no value to try that suits column \""
                    + settings.partField() + "\"");
            return null;
        }
        TableName there = null;
        for (int value = 0; value < MOST_VALUES; value++) {
            long before = tables();
            TableName placed = place(
                    LocalDateTime.now(settings.timeZone()),
                    number
                            ? Integer.toString(settings.partMode() == PartMode.HASH ? value : 9900 + value)
                            : "zz" + value);
            if (placed == null) {
                return there;
            }
            if (tables() > before) {
                madeOne(placed);
                return placed;
            }
            there = placed;
        }
        findings.ok("partitions of table " + load.table() + " are there, so that none was made for a trial");
        return there;
    }

    private void madeOne(TableName placed) {
        findings.ok("a partition can be made" + (settings.partTemplate() == null ? "" : " by the template")
                + ": tried with " + placed + ", and rolled back");
    }

    private LocalDateTime next(LocalDateTime at) {
        return switch (settings.period()) {
            case HOUR -> at.plusHours(1);
            case DAY -> at.plusDays(1);
            case WEEK -> at.plusWeeks(1);
            case MONTH -> at.withDayOfMonth(1).plusMonths(1);
            case YEAR -> at.withDayOfYear(1).plusYears(1);
        };
    }

    private long tables() throws SQLException {
        try (Statement statement = target.createStatement();
                ResultSet row =
                        statement.executeQuery("select count(*) from pg_class where relkind in ('r', 'p', 'f')")) {
            row.next();
            return row.getLong(1);
        }
    }

    private TableName place(LocalDateTime at, String value) throws SQLException {
        Instant time = at.atZone(settings.timeZone()).toInstant();
        Batch batch = new Batch("check", "check", 0, 0, time, 0, 0, time, 0);
        OpenBatch open = new OpenBatch(batch, target, seen.encoding(), (rejecting, badRow) -> {
            throw badRow;
        });
        try {
            RowChange row = new UrlEncodedRows(new RowSelection(
                            load.selection().fields(),
                            load.selection().skipFields(),
                            java.util.Set.of(),
                            OnMissingField.IGNORE))
                    .decode(open, Event.of(0, time, type(), data(value)));
            new Partitioner(settings).place(open, row);
            open.beforeCommit();
            return row.partition() == null ? null : row.partition().table();
        } catch (BadRowException e) {
            findings.problem("a row of " + value + " finds no partition: " + e.getMessage());
            return null;
        } finally {
            open.rolledBack();
        }
    }

    private String type() {
        return feeder == null || feeder.key().isEmpty() ? "I:" : "I:" + String.join(",", feeder.key());
    }

    /** A row that has the key's columns, and the one that places it. */
    private String data(String value) {
        StringBuilder data = new StringBuilder();
        if (feeder != null) {
            data.append(feeder.key().stream().map(PartitionTrial::encoded).collect(Collectors.joining("&")));
        }
        if (settings.partField() != null) {
            data.append(data.isEmpty() ? "" : "&")
                    .append(encoded(source(settings.partField())))
                    .append('=')
                    .append(encoded(value));
        }
        return data.toString();
    }

    private String source(String name) {
        for (RowSelection.Field field : load.selection().fields()) {
            if (field.target().equals(name)) {
                return field.source();
            }
        }
        return name;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
