package io.pgcaravan.camel;

import io.pgcaravan.load.DeadLetter;
import io.pgcaravan.load.DeadLetters;
import io.pgcaravan.queue.BadRowException;
import io.pgcaravan.queue.Batch;
import io.pgcaravan.queue.BatchEvents;
import io.pgcaravan.queue.Event;
import io.pgcaravan.queue.Ledger;
import io.pgcaravan.queue.LostPositionException;
import io.pgcaravan.queue.OpenBatch;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.Source;
import io.pgcaravan.queue.SourceFailedException;
import io.pgcaravan.queue.Standing;
import io.pgcaravan.row.ServerEncoding;
import java.nio.charset.Charset;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.LoggingLevel;
import org.apache.camel.Processor;
import org.apache.camel.spi.PollingConsumerPollStrategy;
import org.apache.camel.support.LoggingExceptionHandler;
import org.apache.camel.support.ScheduledPollConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes one batch after the other through the route and into the target, each in one transaction that also moves the
 * consumer's position. The order of commits is here, around the route, where no edit of the route can change it; see
 * exactly-once.md for every point at which this process may die.
 */
final class PgqConsumer extends ScheduledPollConsumer {

    private static final Logger LOG = LoggerFactory.getLogger(PgqConsumer.class);

    /** How long one wait lasts before the consumer looks whether it is to stop, milliseconds. */
    private static final int WAIT_SLICE = 200;

    /** How long a stop waits for a poll to end by itself, milliseconds; batches in progress were waited for before. */
    private static final long STOP_PATIENCE = 1000;

    private static final long FIRST_BACK_OFF = 500;
    private static final long LAST_BACK_OFF = 30_000;

    private final PgqEndpoint endpoint;
    private final Pgq pgq;
    private final OnError onError;

    /** Held while a poll runs, so that a stop does not take the connections from under it. */
    private final ReentrantLock polling = new ReentrantLock();

    /** The dead letters of the batch in progress, for the log once they are committed. */
    private final List<String> buried = new ArrayList<>();

    private SourceSide source;
    private Connection target;
    private Ledger ledger;
    private boolean standby;
    private LostPositionException lost;
    private boolean toldUnproven;
    private int failures;
    private long notBefore;
    private long idleDelay;

    PgqConsumer(PgqEndpoint endpoint, Processor processor) {
        super(endpoint, processor);
        this.endpoint = endpoint;
        this.pgq = endpoint.pgq();
        this.onError = endpoint.onErrorMode();
        // A failure is told in one line already; an endpoint may name another handler.
        setExceptionHandler(new LoggingExceptionHandler(endpoint.getCamelContext(), getClass(), LoggingLevel.DEBUG));
    }

    /** The scheduler only turns the wheel: while idle this consumer waits itself, where a notification can wake it. */
    void waitByItself() {
        idleDelay = getTimeUnit().toMillis(getDelay());
        setTimeUnit(TimeUnit.MILLISECONDS);
        setDelay(1);
        setInitialDelay(1);
        setPollStrategy(new OneLineAFailure());
    }

    @Override
    protected void doStart() throws Exception {
        List<String> problems = RouteCheck.problems(getRoute().getRoute());
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException("route \"" + getRoute().getRouteId() + "\" cannot start from " + endpoint
                    + ":\n  " + String.join("\n  ", problems));
        }
        super.doStart();
    }

    @Override
    protected void doStop() throws Exception {
        super.doStop();
        if (polling.tryLock(STOP_PATIENCE, TimeUnit.MILLISECONDS)) {
            try {
                disconnect();
            } finally {
                polling.unlock();
            }
        } else {
            // A batch is still on its way, past the time that the shutdown allowed for it. Without its connections
            // it ends at once, uncommitted, and is done again at the next start.
            LOG.warn("{} stops in the middle of a batch, which is left for the next start", endpoint);
            abort(target);
            abort(source == null ? null : source.connection());
        }
    }

    private static void abort(Connection connection) throws SQLException {
        if (connection != null) {
            connection.abort(Runnable::run);
        }
    }

    @Override
    protected int poll() throws Exception {
        polling.lock();
        try {
            return pollOnce();
        } finally {
            polling.unlock();
        }
    }

    private int pollOnce() throws Exception {
        if (lost != null) {
            pause(LAST_BACK_OFF);
            throw lost;
        }
        long wait = notBefore - System.currentTimeMillis();
        if (wait > 0) {
            pause(wait);
            if (!isPollAllowed()) {
                return 0;
            }
        }
        try {
            int applied = connect() ? applyNext() : standBy();
            if (failures > 0) {
                LOG.info("{} works again", endpoint);
            }
            failures = 0;
            return applied;
        } catch (LostPositionException e) {
            lost = e;
            disconnect();
            stopRoute();
            throw e;
        } catch (Exception e) {
            afterFailure(e);
            throw e;
        }
    }

    private int applyNext() throws Exception {
        Batch batch = pgq.nextBatch(source.connection(), endpoint.getQueue(), endpoint.getConsumer());
        if (batch == null) {
            checkTarget();
            idle();
            return 0;
        }
        if (apply(batch)) {
            finish(batch);
        }
        return 1;
    }

    // ---- one batch

    /** Applies a batch where it is next; false where it has to be asked for again. */
    private boolean apply(Batch batch) throws Exception {
        Standing standing = ledger.standing(target, batch);
        if (standing instanceof Standing.Lost lostPosition) {
            target.rollback();
            // A process that was paused may hold a batch that another one has finished since.
            Batch again = pgq.nextBatch(source.connection(), endpoint.getQueue(), endpoint.getConsumer());
            if (again == null || again.id() != batch.id()) {
                return false;
            }
            throw new LostPositionException(lostPosition.reason());
        }
        if (standing instanceof Standing.AlreadyApplied) {
            target.rollback();
            LOG.info("{} is in the target already; finishing it", batch);
            return true;
        }
        Standing.Next next = (Standing.Next) standing;
        if (next.unproven() && !toldUnproven) {
            toldUnproven = true;
            LOG.warn(
                    "the target's ledger knows nothing of consumer \"{}\"; taking {} as its first",
                    batch.consumer(),
                    batch);
        }
        try {
            attempt(batch, next.lock(), false);
        } catch (Exception e) {
            if (!callsForCare(e)) {
                throw e;
            }
            LOG.debug("{} holds a row that cannot be loaded ({}); looking for it", batch, e.getMessage());
            target.rollback();
            Standing still = ledger.standing(target, batch);
            if (!(still instanceof Standing.Next locked)) {
                target.rollback();
                return false;
            }
            attempt(batch, locked.lock(), true);
        }
        return true;
    }

    private void attempt(Batch batch, Standing.Lock lock, boolean careful) throws Exception {
        OpenBatch open = open(batch, careful);
        try (Attempt attempt = Attempt.begin(open, endpoint.getTarget());
                BatchEvents events = events(batch)) {
            if (careful) {
                while (events.hasNext()) {
                    applyWithCare(attempt, open, events.next());
                }
            } else if (events.hasNext()) {
                // A batch without events needs no route, only its tick.
                applyAtOnce(attempt, open, events);
            }
            commit(open, batch, lock);
        } catch (Exception e) {
            Exception reason = reason(open, e);
            open.rolledBack();
            throw reason;
        } catch (Error e) {
            open.rolledBack();
            throw e;
        }
    }

    private void applyAtOnce(Attempt attempt, OpenBatch open, BatchEvents events) throws Exception {
        run(attempt, open, events);
        if (!events.isExhausted() && events.hasNext()) {
            throw new IllegalStateException("route \"" + getRoute().getRouteId() + "\" took " + events.handedOut()
                    + " events and left the rest; its first step has to split the body to its end");
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
                open.reject(bad.badRow);
                continue;
            }
            List<Event> events = ((Piece.Events) piece).events;
            if (events.isEmpty()) {
                continue;
            }
            Savepoint savepoint = target.setSavepoint();
            int buriedBefore = buried.size();
            try {
                run(attempt, open, List.of(events).iterator());
                open.flush();
                try (Statement statement = target.createStatement()) {
                    statement.execute("set constraints all immediate");
                }
                target.releaseSavepoint(savepoint);
            } catch (Exception e) {
                Exception reason = reason(open, e);
                if (!callsForCare(reason)) {
                    throw reason;
                }
                open.rolledBack();
                target.rollback(savepoint);
                buried.subList(buriedBefore, buried.size()).clear();
                attempt.forgive();
                divide(events, reason, pieces);
            }
        }
    }

    private static void divide(List<Event> events, Exception failure, Deque<Piece> pieces) {
        BadRowException badRow = badRow(failure);
        int at = badRow == null || badRow.event() == null ? -1 : events.indexOf(badRow.event());
        if (at < 0 && events.size() == 1) {
            SQLException sql = Connections.sqlCause(failure);
            badRow = new BadRowException(
                    events.get(0), sql == null ? failure.getMessage() : sql.getMessage(), sqlState(failure), failure);
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

    // ---- a dead letter

    /**
     * Sends a dead letter's event through the route again, and takes it from the dead letters in the same transaction. The
     * consumer's position stays where it is. For a consumer that does not poll.
     */
    void retry(DeadLetter letter, boolean keysMustBeAbsent) throws Exception {
        try (Connection connection = Connections.open(endpoint.getTarget(), "target")) {
            connection.setAutoCommit(false);
            OpenBatch open = new OpenBatch(letter.batch(), connection, sourceEncoding(), true, (batch, badRow) -> {
                throw badRow;
            });
            if (keysMustBeAbsent) {
                open.demandAbsentKeys();
            }
            try (Attempt attempt = Attempt.begin(open, endpoint.getTarget())) {
                if (!DeadLetters.delete(connection, letter.id())) {
                    throw new IllegalStateException("somebody else retried or discarded it meanwhile");
                }
                run(attempt, open, List.of(List.of(letter.event())).iterator());
                open.beforeCommit();
                connection.commit();
            } catch (Exception e) {
                Exception reason = reason(open, e);
                open.rolledBack();
                connection.rollback();
                throw reason;
            } finally {
                connection.setAutoCommit(true);
            }
        }
    }

    /** The encoding of the bytes in url-encoded data. */
    private Charset sourceEncoding() throws SQLException {
        if (endpoint.getEncoding() != null) {
            return ServerEncoding.charsetOf(endpoint.getEncoding());
        }
        try (Connection connection = Connections.open(endpoint.getSource(), "source")) {
            return ServerEncoding.charsetOf(Source.of(connection).encoding());
        }
    }

    private OpenBatch open(Batch batch, boolean careful) {
        buried.clear();
        OpenBatch opened = new OpenBatch(batch, target, source.encoding(), careful, (open, badRow) -> {
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
        return opened;
    }

    private static String reason(BadRowException badRow) {
        String message = badRow.getMessage();
        String prefix = badRow.event() + ": ";
        return message.startsWith(prefix) ? message.substring(prefix.length()) : message;
    }

    private BatchEvents events(Batch batch) throws SQLException {
        try {
            return new BatchEvents(
                    batch,
                    source.connection(),
                    pgq.eventSql(source.connection(), batch, endpoint.isOrdered()),
                    endpoint.getChunkEvents());
        } catch (SQLException e) {
            throw new SourceFailedException(batch, e);
        }
    }

    private void run(Attempt attempt, OpenBatch open, Iterator<List<Event>> body) throws Exception {
        Batch batch = open.batch();
        Exchange exchange = createExchange(false);
        try {
            exchange.setProperty(PgqConstants.OPEN_BATCH, open);
            exchange.setProperty(
                    PgqConstants.INSERTS, open.participant(this, () -> new Inserts(endpoint.getCamelContext(), open)));
            exchange.getIn().setBody(new Chunks(body, attempt));
            exchange.getIn().setHeader(PgqConstants.BATCH_ID, batch.id());
            exchange.getIn().setHeader(PgqConstants.QUEUE, batch.queue());
            exchange.getIn().setHeader(PgqConstants.CONSUMER, batch.consumer());
            exchange.getIn().setHeader(PgqConstants.TICK_ID, batch.tick());
            exchange.getIn().setHeader(PgqConstants.TICK_TIME, batch.tickTime());
            exchange.getIn().setHeader(PgqConstants.PREVIOUS_TICK_ID, batch.previousTick());
            exchange.getIn().setHeader(PgqConstants.PREVIOUS_TICK_TIME, batch.previousTickTime());
            getProcessor().process(exchange);
            Attempt.Failure failure = attempt.failure();
            Throwable cause = failure != null ? failure.cause() : exchange.getException();
            if (cause != null) {
                if (exchange.getException() == null) {
                    throw new IllegalStateException(
                            "step \"" + failure.step() + "\" failed and an error handler of route \""
                                    + getRoute().getRouteId() + "\" swallowed it, so rows of " + batch
                                    + " would be missing: " + cause.getMessage()
                                    + " (take the handler out; onError=dead-letter keeps bad rows)",
                            cause);
                }
                throw failure != null && namesNoStep(cause)
                        ? new IllegalStateException(
                                "step \"" + failure.step() + "\" of route \""
                                        + getRoute().getRouteId() + "\" failed on " + batch + ": " + cause.getMessage(),
                                cause)
                        : cause instanceof Exception exception ? exception : new IllegalStateException(cause);
            }
            if (attempt.rollbackAsked() || exchange.isRollbackOnly() || exchange.isRollbackOnlyLast()) {
                throw new IllegalStateException(
                        "a step of route \"" + getRoute().getRouteId() + "\" asked to roll back " + batch);
            }
            if (attempt.leftEventsOut()) {
                throw new IllegalStateException(
                        "a split of route \"" + getRoute().getRouteId() + "\" broke off in the middle of a"
                                + " chunk of " + batch + "; leave stopOnException off where a step may stop");
            }
        } finally {
            releaseExchange(exchange, false);
        }
    }

    /** The body as the route sees it; a batch that has failed already gives no more events. */
    private record Chunks(Iterator<List<Event>> events, Attempt attempt) implements Iterator<List<Event>> {

        @Override
        public boolean hasNext() {
            return attempt.failure() == null && events.hasNext();
        }

        @Override
        public List<Event> next() {
            return new Chunk(events.next(), attempt);
        }
    }

    private void commit(OpenBatch open, Batch batch, Standing.Lock lock) throws SQLException {
        open.beforeCommit();
        ledger.advance(target, batch, lock, open.rows());
        target.commit();
        buried.forEach(LOG::warn);
        buried.clear();
    }

    private void finish(Batch batch) throws SQLException {
        if (!pgq.finish(source.connection(), batch)) {
            LOG.warn("{} was finished or repositioned by somebody else meanwhile", batch);
        }
    }

    /** What really failed, where a statement only met a transaction that a loader's thread had found aborted. */
    private static Exception reason(OpenBatch open, Exception failure) {
        SQLException first = "25P02".equals(sqlState(failure)) ? open.failure() : null;
        return first == null ? failure : first;
    }

    /** Whether a row is to blame, and the batch can go on without it or at least name it. */
    private static boolean callsForCare(Exception failure) {
        for (Throwable cause = failure; cause != null && cause.getCause() != cause; cause = cause.getCause()) {
            if (cause instanceof SourceFailedException || cause instanceof LostPositionException) {
                return false;
            }
            if (cause instanceof BadRowException badRow) {
                // Behind it is the row that reject() gave back: the job stops at it.
                return !(badRow.getCause() instanceof BadRowException);
            }
        }
        return failure.getCause() != null || failure instanceof SQLException
                ? BadRowException.isBadRow(sqlState(failure))
                : false;
    }

    /** Whether it takes the step's name to know what failed: a bad row names its event, and a source is no step. */
    private static boolean namesNoStep(Throwable failure) {
        return badRow(failure) == null
                && !(failure instanceof SourceFailedException)
                && !(failure.getCause() instanceof SourceFailedException);
    }

    private static BadRowException badRow(Throwable failure) {
        for (Throwable cause = failure; cause != null && cause.getCause() != cause; cause = cause.getCause()) {
            if (cause instanceof BadRowException badRow) {
                return badRow;
            }
        }
        return null;
    }

    private static String sqlState(Throwable failure) {
        SQLException sql = Connections.sqlCause(failure);
        return sql == null ? null : sql.getSQLState();
    }

    // ---- connections, standby, waiting

    /** Connects what is not connected; false where another process holds this consumer's lock. */
    private boolean connect() throws SQLException {
        if (source == null) {
            source = SourceSide.connect(endpoint);
        }
        if (target == null) {
            Connection opened = Connections.open(endpoint.getTarget(), "target");
            try {
                Connections.settle(opened);
                if (endpoint.isLock() && !lock(opened)) {
                    if (!standby) {
                        LOG.info(
                                "another process runs consumer \"{}\"; this one stands by and takes over when it goes",
                                endpoint.getConsumer());
                    }
                    standby = true;
                    Connections.close(opened);
                    return false;
                }
                if (standby) {
                    LOG.info("taking over consumer \"{}\"", endpoint.getConsumer());
                    standby = false;
                }
                ledger = Ledger.open(opened, endpoint.getConsumer(), source.identity());
                source.register(endpoint, ledger, opened);
                opened.setAutoCommit(false);
                target = opened;
            } catch (SQLException | RuntimeException e) {
                Connections.close(opened);
                throw e;
            }
        }
        return true;
    }

    private boolean lock(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(
                "select pg_try_advisory_lock(hashtextextended('pgcaravan consumer ' || ?, 0))")) {
            statement.setString(1, endpoint.getConsumer());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    private int standBy() {
        pause(idleDelay);
        return 0;
    }

    /** Nothing else would tell that the target is away, or that the lock went with its connection, until there is a batch. */
    private void checkTarget() throws SQLException {
        if (!Connections.works(target)) {
            throw new SQLException(
                    "the connection to the target database (" + endpoint.getTarget() + ") is lost", "08006");
        }
        target.rollback();
    }

    private void idle() throws SQLException {
        if (!endpoint.isListen()) {
            pause(idleDelay);
            return;
        }
        long until = System.currentTimeMillis() + idleDelay;
        long left = idleDelay;
        while (left > 0 && isPollAllowed()) {
            if (source.awaitTick(endpoint.getQueue(), (int) Math.min(left, WAIT_SLICE))) {
                return;
            }
            left = until - System.currentTimeMillis();
        }
    }

    private void pause(long millis) {
        long until = System.currentTimeMillis() + millis;
        long left = millis;
        while (left > 0 && isPollAllowed()) {
            try {
                Thread.sleep(Math.min(left, WAIT_SLICE));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            left = until - System.currentTimeMillis();
        }
    }

    private void afterFailure(Exception failure) {
        failures++;
        notBefore = System.currentTimeMillis()
                + (Connections.passes(sqlState(failure))
                        ? Math.min(LAST_BACK_OFF, FIRST_BACK_OFF << Math.min(failures - 1, 6))
                        : endpoint.getExceptionSleep());
        if (target != null) {
            try {
                target.rollback();
            } catch (SQLException e) {
                disconnectTarget();
            }
            if (target != null && !Connections.works(target)) {
                disconnectTarget();
            }
        }
        if (source != null && !Connections.works(source.connection())) {
            Connections.close(source.connection());
            source = null;
        }
    }

    private void disconnectTarget() {
        Connections.close(target);
        target = null;
    }

    private void disconnect() {
        if (target != null) {
            disconnectTarget();
        }
        if (source != null) {
            Connections.close(source.connection());
            source = null;
        }
    }

    /** A lost position ends the job; the route cannot be stopped from its own thread. */
    private void stopRoute() {
        String routeId = getRoute().getRouteId();
        Thread stopper = new Thread(
                () -> {
                    try {
                        endpoint.getCamelContext().getRouteController().stopRoute(routeId, lost);
                    } catch (Exception e) {
                        LOG.error("route \"{}\" could not be stopped: {}", routeId, e.getMessage());
                    }
                },
                "pgq-stop-" + routeId);
        stopper.setDaemon(true);
        stopper.start();
    }

    /** Says each failure once, in one line; the same one again only every minute. */
    private final class OneLineAFailure implements PollingConsumerPollStrategy {

        private String said;
        private long saidAt;

        @Override
        public boolean begin(Consumer consumer, Endpoint of) {
            return true;
        }

        @Override
        public void commit(Consumer consumer, Endpoint of, int polledMessages) {
            said = null;
        }

        @Override
        public boolean rollback(Consumer consumer, Endpoint of, int retryCounter, Exception failure) {
            if (lost == null && !isRunAllowed()) {
                // what fails while the route is being stopped is the stop
                return false;
            }
            String message = String.valueOf(failure.getMessage());
            long now = System.currentTimeMillis();
            if (!message.equals(said) || now - saidAt > 60_000) {
                String hint = "";
                if ("42501".equals(sqlState(failure))) {
                    hint = "; the role of that database lacks a right: on the source it has to be a member of"
                            + " pgq_reader, on the target it creates the ledger and partitions and writes the tables";
                }
                String next = lost != null
                        ? "the job stops"
                        : "trying again in " + Math.max(0, notBefore - now) / 1000.0 + " s";
                LOG.error(
                        "queue \"{}\", consumer \"{}\": {}; {}",
                        endpoint.getQueue(),
                        endpoint.getConsumer(),
                        message + hint,
                        next);
                said = message;
                saidAt = now;
            }
            return false;
        }
    }
}
