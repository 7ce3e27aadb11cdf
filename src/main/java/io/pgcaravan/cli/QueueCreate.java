package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.queue.Queues;
import io.pgcaravan.queue.Queues.Feeder;
import io.pgcaravan.queue.Queues.Setting;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan queue create}. */
@Command(
        name = "create",
        mixinStandardHelpOptions = true,
        description = "Makes a queue where it is not there yet, sets what is given, and lets a table feed it.")
final class QueueCreate implements Callable<Integer> {

    private static final int LONGEST_NAME = 63;

    @Mixin
    private PgqOptions pgq;

    @Spec
    private CommandSpec spec;

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
    private TableName table;

    @Option(
            names = "--backup",
            description =
                    "With --table: updates carry the old row too, which rowMode=plain uses to find rows that moved"
                            + " to another partition.")
    private boolean backup;

    private Found found;

    @Override
    public Integer call() throws IOException {
        if (backup && table == null) {
            throw new ParameterException(spec.commandLine(), "--backup requires --table");
        }
        if (queue.isBlank()) {
            throw new ParameterException(spec.commandLine(), "the queue's name is empty");
        }
        pgq.inTransaction(this::findTable, this::create);
        return 0;
    }

    private void create(Connection source, Queues queues, PrintWriter out) throws SQLException {
        boolean made = queues.create(source, queue);
        out.println("queue \"" + queue + "\" " + (made ? "made" : "was there already"));
        set(source, queues, Setting.TICKER_MAX_LAG, "--max-lag", maxLag, out);
        set(source, queues, Setting.TICKER_MAX_COUNT, "--max-count", maxCount, out);
        set(source, queues, Setting.TICKER_IDLE_PERIOD, "--idle-period", idlePeriod, out);
        set(source, queues, Setting.ROTATION_PERIOD, "--rotation", rotation, out);
        pin(source, queues, out);
        if (table != null) {
            feed(source, queues, out);
        }
        out.println("next: a job with dispatch.queue = " + queue + " in config/application.properties reads it"
                + "; ticks come from pgqd, or from ticker.enabled = true");
    }

    private void set(Connection source, Queues queues, Setting setting, String option, String value, PrintWriter out)
            throws SQLException {
        if (value == null) {
            return;
        }
        try {
            queues.set(source, queue, setting, value);
        } catch (SQLException e) {
            if (e.getSQLState() == null || !e.getSQLState().startsWith("22")) {
                throw e;
            }
            String expected = setting == Setting.TICKER_MAX_COUNT
                    ? "a number of events"
                    : "an interval, such as '3 seconds' or '2 hours'";
            throw new ParameterException(
                    spec.commandLine(), option + ": invalid value \"" + value + "\"; expected " + expected);
        }
        out.println(option.substring(2) + " is now " + value);
    }

    /** A dump does not have what is set for an extension's function: it is looked at each time. */
    private static void pin(Connection source, Queues queues, PrintWriter out) throws SQLException {
        for (Queues.Unpinned function : queues.unpinned(source)) {
            if (function.owned()) {
                try (Statement statement = source.createStatement()) {
                    statement.execute(function.statement());
                }
                out.println("function " + function.function() + " writes values alike for all sessions from now on");
            } else {
                out.println("function " + function.function() + " writes values as each session has DateStyle,"
                        + " IntervalStyle and others set; its owner can end this: " + function.statement());
            }
        }
    }

    private void feed(Connection source, Queues queues, PrintWriter out) throws SQLException {
        for (Feeder feeder : queues.feeders(source, queue)) {
            if (feeder.table().equals(found.name)) {
                String without = ", but without --backup; to change that: drop trigger " + feeder.trigger() + " on "
                        + found.name;
                out.println("table " + found.name + " feeds it already, by trigger " + feeder.trigger()
                        + (backup && !feeder.backup() ? without : ""));
                return;
            }
        }
        String suffix = "_truncate";
        String trigger = "caravan_" + queue;
        if ((trigger + suffix).getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME) {
            trigger = "caravan_queue_" + Integer.toHexString(queue.hashCode());
        }
        String row = TableName.quote(trigger);
        String truncate = TableName.quote(trigger + suffix);
        queues.feed(source, queue, found.name, row, truncate, backup);
        out.println("table " + found.name + " feeds it from now on, by triggers " + row + " and " + truncate
                + (backup ? ", with the old row of an update" : ""));
        if (!found.keyed) {
            out.println(
                    "table " + found.name + " has no primary key: its jobs need rowMode=append or keep_all, or key=");
        }
    }

    /** @param name quoted, with its schema */
    private record Found(String name, boolean keyed) {}

    /** The name may lack its schema. */
    private void findTable(Connection source) throws SQLException {
        if (table == null) {
            return;
        }
        String quoted = table.quoted();
        try (PreparedStatement statement = source.prepareStatement("""
                select c.relkind, pg_catalog.format('%I.%I', n.nspname, c.relname),
                       exists (select from pg_catalog.pg_index where indrelid = c.oid and indisprimary)
                from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                where c.oid = pg_catalog.to_regclass(cast(? as text))::oid""")) {
            statement.setString(1, quoted);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw new CommandFailedException("there is no table " + quoted + " in database \""
                            + source.getCatalog() + "\"; nothing was changed");
                }
                if (!"rp".contains(row.getString(1))) {
                    throw new CommandFailedException(
                            quoted + " is not a table: no trigger can feed a queue from it; nothing was changed");
                }
                found = new Found(row.getString(2), row.getBoolean(3));
            }
        }
    }
}
