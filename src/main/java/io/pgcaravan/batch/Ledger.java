package io.pgcaravan.batch;

import io.pgcaravan.queue.Batch;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.Source;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;

/**
 * Where each consumer stands, kept in the target: {@code pgq_ext}, which Skytools' consumers share, and {@code
 * caravan.position}, which also knows the queue and the source, because a tick number alone is no position.
 *
 * <p>All calls are for the connection's open transaction; nothing here commits.
 */
public final class Ledger {

    /** What every job keeps in its target; each file does nothing where its table is there. */
    public static final List<String> OWN_TABLES =
            List.of("caravan.position", "caravan.dead_letter", "caravan.partition", "caravan.job");

    /** The key of the lock on a consumer's name; its parameter. */
    static final String LOCK =
            "pg_catalog.hashtextextended(pg_catalog.concat('pgcaravan consumer ', cast(? as text)), 0)";

    private static final String STANDING = Sql.file("target/standing");
    private static final String ADVANCE = Sql.file("target/advance");

    private final String consumer;
    private final Source source;
    private final String standing;

    private Ledger(String consumer, Source source, boolean subconsumers) {
        this.consumer = consumer;
        this.source = source;
        this.standing = STANDING.replace("/* and subconsumer */", subconsumers ? "and subconsumer_id = ''" : "");
    }

    /**
     * The ledger of one consumer. Installs what the target lacks: pgq_ext where there is none at all, and the schema
     * {@code caravan}.
     *
     * @param target a connection without an open transaction and with autocommit on
     */
    public static Ledger open(Connection target, String consumer, Source source) throws SQLException {
        install(target);
        try {
            OwnTables.ensure(target, "caravan.job");
        } catch (SQLException e) {
            if (!"42501".equals(e.getSQLState())) {
                throw e;
            }
            // a ledger that another role has made before there was this table: the job works without it
        }
        return new Ledger(consumer, source, hasSubconsumers(target));
    }

    /**
     * Takes the lock that a running job holds on its consumer's name, for the rest of the session.
     *
     * @return false where another session holds it
     */
    public static boolean tryLock(Connection target, String consumer) throws SQLException {
        try (PreparedStatement statement =
                target.prepareStatement("select pg_catalog.pg_try_advisory_lock(" + LOCK + ")")) {
            statement.setString(1, consumer);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    /** Gives back what {@link #tryLock} took. */
    static void unlock(Connection target, String consumer) throws SQLException {
        try (PreparedStatement statement =
                target.prepareStatement("select pg_catalog.pg_advisory_unlock(" + LOCK + ")")) {
            statement.setString(1, consumer);
            statement.execute();
        }
    }

    /** Whether any consumer of Skytools or pgcaravan has ever kept its position in this target. */
    public static boolean isThere(Connection target) throws SQLException {
        return OwnTables.exists(target, "pgq_ext.completed_tick") || OwnTables.exists(target, "caravan.position");
    }

    /**
     * The same inside the connection's open transaction, for someone who only looks and rolls back.
     *
     * @throws SQLException where the target lacks a part that this role cannot install
     */
    public static Ledger tryOut(Connection target, String consumer, Source source) throws SQLException {
        try (Statement statement = target.createStatement()) {
            if (!installed(statement)) {
                installMissing(statement);
            }
        }
        return new Ledger(consumer, source, hasSubconsumers(target));
    }

    /** Whether the target has everything that a job keeps there. */
    public static boolean isComplete(Connection target) throws SQLException {
        try (Statement statement = target.createStatement()) {
            return installed(statement);
        }
    }

    private static void install(Connection target) throws SQLException {
        try (Statement statement = target.createStatement()) {
            if (installed(statement)) {
                return;
            }
            target.setAutoCommit(false);
            try {
                installMissing(statement);
                target.commit();
            } catch (SQLException e) {
                target.rollback();
                throw new SQLException(
                        "the ledger (schemas pgq_ext and caravan) could not be installed in the target: "
                                + e.getMessage()
                                + "; as its tables' owner, or where there are none as a role that may create schemas, run"
                                + " what caravan grants prints",
                        e.getSQLState(),
                        e);
            } finally {
                target.setAutoCommit(true);
            }
        }
    }

    private static void installMissing(Statement statement) throws SQLException {
        OwnTables.lock(statement);
        if (!OwnTables.exists(statement.getConnection(), "pgq_ext.completed_tick")) {
            statement.execute(Sql.file("target/pgq_ext"));
        }
        for (String table : OWN_TABLES) {
            OwnTables.make(statement, table);
        }
    }

    private static boolean installed(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery("""
                select count(pg_catalog.to_regclass(name)) = 4
                       -- came later than their tables
                       and exists (select from pg_attribute
                                    where attrelid = pg_catalog.to_regclass('caravan.dead_letter')::oid and attname = 'masked')
                       and exists (select from pg_attribute
                                    where attrelid = pg_catalog.to_regclass('caravan.position')::oid and attname = 'account')
                from (values ('pgq_ext.completed_tick'), ('caravan.position'), ('caravan.dead_letter'),
                             ('caravan.partition')) as t (name)""")) {
            row.next();
            return row.getBoolean(1);
        }
    }

    private static boolean hasSubconsumers(Connection target) throws SQLException {
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery("""
                        select exists (select from pg_attribute
                                       where attrelid = 'pgq_ext.completed_tick'::regclass::oid and attname = 'subconsumer_id'
                                         and not attisdropped)""")) {
            row.next();
            return row.getBoolean(1);
        }
    }

    /**
     * What this consumer has applied last.
     *
     * @param tickTime when that tick was made, null where only pgq_ext knows of it
     */
    public record Applied(long tick, Instant tickTime) {}

    /**
     * What this consumer has applied last, null where the ledger knows nothing. Reads without locking.
     *
     * @throws LostPositionException where the position belongs to another queue or source
     */
    public Applied applied(Connection target, String queue) throws SQLException {
        try (PreparedStatement statement = target.prepareStatement(standing.replace("for update", ""))) {
            statement.setString(1, consumer);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                Position position = position(row);
                if (position != null && !position.isOf(queue, source)) {
                    throw new LostPositionException(foreign(position, queue));
                }
                Long tick = (Long) row.getObject("last_tick_id");
                if (tick == null) {
                    return position == null ? null : new Applied(position.tick, position.tickTime);
                }
                return new Applied(tick, position != null && position.tick == tick ? position.tickTime : null);
            }
        }
    }

    /** Locks this consumer's rows until the transaction ends, and compares them with a batch. */
    public Standing standing(Connection target, Batch batch) throws SQLException {
        return standing(target, batch, "");
    }

    /**
     * The same.
     *
     * @param settled statements to run before, in a transaction of their own but in the same round trip, as what they
     *     change of the session is to hold for this transaction; no transaction is open then. Empty for none
     */
    public Standing standing(Connection target, Batch batch, String settled) throws SQLException {
        String before = settled.isEmpty() ? "" : "begin;" + settled + ";commit;begin;";
        if (!settled.isEmpty()) {
            target.setAutoCommit(true);
        }
        try (PreparedStatement statement = target.prepareStatement(before + standing)) {
            statement.setString(1, consumer);
            statement.execute();
            ResultSet last = statement.getResultSet();
            while (statement.getMoreResults(Statement.KEEP_CURRENT_RESULT) || statement.getUpdateCount() >= 0) {
                last = statement.getResultSet();
            }
            last.next();
            Position position = position(last);
            return compare(
                    batch,
                    (Long) last.getObject("last_tick_id"),
                    position,
                    new Standing.Lock(last.getString("xact"), position == null ? null : position.tick));
        } finally {
            if (!settled.isEmpty()) {
                target.setAutoCommit(false);
            }
        }
    }

    private Standing compare(Batch batch, Long ledgerTick, Position position, Standing.Lock lock) {
        if (position != null && !position.isOf(batch.queue(), source)) {
            return new Standing.Lost(foreign(position, batch.queue()));
        }
        if (batch.tick() <= batch.previousTick()) {
            return new Standing.Lost(lost(
                    batch,
                    "this batch runs backwards: two programs took batches of one consumer at the same time; the target"
                            + " stands at "
                            + (ledgerTick == null ? "no tick" : "tick " + ledgerTick)));
        }
        if (ledgerTick == null && position == null) {
            return new Standing.Next(lock, true);
        }
        if (ledgerTick == null) {
            // Only half of the position was cleared: what the other half proves holds, more than that is a guess.
            boolean proven =
                    position.tick == batch.previousTick() && position.tickTime.equals(batch.previousTickTime());
            return proven
                    ? new Standing.Next(lock, false)
                    : new Standing.Lost(lost(
                            batch,
                            "the consumer's tick is gone from pgq_ext, and caravan.position stands at tick "
                                    + position.tick));
        }
        boolean next = ledgerTick == batch.previousTick();
        if (!next && ledgerTick != batch.tick()) {
            return new Standing.Lost(lost(batch, "the target stands at tick " + ledgerTick));
        }
        // Another consumer of the same ledger may have moved on since we wrote our row: then it proves nothing.
        if (position != null && position.tick == ledgerTick) {
            Instant ours = next ? batch.previousTickTime() : batch.tickTime();
            if (!position.tickTime.equals(ours)) {
                return new Standing.Lost(lost(
                        batch,
                        "the target stands at a tick " + ledgerTick + " made at " + position.tickTime
                                + ", the source's was made at " + ours + " (was the queue created again?)"));
            }
        }
        return next ? new Standing.Next(lock, false) : new Standing.AlreadyApplied();
    }

    /** Why a batch is not taken as the first one of a consumer that this target does not know. */
    public static String unknownStart(Batch batch) {
        return "lost position: the target knows nothing of consumer \"" + batch.consumer() + "\", which is at tick "
                + batch.previousTick() + " of queue \"" + batch.queue()
                + "\" already: rows of earlier events may be missing. Is this the right target database? If it is to start"
                + " from here, copy the earlier rows, and "
                + command("reset", batch.queue(), batch.consumer()) + " makes that tick its start";
    }

    private String lost(Batch batch, String where) {
        return "lost position: " + where + ", the source offers " + batch
                + ". If the source's consumer was moved, move it back to the target's tick: "
                + command("rewind", batch.queue(), consumer) + "; if the target is to start anew from here, "
                + howToReset(batch.queue(), consumer);
    }

    /** What to do where the target is to forget a consumer's position, for an error's end. */
    static String howToReset(String queue, String consumer) {
        return "let it forget its position: " + command("reset", queue, consumer);
    }

    /** The command that moves a consumer, as people type it. */
    static String command(String name, String queue, String consumer) {
        return "caravan queue " + name + " " + argument(queue) + " " + argument(consumer) + " (table-dispatcher: --"
                + name + ")";
    }

    /** As a shell takes it. */
    private static String argument(String text) {
        return text.matches("[A-Za-z0-9_.,:@%+/-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
    }

    private String foreign(Position position, String queue) {
        return "consumer \"" + consumer + "\" belongs to queue \"" + position.queue + "\" of database \""
                + position.database + "\" (system " + position.system + ") in this target, not to queue \"" + queue
                + "\" of " + source
                + ". Give this job a consumer name of its own; if the queue really has moved there, "
                + howToReset(queue, consumer);
    }

    /**
     * Writes the batch's tick, as the last statement before the commit.
     *
     * @param lock what {@link #standing} saw in this very transaction
     * @param rows rows that the batch wrote
     * @param account events by what became of them, as {@link RowAccount#totals} has it
     * @throws LostPositionException where another process moved the consumer meanwhile, or a step ended the transaction
     */
    public void advance(Connection target, Batch batch, Standing.Lock lock, long rows, Map<String, Long> account)
            throws SQLException {
        try (PreparedStatement statement = target.prepareStatement(ADVANCE)) {
            statement.setString(1, consumer);
            statement.setString(2, batch.queue());
            statement.setString(3, source.system());
            statement.setString(4, source.database());
            statement.setLong(5, batch.tick());
            statement.setObject(6, batch.tickTime().atOffset(ZoneOffset.UTC));
            statement.setLong(7, batch.eventSeq());
            statement.setLong(8, rows);
            statement.setArray(9, target.createArrayOf("text", account.keySet().toArray()));
            statement.setArray(10, target.createArrayOf("int8", account.values().toArray()));
            statement.setString(11, lock.transaction());
            if (lock.positionTick() == null) {
                statement.setNull(12, java.sql.Types.BIGINT);
            } else {
                statement.setLong(12, lock.positionTick());
            }
            try (ResultSet row = statement.executeQuery()) {
                if (row.next()) {
                    return;
                }
            }
        }
        if (transaction(target).equals(lock.transaction())) {
            throw new SQLException(
                    "another process applied " + batch + " at the same time; this one starts over", "40001");
        }
        throw new LostPositionException("a step of the route ended the transaction of " + batch
                + " (a COMMIT in a template, a function or an sql: step): rows it had loaded may be there to stay. Take the"
                + " transaction control out of that step, and compare source and target before the job goes on (see"
                + " exactly-once.md, lost position)");
    }

    /**
     * Notes where this consumer starts, as if it had applied everything up to that tick: a target without a position lacks
     * everything before the first batch, whatever that is.
     */
    void start(Connection target, String queue, Pgq.Tick tick) throws SQLException {
        Batch nothing = new Batch(
                queue, consumer, 0, tick.id(), tick.time(), tick.eventSeq(), tick.id(), tick.time(), tick.eventSeq());
        advance(target, nothing, new Standing.Lock(transaction(target), null), 0, Map.of());
    }

    /**
     * Forgets this consumer, in the connection's transaction.
     *
     * @return where it stood, for people; null where nothing was known
     */
    String clear(Connection target) throws SQLException {
        String stood;
        try (PreparedStatement statement = target.prepareStatement(standing)) {
            statement.setString(1, consumer);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                Position position = position(row);
                Long tick = (Long) row.getObject("last_tick_id");
                if (tick == null && position == null) {
                    return null;
                }
                stood = "tick " + (tick == null ? position.tick : tick)
                        + (position == null
                                ? ""
                                : " of queue \"" + position.queue + "\" in database \"" + position.database + "\"");
            }
        }
        for (String sql : List.of(
                "delete from caravan.position where consumer = ?::text",
                "select pgq_ext.set_last_tick(?::text, null::bigint)")) {
            try (PreparedStatement statement = target.prepareStatement(sql)) {
                statement.setString(1, consumer);
                statement.execute();
            }
        }
        return stood;
    }

    private static String transaction(Connection target) throws SQLException {
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery("select pg_catalog.pg_current_xact_id()::text")) {
            row.next();
            return row.getString(1);
        }
    }

    private record Position(String queue, String system, String database, long tick, Instant tickTime) {

        boolean isOf(String otherQueue, Source source) {
            return queue.equals(otherQueue) && system.equals(source.system()) && database.equals(source.database());
        }
    }

    private static Position position(ResultSet row) throws SQLException {
        String queue = row.getString("queue");
        return queue == null
                ? null
                : new Position(
                        queue,
                        row.getString("source_system"),
                        row.getString("source_database"),
                        row.getLong("tick"),
                        row.getObject("tick_time", OffsetDateTime.class).toInstant());
    }
}
