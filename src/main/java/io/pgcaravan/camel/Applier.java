package io.pgcaravan.camel;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.BatchEvents;
import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.Ledger;
import io.pgcaravan.batch.LostPositionException;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.SourceFailedException;
import io.pgcaravan.batch.Standing;
import io.pgcaravan.load.DeadLetters;
import io.pgcaravan.queue.Batch;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.Source;
import io.pgcaravan.row.ServerEncoding;
import java.nio.charset.Charset;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.apache.camel.Endpoint;
import org.apache.camel.component.jdbc.JdbcEndpoint;
import org.apache.camel.component.sql.SqlEndpoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies a batch to the target in one transaction that also moves the consumer's position: at once, and where a row of
 * it cannot be loaded again, with care.
 */
final class Applier {

    /** The consumer's, whose work this is: people look for it there. */
    private static final Logger LOG = LoggerFactory.getLogger(PgqConsumer.class);

    private final PgqEndpoint endpoint;
    private final Pgq pgq;
    private final OnError onError;
    private final RouteRun route;

    /** The dead letters of the batch in progress, for the log once they are committed. */
    private final List<String> buried = new ArrayList<>();

    private boolean toldUnproven;
    private boolean toldOthers;

    /** Whether steps may have changed the target's session since it was last as it should be. */
    private boolean stepsRan;

    /** Events of the batch that was applied last. */
    private long applied;

    /** Rows that it wrote. */
    private long rows;

    /** The source that was asked whether it writes the statement for a batch's events, and its answer. */
    private SourceSide asked;

    private boolean writesEventSql;

    Applier(PgqEndpoint endpoint, RouteRun route) {
        this.endpoint = endpoint;
        this.pgq = endpoint.pgq();
        this.onError = endpoint.getOnError();
        this.route = route;
    }

    /**
     * Applies a batch where it is next.
     *
     * @return true where the batch is in the target now, and only has to be finished; false where it has to be asked for
     *     again
     * @throws LostPositionException where the batch does not fit what the target has
     */
    boolean apply(Batch batch, SourceSide source, TargetSide target) throws Exception {
        applied = 0;
        rows = 0;
        if (!toldOthers) {
            toldOthers = true;
            warnOfOthers(target);
        }
        Standing standing = target.standing(batch, stepsRan);
        stepsRan = false;
        if (standing instanceof Standing.Lost lostPosition) {
            target.connection().rollback();
            // A process that was paused may hold a batch that another one has finished since.
            Batch again =
                    pgq.nextBatch(source.connection(), endpoint.getQueue(), endpoint.getConsumer(), endpoint.collect());
            boolean still = batch.equals(again) && target.standing(again, false) instanceof Standing.Lost;
            target.connection().rollback();
            if (!still) {
                return false;
            }
            throw new LostPositionException(lostPosition.reason());
        }
        if (standing instanceof Standing.AlreadyApplied) {
            target.connection().rollback();
            LOG.info("{} is in the target already; finishing it", batch);
            return true;
        }
        Standing.Next next = (Standing.Next) standing;
        if (next.unproven() && !endpoint.isAcceptUnknownStart()) {
            target.connection().rollback();
            throw new LostPositionException(Ledger.unknownStart(batch));
        }
        if (next.unproven() && !toldUnproven) {
            toldUnproven = true;
            LOG.warn(
                    "the target's ledger knows nothing of consumer \"{}\"; taking {} as its first",
                    batch.consumer(),
                    batch);
        }
        try {
            attempt(batch, source, target, next.lock(), false);
        } catch (Exception e) {
            if (!Failures.callsForCare(e)) {
                throw e;
            }
            LOG.debug("{} holds a row that cannot be loaded ({}); looking for it", batch, e.getMessage());
            target.connection().rollback();
            Standing still = target.standing(batch, false);
            if (!(still instanceof Standing.Next locked)) {
                target.connection().rollback();
                return false;
            }
            attempt(batch, source, target, locked.lock(), true);
        }
        return true;
    }

    /** How many events the last call of {@link #apply} brought into the target. */
    long applied() {
        return applied;
    }

    /** How many rows the last call of {@link #apply} wrote. */
    long rows() {
        return rows;
    }

    /** Steps on another data source of the target's database would write outside the batch's transaction. */
    private void warnOfOthers(TargetSide target) throws SQLException {
        Source here = Source.of(target.connection());
        target.connection().rollback();
        Map<DataSource, List<Endpoint>> others = new IdentityHashMap<>();
        for (Endpoint step : endpoint.getCamelContext().getEndpoints()) {
            DataSource used = step instanceof SqlEndpoint sql
                    ? sql.getDataSource()
                    : step instanceof JdbcEndpoint jdbc ? jdbc.getDataSource() : null;
            if (used != null && used != endpoint.getTarget() && used != endpoint.getSource()) {
                others.computeIfAbsent(used, first -> new ArrayList<>()).add(step);
            }
        }
        others.forEach((used, steps) -> {
            try (Connection connection = used.getConnection()) {
                if (Source.of(connection).equals(here)) {
                    LOG.warn(
                            "{} uses another data source of the target of {}: what it writes is outside the batch's transaction;"
                                    + " give it the data source that target= names",
                            steps,
                            endpoint);
                }
            } catch (SQLException e) {
                LOG.debug("the data source of {} cannot be looked at", steps, e);
            }
        });
    }

    private void attempt(Batch batch, SourceSide source, TargetSide target, Standing.Lock lock, boolean careful)
            throws Exception {
        OpenBatch open = open(batch, source, target, careful);
        try (Attempt attempt = Attempt.begin(open, endpoint.getTarget());
                BatchEvents events = events(batch, source)) {
            if (careful) {
                while (events.hasNext()) {
                    applyWithCare(attempt, open, events.next());
                }
            } else if (events.hasNext()) {
                // A batch without events needs no route, only its tick.
                route.run(attempt, open, events);
            }
            commit(open, target, lock);
            applied = events.handedOut();
            stepsRan = true;
            rows = open.rows();
        } catch (Exception e) {
            Exception reason = Failures.reason(open, e);
            open.rolledBack();
            throw reason;
        } catch (Error e) {
            open.rolledBack();
            throw e;
        }
    }

    /** What is still to do of a chunk, in order: events to send through the route, or a row to take out. */
    private sealed interface Piece {
        record Events(List<Event> events) implements Piece {}

        record Bad(BadRowException badRow) implements Piece {}
    }

    /** Sends a chunk through the route behind a savepoint, and takes out the rows that cannot be loaded. */
    private void applyWithCare(Attempt attempt, OpenBatch open, List<Event> chunk) throws Exception {
        Deque<Piece> pieces = new ArrayDeque<>();
        pieces.push(new Piece.Events(chunk));
        while (!pieces.isEmpty()) {
            Piece piece = pieces.pop();
            if (piece instanceof Piece.Bad bad) {
                open.account().handOut(List.of(bad.badRow.event()));
                open.reject(bad.badRow);
                open.account().close();
                continue;
            }
            List<Event> events = ((Piece.Events) piece).events;
            if (events.isEmpty()) {
                continue;
            }
            Savepoint savepoint = open.target().setSavepoint();
            int buriedBefore = buried.size();
            long rowsBefore = open.rows();
            try {
                route.run(attempt, open, List.of(events).iterator());
                open.flush();
                try (Statement statement = open.target().createStatement()) {
                    statement.execute("set constraints all immediate");
                }
                open.target().releaseSavepoint(savepoint);
                open.account().close();
            } catch (Exception e) {
                Exception reason = Failures.reason(open, e);
                if (!Failures.callsForCare(reason)) {
                    throw reason;
                }
                open.rolledBack();
                open.target().rollback(savepoint);
                buried.subList(buriedBefore, buried.size()).clear();
                attempt.reset();
                open.reopen(events, rowsBefore);
                divide(events, reason, pieces);
            }
        }
    }

    private static void divide(List<Event> events, Exception failure, Deque<Piece> pieces) {
        BadRowException badRow = Failures.badRow(failure);
        int at = badRow == null || badRow.event() == null ? -1 : events.indexOf(badRow.event());
        if (at < 0 && events.size() == 1) {
            SQLException sql = Connections.sqlCause(failure);
            badRow = new BadRowException(
                    events.get(0),
                    sql == null ? failure.getMessage() : sql.getMessage(),
                    Failures.sqlState(failure),
                    failure);
            at = 0;
        }
        if (at >= 0) {
            pieces.push(new Piece.Events(events.subList(at + 1, events.size())));
            pieces.push(new Piece.Bad(badRow));
            pieces.push(new Piece.Events(events.subList(0, at)));
        } else {
            int half = events.size() / 2;
            pieces.push(new Piece.Events(events.subList(half, events.size())));
            pieces.push(new Piece.Events(events.subList(0, half)));
        }
    }

    private OpenBatch open(Batch batch, SourceSide source, TargetSide target, boolean careful) {
        buried.clear();
        OpenBatch opened = new OpenBatch(
                batch,
                target.connection(),
                source.encoding(),
                careful,
                endpoint.getOnFiltered() == OnFiltered.LEAVE_OUT,
                (open, badRow) -> {
                    if (onError == OnError.STOP) {
                        throw new BadRowException(
                                badRow.event(),
                                "row of " + batch + " cannot be loaded: " + reason(badRow),
                                badRow.sqlState(),
                                badRow);
                    }
                    if (buried.size() >= endpoint.getMaxDeadLetters()) {
                        throw new IllegalStateException(
                                "more than maxDeadLetters=" + endpoint.getMaxDeadLetters() + " rows of " + batch
                                        + " cannot be loaded, the last of them " + badRow.getMessage(),
                                badRow);
                    }
                    DeadLetters.bury(open, badRow);
                    buried.add(badRow.event() + " of " + batch + " went to caravan.dead_letter: " + reason(badRow));
                });
        if (!endpoint.isOrdered()) {
            opened.takeAnyOrder();
        }
        if (source.identity().encoding().equals("SQL_ASCII")) {
            opened.takeBytesAsStored();
        }
        return opened;
    }

    private static String reason(BadRowException badRow) {
        String message = badRow.getMessage();
        String prefix = badRow.event() + ": ";
        return message.startsWith(prefix) ? message.substring(prefix.length()) : message;
    }

    private BatchEvents events(Batch batch, SourceSide source) throws SQLException {
        try {
            if (source != asked) {
                writesEventSql = pgq.writesEventSql(source.connection());
                asked = source;
            }
            return new BatchEvents(
                    batch,
                    source.connection(),
                    writesEventSql
                            ? pgq.eventSql(source.connection(), batch, endpoint.isOrdered())
                            : pgq.gatheredEventSql(batch),
                    endpoint.getChunkEvents());
        } catch (SQLException e) {
            throw new SourceFailedException(batch, e);
        }
    }

    private void commit(OpenBatch open, TargetSide target, Standing.Lock lock) throws SQLException {
        open.beforeCommit();
        open.account().close();
        target.ledger()
                .advance(
                        target.connection(),
                        open.batch(),
                        lock,
                        open.rows(),
                        open.account().totals());
        target.connection().commit();
        open.account()
                .refused()
                .forEach((table, refused) -> LOG.warn(
                        "table {} took {} rows less of {} than it was sent: a BEFORE trigger or a conflict clause there"
                                + " kept them back",
                        table,
                        refused,
                        open.batch()));
        buried.forEach(LOG::warn);
        buried.clear();
    }

    // ---- a dead letter

    /**
     * Sends a dead letter's event through the route again, and takes it from the dead letters in the same transaction. The
     * consumer's position stays where it is. For a consumer that does not poll.
     */
    void retry(DeadLetter letter, boolean keysMustBeAbsent) throws Exception {
        try (Connection connection = Connections.open(endpoint.getTarget(), "target")) {
            Connections.settle(connection);
            connection.setAutoCommit(false);
            OpenBatch open = new OpenBatch(
                    letter.batch(),
                    connection,
                    sourceEncoding(),
                    true,
                    endpoint.getOnFiltered() == OnFiltered.LEAVE_OUT,
                    (batch, badRow) -> {
                        throw badRow;
                    });
            if (keysMustBeAbsent) {
                open.demandAbsentKeys();
            }
            try (Attempt attempt = Attempt.begin(open, endpoint.getTarget())) {
                if (!DeadLetters.delete(connection, letter.id())) {
                    throw new IllegalStateException("somebody else retried or discarded it meanwhile");
                }
                route.run(attempt, open, List.of(List.of(letter.event())).iterator());
                open.beforeCommit();
                open.account().close();
                connection.commit();
            } catch (Exception e) {
                Exception reason = Failures.reason(open, e);
                open.rolledBack();
                connection.rollback();
                throw reason;
            } finally {
                // steps may have changed the session
                Connections.end(connection);
            }
        }
    }

    /** The encoding of the bytes in url-encoded data. */
    private Charset sourceEncoding() throws SQLException {
        if (endpoint.getEncoding() != null) {
            return ServerEncoding.charsetOf(endpoint.getEncoding());
        }
        try (Connection connection = Connections.open(endpoint.getSource(), "source")) {
            return ServerEncoding.charsetOf(
                    endpoint.pgq().encoding(connection, Source.of(connection).encoding()));
        }
    }
}
