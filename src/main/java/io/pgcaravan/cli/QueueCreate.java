package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.queue.Queues;
import io.pgcaravan.queue.Queues.Feeder;
import io.pgcaravan.queue.Queues.Setting;
import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.EnumMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code caravan queue create}. */
@Command(
        name = "create",
        mixinStandardHelpOptions = true,
        description = "Makes a queue where it is not there yet, sets what is given, and lets a table feed it.")
final class QueueCreate extends QueueCommand.OnQueues {

    private static final int LONGEST_NAME = 63;

    @Parameters(paramLabel = "NAME", description = "The queue.")
    private String queue;

    @Option(
            names = "--max-lag",
            paramLabel = "INTERVAL",
            description = "A tick at least this often while there are new events, such as '100 ms'; PgQ's default is 3"
                    + " seconds. 0 means at every look of the ticker.")
    private String maxLag;

    @Option(
            names = "--max-count",
            paramLabel = "EVENTS",
            description = "A tick after so many new events; PgQ's default is 500.")
    private String maxCount;

    @Option(
            names = "--idle-period",
            paramLabel = "INTERVAL",
            description = "A tick at least this often without new events; PgQ's default is 1 minute.")
    private String idlePeriod;

    @Option(
            names = "--rotation",
            paramLabel = "INTERVAL",
            description = "How long one of the queue's three tables is written to before the oldest is emptied; PgQ's"
                    + " default is 2 hours.")
    private String rotation;

    @Option(
            names = "--table",
            paramLabel = "SCHEMA.TABLE",
            description = "Let this table's changes go into the queue, by triggers; raw text whose first dot separates"
                    + " the schema.")
    private String table;

    @Option(
            names = "--backup",
            description =
                    "With --table: updates carry the old row too, which rowMode=plain uses to find rows that moved"
                            + " to another partition.")
    private boolean backup;

    /** The table's, quoted. */
    private String fullName;

    private boolean keyed;

    @Override
    void on(Connection source, Queues queues) throws SQLException {
        if (backup && table == null) {
            throw badUsage("--backup goes with --table");
        }
        if (queue.isBlank()) {
            throw badUsage("the queue's name is empty");
        }
        out().println(
                        queues.create(source, queue)
                                ? "queue \"" + queue + "\" made"
                                : "queue \"" + queue + "\" was there already");
        set(source, queues);
        pin(source, queues);
        if (table != null) {
            feed(source, queues);
        }
        out().println("next: a job with dispatch.queue = " + queue + " in config/application.properties reads it"
                + "; ticks come from pgqd, or from ticker.enabled = true");
    }

    private void set(Connection source, Queues queues) throws SQLException {
        Map<Setting, String> given = new EnumMap<>(Setting.class);
        given.put(Setting.TICKER_MAX_LAG, maxLag);
        given.put(Setting.TICKER_MAX_COUNT, maxCount);
        given.put(Setting.TICKER_IDLE_PERIOD, idlePeriod);
        given.put(Setting.ROTATION_PERIOD, rotation);
        for (Map.Entry<Setting, String> setting : given.entrySet()) {
            if (setting.getValue() == null) {
                continue;
            }
            try {
                queues.set(source, queue, setting.getKey(), setting.getValue());
            } catch (SQLException e) {
                if (e.getSQLState() != null && e.getSQLState().startsWith("22")) {
                    throw badUsage(option(setting.getKey()) + ": \"" + setting.getValue() + "\" is no "
                            + (setting.getKey() == Setting.TICKER_MAX_COUNT
                                    ? "number of events"
                                    : "interval, such as '3 seconds' or '2 hours'"));
                }
                throw e;
            }
            out().println(option(setting.getKey()).substring(2) + " is now " + setting.getValue());
        }
    }

    /** A dump does not have what is set for an extension's function: it is looked at each time. */
    private void pin(Connection source, Queues queues) throws SQLException {
        for (Queues.Unpinned function : queues.unpinned(source)) {
            if (function.owned()) {
                try (Statement statement = source.createStatement()) {
                    statement.execute(function.statement());
                }
                out().println("function " + function.function() + " writes values alike for all sessions from now on");
            } else {
                out().println("function " + function.function() + " writes values as each session has DateStyle,"
                        + " IntervalStyle and others set; its owner can end this: " + function.statement());
            }
        }
    }

    private static String option(Setting setting) {
        return switch (setting) {
            case TICKER_MAX_LAG -> "--max-lag";
            case TICKER_MAX_COUNT -> "--max-count";
            case TICKER_IDLE_PERIOD -> "--idle-period";
            case ROTATION_PERIOD -> "--rotation";
        };
    }

    private void feed(Connection source, Queues queues) throws SQLException {
        for (Feeder feeder : queues.feeders(source, queue)) {
            if (feeder.table().equals(fullName)) {
                out().println("table " + fullName + " feeds it already, by trigger " + feeder.trigger()
                        + (backup && !feeder.backup()
                                ? ", but without --backup; to change that: drop trigger " + feeder.trigger() + " on "
                                        + fullName
                                : ""));
                return;
            }
        }
        String trigger = "caravan_" + queue;
        String truncate = trigger + "_truncate";
        if (truncate.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME) {
            trigger = "caravan_queue_" + Integer.toHexString(queue.hashCode());
            truncate = trigger + "_truncate";
        }
        queues.feed(source, queue, fullName, TableName.quote(trigger), TableName.quote(truncate), backup);
        out().println("table " + fullName + " feeds it from now on, by triggers " + TableName.quote(trigger) + " and "
                + TableName.quote(truncate) + (backup ? ", with the old row of an update" : ""));
        if (!keyed) {
            out().println("table " + fullName
                    + " has no primary key: its jobs need rowMode=append or keep_all, or key=");
        }
    }

    @Override
    void findTable(Connection source) throws SQLException {
        if (table == null) {
            return;
        }
        String quoted = TableName.parse(table).quoted();
        try (PreparedStatement statement = source.prepareStatement("""
                select pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind,
                       exists (select from pg_catalog.pg_index where indrelid = c.oid and indisprimary)
                from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                where c.oid = pg_catalog.to_regclass(cast(? as text))::oid""")) {
            statement.setString(1, quoted);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw new CommandFailedException("there is no table " + quoted + " in database \""
                            + source.getCatalog() + "\"; nothing was changed");
                }
                if (!"rp".contains(row.getString(2))) {
                    throw new CommandFailedException(
                            quoted + " is no table, so that no trigger can feed a queue from it; nothing was changed");
                }
                fullName = row.getString(1);
                keyed = row.getBoolean(3);
            }
        }
    }
}
