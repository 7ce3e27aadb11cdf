package io.pgcaravan.queue;

import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * PgQ's functions, over a plain connection with autocommit on: each call is a transaction of its own.
 *
 * @param schema where the functions are: {@code pgq}, or another name of a compatible implementation
 */
public record Pgq(String schema) {

    private static final String UNIQUE_VIOLATION = "23505";

    /** The channel on which tickers tell of a new tick; the payload is the queue's name. */
    public static final String TICK_CHANNEL = "pgcaravan_tick";

    /**
     * PgQ reads a subscription and then updates it, without a lock: of two processes, the slow one would send the consumer
     * backwards. Needs no right on PgQ's tables, and lasts until the transaction ends.
     */
    private static final String LOCK = "pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(?, 0))";

    private static final String INSERT_EVENTS = Sql.file("queue/insert-events");

    /** How PgQ ends the statement; one that ends otherwise stays as it is. */
    private static final Pattern ORDER = Pattern.compile("\\s+order by 1\\s*$", Pattern.CASE_INSENSITIVE);

    public Pgq {
        if (!schema.matches("[A-Za-z_][A-Za-z0-9_]*")) {
            throw new IllegalArgumentException("schema \"" + schema + "\" is not a plain identifier");
        }
    }

    /** Whether this database has PgQ at all. */
    public boolean isInstalled(Connection source) throws SQLException {
        return ask(source, "select to_regclass(?) is not null", schema + ".queue", ResultSet::getBoolean);
    }

    /**
     * What url-encoded bytes mean: functions in C escape those of the database, the others write UTF-8 whatever it has.
     *
     * @param database its encoding, as PostgreSQL names it
     */
    public String encoding(Connection source, String database) throws SQLException {
        boolean portable = ask(
                source,
                "select exists (select from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang"
                        + " where p.pronamespace = to_regnamespace(?) and p.proname = 'logutriga' and l.lanname <> 'c')",
                schema,
                ResultSet::getBoolean);
        return portable && !database.equals("SQL_ASCII") ? "UTF8" : database;
    }

    /** Whether the queue exists. */
    public boolean hasQueue(Connection source, String queue) throws SQLException {
        return ask(source, "select exists (select from %s.queue where queue_name = ?)", queue, ResultSet::getBoolean);
    }

    /** Whether the consumer is registered on the queue. */
    public boolean hasConsumer(Connection source, String queue, String consumer) throws SQLException {
        return registration(source, queue, consumer) != null;
    }

    /**
     * Where a consumer stands in its queue.
     *
     * @param tick the last tick it has finished
     * @param batch the batch it has open, null for none
     * @param nextTick the tick that ends that batch, null without one
     */
    public record Registration(long tick, Long batch, Long nextTick) {}

    /** Where the consumer stands in the queue; null where it is not registered. */
    public Registration registration(Connection source, String queue, String consumer) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(
                sql("select last_tick, current_batch, next_tick from %s.get_consumer_info(?, ?)"))) {
            statement.setString(1, queue);
            statement.setString(2, consumer);
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? new Registration(row.getLong(1), row.getObject(2, Long.class), row.getObject(3, Long.class))
                        : null;
            }
        }
    }

    /** Unregisters the consumer; false where it was not registered. */
    public boolean unregister(Connection source, String queue, String consumer) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(sql("select %s.unregister_consumer(?, ?) > 0"))) {
            statement.setString(1, queue);
            statement.setString(2, consumer);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    /** The ticks that a queue still has. */
    public record Ticks(long oldest, Instant oldestTime, long newest) {}

    /** The ticks that the queue still has; null where it has none. */
    public Ticks ticks(Connection source, String queue) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(sql("""
                select min(tick_id), min(tick_time), max(tick_id) from %1$s.tick join %1$s.queue on queue_id = tick_queue
                where queue_name = ?"""))) {
            statement.setString(1, queue);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getObject(1) == null ? null : new Ticks(row.getLong(1), instant(row, 2), row.getLong(3));
            }
        }
    }

    /** A tick of a queue. */
    public record Tick(long id, Instant time, long eventSeq) {}

    /**
     * A tick of the queue; null where it is gone: old ticks go when the queue rotates past every consumer.
     *
     * @param id null for the latest
     */
    public Tick tick(Connection source, String queue, Long id) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(sql("""
                select tick_id, tick_time, tick_event_seq from %1$s.tick join %1$s.queue on queue_id = tick_queue
                where queue_name = ? and tick_id = coalesce(?, tick_id) order by tick_id desc limit 1"""))) {
            statement.setString(1, queue);
            statement.setObject(2, id, java.sql.Types.BIGINT);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? new Tick(row.getLong(1), instant(row, 2), row.getLong(3)) : null;
            }
        }
    }

    /**
     * Registers a consumer at a tick.
     *
     * @param move whether a consumer that is registered already is moved there, or else left where it is
     */
    public void register(Connection source, String queue, String consumer, long tick, boolean move)
            throws SQLException {
        source.setAutoCommit(false);
        try (PreparedStatement lock = source.prepareStatement("select " + LOCK);
                PreparedStatement statement = source.prepareStatement(sql("select %s.register_consumer_at(?, ?, ?)"))) {
            lock.setString(1, lockName(queue, consumer));
            lock.execute();
            if (move || registration(source, queue, consumer) == null) {
                statement.setString(1, queue);
                statement.setString(2, consumer);
                statement.setLong(3, tick);
                statement.execute();
            }
            source.commit();
        } catch (SQLException e) {
            source.rollback();
            if (UNIQUE_VIOLATION.equals(e.getSQLState())) {
                // a failure that passes: with the next try the other one's registration is seen
                throw new SQLException(
                        "another process registered consumer \"" + consumer + "\" at the same time", "40001", e);
            }
            throw e;
        } finally {
            source.setAutoCommit(true);
        }
    }

    private static String lockName(String queue, String consumer) {
        return "pgcaravan " + queue + " " + consumer;
    }

    /**
     * What a batch has to be before it is taken; a batch may then hold the events of several ticks.
     *
     * @param minLag how far to stay behind the queue's last tick, an interval as PostgreSQL reads it; null for not at all
     * @param minCount events to wait for; null for none
     * @param minInterval time to wait for, an interval; null for none
     */
    public record Collect(String minLag, Integer minCount, String minInterval) {

        /** The events between two neighbouring ticks, as soon as they are there. */
        public static final Collect NOTHING = new Collect(null, null, null);
    }

    /** {@link #nextBatch(Connection, String, String, Collect)} as soon as there is one. */
    public Batch nextBatch(Connection source, String queue, String consumer) throws SQLException {
        return nextBatch(source, queue, consumer, Collect.NOTHING);
    }

    /**
     * The next batch of a consumer, or the one it has open; null where no tick has come since, or too little yet.
     *
     * @see <a href="https://pgq.github.io/extension/pgq/files/external-sql.html">pgq.next_batch_info</a>
     */
    public Batch nextBatch(Connection source, String queue, String consumer, Collect collect) throws SQLException {
        boolean plain = collect.equals(Collect.NOTHING);
        try (PreparedStatement statement = source.prepareStatement(
                sql("""
                select batch_id, cur_tick_id, cur_tick_time, cur_tick_event_seq,
                       prev_tick_id, prev_tick_time, prev_tick_event_seq
                from (select\s""" + LOCK + "::text as taken offset 0) as lock," // the call takes its result: it comes first
                        + " lateral %s.next_batch_" + (plain ? "info" : "custom")
                        + "(pg_catalog.concat(cast(? as text), lock.taken), ?"
                        + (plain ? ")" : ", ?::interval, ?, ?::interval)")))) {
            statement.setString(1, lockName(queue, consumer));
            statement.setString(2, queue);
            statement.setString(3, consumer);
            if (!plain) {
                statement.setString(4, collect.minLag);
                statement.setObject(5, collect.minCount, java.sql.Types.INTEGER);
                statement.setString(6, collect.minInterval);
            }
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next() || row.getObject(1) == null) {
                    return null;
                }
                return new Batch(
                        queue,
                        consumer,
                        row.getLong(1),
                        row.getLong(2),
                        instant(row, 3),
                        row.getLong(4),
                        row.getLong(5),
                        instant(row, 6),
                        row.getLong(7));
            }
        }
    }

    private static Instant instant(ResultSet row, int column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
    }

    /** Whether {@link #eventSql} can be called: other implementations lack the function, or keep it from their readers. */
    public boolean writesEventSql(Connection source) throws SQLException {
        return ask(
                source,
                "select coalesce(has_function_privilege(to_regprocedure(?), 'execute'), false)",
                schema + ".batch_event_sql(bigint)",
                ResultSet::getBoolean);
    }

    /**
     * The statement that selects a batch's events; valid while the batch is open.
     *
     * @param ordered whether in the order of their ids; else the source need not sort them, and the first one comes at once
     */
    public String eventSql(Connection source, Batch batch, boolean ordered) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(sql("select %s.batch_event_sql(?)"))) {
            statement.setLong(1, batch.id());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                String sql = row.getString(1);
                return ordered ? sql : ORDER.matcher(sql).replaceFirst("");
            }
        }
    }

    /** A statement that gives the same rows, and gathers them all before the first one comes. */
    public String gatheredEventSql(Batch batch) {
        return sql(
                "select ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4"
                        + " from %s.get_batch_events(" + batch.id() + ") order by ev_id");
    }

    /**
     * Closes a batch.
     *
     * @return false where no such batch was open any more
     */
    public boolean finish(Connection source, Batch batch) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(sql("select %s.finish_batch(?)"))) {
            statement.setLong(1, batch.id());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getInt(1) == 1;
            }
        }
    }

    /** An event to insert; everything may be null. */
    public record NewEvent(String type, String data, String extra1, String extra2, String extra3, String extra4) {}

    /**
     * Inserts events, in one statement and in their order. Their ids, times and transactions are new, as for every
     * event that {@code insert_event} makes. Joins the connection's transaction.
     *
     * @return the new ids, in the same order
     */
    public List<Long> insert(Connection source, String queue, List<NewEvent> events) throws SQLException {
        String[][] texts = new String[6][events.size()];
        for (int i = 0; i < events.size(); i++) {
            NewEvent event = events.get(i);
            texts[0][i] = event.type;
            texts[1][i] = event.data;
            texts[2][i] = event.extra1;
            texts[3][i] = event.extra2;
            texts[4][i] = event.extra3;
            texts[5][i] = event.extra4;
        }
        List<Long> ids = new ArrayList<>(events.size());
        try (PreparedStatement statement = source.prepareStatement(sql(INSERT_EVENTS))) {
            statement.setString(1, queue);
            for (int i = 0; i < texts.length; i++) {
                statement.setArray(2 + i, source.createArrayOf("text", texts[i]));
            }
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    ids.add(row.getLong(1));
                }
            }
        }
        return ids;
    }

    /** A statement text with the schema put in for each {@code %s}. */
    String sql(String template) {
        return template.replace("%1$s", schema).replace("%s", schema);
    }

    @FunctionalInterface
    private interface Column<T> {
        T get(ResultSet row, int column) throws SQLException;
    }

    private <T> T ask(Connection source, String template, String parameter, Column<T> column) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(sql(template))) {
            statement.setString(1, parameter);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return column.get(row, 1);
            }
        }
    }
}
