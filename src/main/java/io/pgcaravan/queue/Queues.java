package io.pgcaravan.queue;

import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * PgQ's queues as their administrator sees them, over a connection whose transactions the caller ends. Most of it needs a
 * member of pgq_admin.
 *
 * @param schema where PgQ's functions are
 */
public record Queues(String schema) {

    private static final String FEEDERS = Sql.file("queue/feeders");
    private static final String OVERVIEW = Sql.file("queue/overview");
    private static final String UNPINNED = Sql.file("queue/unpinned");
    private static final String WITH_SCHEMA = "pgq.";

    /** The settings of a queue that can be set, with the type of their values. */
    public enum Setting {
        TICKER_MAX_LAG("interval"),
        TICKER_MAX_COUNT("integer"),
        TICKER_IDLE_PERIOD("interval"),
        ROTATION_PERIOD("interval");

        private final String type;

        Setting(String type) {
            this.type = type;
        }

        private String parameter() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /**
     * A trigger function that writes values as the session at work has DateStyle, IntervalStyle and others set.
     *
     * @param statement sets them for the function, so that values are always written alike
     * @param owned whether this role may run it
     */
    public record Unpinned(String function, String statement, boolean owned) {}

    /** A trigger that writes a table's changes into a queue; names are quoted. */
    public record Feeder(String trigger, String table, boolean backup) {}

    /**
     * One consumer of one queue, or a queue without consumers. Times are in seconds.
     *
     * @param eventsPerSecond null where too few ticks are there to tell
     * @param newEvents events since the last tick
     * @param tickAge since the last tick, null without any
     * @param ticker {@code own}, {@code external} or {@code paused}
     * @param consumer null where the queue has none; so are the rest then
     */
    public record Line(
            String queue,
            Double eventsPerSecond,
            Long newEvents,
            Double tickAge,
            Double maxLag,
            Double idlePeriod,
            Double rotationPeriod,
            String ticker,
            int currentTable,
            int tables,
            String consumer,
            Double lag,
            Double lastSeen,
            Long pendingEvents) {

        /** Whether a ticker should be at work and is not: it makes a tick every idle period, and soon after an event. */
        public boolean lacksTicks() {
            boolean late = tickAge == null
                    || idlePeriod != null && tickAge > 2 * idlePeriod + 60
                    || maxLag != null && newEvents != null && newEvents > 0 && tickAge > 3 * maxLag + 30;
            return ticker.equals("own") && late;
        }

        /** Why no batches come, with what to do; null where ticks come as they should. */
        public String tickerProblem(String schema) {
            if (ticker.equals("paused")) {
                return "queue \"" + queue + "\" is paused: no batch comes before it is ticked again (select " + schema
                        + ".set_queue_config(" + Sql.literal(queue) + ", 'ticker_paused', 'false'))";
            }
            return lacksTicks()
                    ? "queue \"" + queue
                            + "\" gets no ticks, and without them there are no batches: run pgqd, or the ticker"
                            + " route (ticker.enabled = true)"
                    : null;
        }
    }

    public Queues {
        new Pgq(schema); // the same names are allowed
    }

    /** Makes a queue; false where it is there already. */
    public boolean create(Connection source, String queue) throws SQLException {
        return call(source, "select pgq.create_queue(?) = 1", queue);
    }

    /**
     * Changes a setting of a queue.
     *
     * @throws SQLException of class 22 where the value does not suit
     */
    public void set(Connection source, String queue, Setting setting, String value) throws SQLException {
        // set_queue_config would take anything that fits the column; the cast refuses what is no such value at all
        try (PreparedStatement statement = source.prepareStatement(
                sql("select pgq.set_queue_config(?, ?, cast(cast(? as text) as " + setting.type + ")::text)"))) {
            statement.setString(1, queue);
            statement.setString(2, setting.parameter());
            statement.setString(3, value);
            statement.execute();
        }
    }

    /** Drops a queue and its events, with {@code force} its consumers too. */
    public void drop(Connection source, String queue, boolean force) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(sql("select pgq.drop_queue(?, ?)"))) {
            statement.setString(1, queue);
            statement.setBoolean(2, force);
            statement.execute();
        }
    }

    /** The names of a queue's consumers, in order. */
    public List<String> consumers(Connection source, String queue) throws SQLException {
        return names(source, "select consumer_name from pgq.get_consumer_info(?) order by 1", queue);
    }

    /** The queues that may be ticked by hand: neither paused nor ticked from outside. */
    public List<String> ticked(Connection source) throws SQLException {
        return names(
                source,
                "select queue_name from pgq.queue where not queue_external_ticker and not queue_ticker_paused"
                        + " order by 1",
                null);
    }

    /** Whether the queue may not be ticked by hand, being paused or ticked from outside. */
    public boolean isTickedElsewhere(Connection source, String queue) throws SQLException {
        return call(
                source,
                "select exists (select from pgq.queue where queue_name = ?"
                        + " and (queue_external_ticker or queue_ticker_paused))",
                queue);
    }

    /**
     * Makes a tick, whether or not one is due, and tells waiting consumers. The connection must be inside a transaction:
     * a lock until its end keeps other tickers from taking their snapshots meanwhile, which would hand events to consumers
     * twice.
     *
     * @return the tick's id
     */
    public long tick(Connection source, String queue) throws SQLException {
        try (Statement statement = source.createStatement()) {
            statement.execute(sql("lock table pgq.tick in share row exclusive mode"));
        }
        call(source, "select pgq.force_tick(?) is not null", queue);
        try (PreparedStatement statement = source.prepareStatement(sql("select pgq.ticker(?), pg_notify(?, ?)"))) {
            statement.setString(1, queue);
            statement.setString(2, Pgq.TICK_CHANNEL);
            statement.setString(3, queue);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    /** The triggers that write into a queue, of all tables. */
    public List<Feeder> feeders(Connection source, String queue) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(FEEDERS)) {
            statement.setString(1, schema);
            statement.setString(2, queue);
            List<Feeder> feeders = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    feeders.add(new Feeder(row.getString(1), row.getString(2), row.getBoolean(3)));
                }
            }
            return feeders;
        }
    }

    /** The trigger functions that write values by the settings of each session. */
    public List<Unpinned> unpinned(Connection source) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(UNPINNED)) {
            statement.setString(1, schema);
            List<Unpinned> functions = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    functions.add(new Unpinned(row.getString(1), row.getString(2), row.getBoolean(3)));
                }
            }
            return functions;
        }
    }

    /**
     * Makes the triggers that write a table's rows and its TRUNCATE into a queue.
     *
     * @param table quoted
     * @param trigger quoted
     * @param truncateTrigger quoted
     * @param backup whether updates carry the old row too
     */
    public void feed(
            Connection source, String queue, String table, String trigger, String truncateTrigger, boolean backup)
            throws SQLException {
        // A trigger's arguments are literals; and logutriga refuses "backup" when the table is truncated.
        String function = " execute function " + sql("pgq.logutriga(") + Sql.literal(queue);
        try (Statement statement = source.createStatement()) {
            statement.execute("create trigger " + trigger + " after insert or update or delete on " + table
                    + " for each row" + function + (backup ? ", 'backup')" : ")"));
            statement.execute("create trigger " + truncateTrigger + " after truncate on " + table
                    + " for each statement" + function + ")");
        }
    }

    /** All queues with their consumers, in order of their names. */
    public List<Line> overview(Connection source) throws SQLException {
        try (Statement statement = source.createStatement();
                ResultSet row = statement.executeQuery(sql(OVERVIEW))) {
            List<Line> lines = new ArrayList<>();
            while (row.next()) {
                lines.add(new Line(
                        row.getString("queue_name"),
                        row.getObject("ev_per_sec", Double.class),
                        row.getObject("ev_new", Long.class),
                        row.getObject("tick_age", Double.class),
                        row.getObject("max_lag", Double.class),
                        row.getObject("idle_period", Double.class),
                        row.getObject("rotation_period", Double.class),
                        row.getString("ticker"),
                        row.getInt("queue_cur_table"),
                        row.getInt("queue_ntables"),
                        row.getString("consumer_name"),
                        row.getObject("lag", Double.class),
                        row.getObject("last_seen", Double.class),
                        row.getObject("pending_events", Long.class)));
            }
            return lines;
        }
    }

    private List<String> names(Connection source, String template, String parameter) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(sql(template))) {
            if (parameter != null) {
                statement.setString(1, parameter);
            }
            List<String> names = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    names.add(row.getString(1));
                }
            }
            return names;
        }
    }

    private boolean call(Connection source, String template, String queue) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(sql(template))) {
            statement.setString(1, queue);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    private String sql(String statement) {
        return statement.replace(WITH_SCHEMA, schema + ".");
    }
}
