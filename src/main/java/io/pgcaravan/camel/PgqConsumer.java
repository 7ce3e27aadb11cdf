package io.pgcaravan.camel;

import io.micrometer.core.instrument.MeterRegistry;
import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.batch.JobFailure;
import io.pgcaravan.batch.LostPositionException;
import io.pgcaravan.check.SourceValues;
import io.pgcaravan.queue.Batch;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.Queues;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.camel.LoggingLevel;
import org.apache.camel.Processor;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.spi.InflightRepository;
import org.apache.camel.spi.ShutdownStrategy;
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

    /** How often the source's triggers and ticks are looked at, milliseconds. */
    private static final long SOURCE_LOOKS = 60_000;

    /** How long the target may take to note an error, milliseconds. */
    private static final int RECORD_PATIENCE = 5000;

    private static final long FIRST_BACK_OFF = 500;
    private static final long LAST_BACK_OFF = 30_000;

    private final PgqEndpoint endpoint;
    private final Pgq pgq;
    private final Applier applier;
    private final JobMeters meters;

    /** Null where nobody asks. */
    private JobHealth health;

    /** Held while a poll runs, so that a stop does not take the connections from under it. Fair: polls follow each other closely. */
    private final ReentrantLock polling = new ReentrantLock(true);

    private SourceSide source;
    /** Volatile for {@link #runs}. */
    private volatile TargetSide target;

    private boolean standby;
    private volatile boolean applying;
    /** Volatile, as is what follows, for the meters. */
    private volatile LostPositionException lost;

    private volatile int failures;
    /** How often in succession a server did not answer. */
    private int silences;

    private BatchWatch batchWatch;

    /** The process of the target's last session there. */
    private int targetPid;

    /** Whether the target may have an error of this job on record. */
    private boolean recorded;

    private long notBefore;
    private long idleDelay;
    private long connectedAt;
    private long lookedAt;
    private List<String> warned = List.of();

    PgqConsumer(PgqEndpoint endpoint, Processor processor) {
        super(endpoint, processor);
        this.endpoint = endpoint;
        this.pgq = endpoint.pgq();
        this.applier = new Applier(endpoint, new RouteRun(this));
        this.meters = new JobMeters(endpoint.getCamelContext().getRegistry().findSingleByType(MeterRegistry.class));
        // A failure is told in one line already; an endpoint may name another handler.
        setExceptionHandler(new LoggingExceptionHandler(endpoint.getCamelContext(), getClass(), LoggingLevel.DEBUG));
    }

    /** The scheduler only turns the wheel: while idle this consumer waits itself, where a notification can wake it. */
    void waitByItself() {
        idleDelay = getTimeUnit().toMillis(getDelay());
        setTimeUnit(TimeUnit.MILLISECONDS);
        setDelay(1);
        setInitialDelay(1);
        setPollStrategy(new FailureLog());
    }

    @Override
    public PgqEndpoint getEndpoint() {
        return endpoint;
    }

    @Override
    protected void doStart() throws Exception {
        List<String> problems = new ArrayList<>(RouteCheck.problems(getRoute().getRoute()));
        SharedConsumers.refusal(endpoint.getCamelContext(), getRoute().getRouteId(), endpoint)
                .ifPresent(problems::add);
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException("route \"" + getRoute().getRouteId() + "\" cannot start from " + endpoint
                    + ":\n  " + String.join("\n  ", problems));
        }
        watch();
        batchWatch = new BatchWatch(endpoint, health);
        batchWatch.start(endpoint.getCamelContext(), getRoute().getRouteId());
        meters.start(
                getRoute().getRouteId(),
                endpoint.getQueue(),
                endpoint.getConsumer(),
                () -> isStarted() && !isSuspended() && lost == null && failures == 0,
                this::runs);
        super.doStart();
    }

    /** What is told of a lost position stays when the route has stopped, until it is started again. */
    private void watch() {
        HealthCheckRegistry checks = HealthCheckRegistry.get(endpoint.getCamelContext());
        if (checks != null) {
            JobHealth fresh = new JobHealth(getRoute().getRouteId());
            checks.getCheck(fresh.getId()).ifPresent(checks::unregister);
            checks.register(fresh);
            health = fresh;
        }
    }

    @Override
    protected void doStop() throws Exception {
        super.doStop();
        if (batchWatch != null) {
            batchWatch.stop(endpoint.getCamelContext());
        }
        if (pollEnds()) {
            try {
                disconnect();
            } finally {
                polling.unlock();
            }
        } else {
            // A batch is still on its way, past the time that the shutdown allowed for it. Without its connections
            // it ends at once, uncommitted, and is done again at the next start.
            LOG.warn("{} stops in the middle of a batch, which is left for the next start", endpoint);
            abandon();
        }
    }

    /** Waits for the poll; false where it goes on past the time that there is. The lock is held where it is true. */
    private boolean pollEnds() {
        try {
            return polling.tryLock(stopPatience(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            // Camel's way to say that the time for a stop is over
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The route is through with a batch before its last rows are written and committed: that is waited for too. */
    private long stopPatience() {
        ShutdownStrategy strategy = endpoint.getCamelContext().getShutdownStrategy();
        return applying && !strategy.isTimeoutOccurred()
                ? strategy.getTimeUnit().toMillis(strategy.getTimeout())
                : STOP_PATIENCE;
    }

    @Override
    protected int poll() throws Exception {
        polling.lock();
        try {
            return pollOnce();
        } catch (Error e) {
            // out of memory while a failure was dealt with; thrown on, it would end the scheduler's task
            notBefore = System.currentTimeMillis() + endpoint.getExceptionSleep();
            throw new IllegalStateException(e.toString(), e);
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
        batchWatch.begin();
        try {
            boolean active = connect();
            // else readiness would wait for the end of the first poll: of a long batch, or of a wait for a tick
            forceConsumerAsReady();
            int applied = active ? applyNext() : standBy();
            if (failures > 0) {
                LOG.info("{} works again", endpoint);
            }
            failures = 0;
            silences = 0;
            if (active && recorded) {
                recorded = false;
                inTarget(connection -> JobFailure.clear(connection, endpoint.getQueue(), endpoint.getConsumer()));
            }
            return applied;
        } catch (LostPositionException e) {
            lost = e;
            record(e, target != null);
            if (health != null) {
                health.stops(e.getMessage());
            }
            disconnect();
            stopRoute();
            throw e;
        } catch (Throwable e) {
            if (Connections.isSilence(e)) {
                SQLException silence = new SQLException(
                        "a server did not answer for " + silenceLimit() / 1000 + " s (answerTimeout): "
                                + e.getMessage(),
                        "08006",
                        e);
                silences++;
                afterFailure(silence);
                throw silence;
            }
            afterFailure(e);
            // an Error would end the scheduler's task, and the job with it
            throw e instanceof Exception exception ? exception : new IllegalStateException(e.toString(), e);
        } finally {
            batchWatch.end();
        }
    }

    /** A statement that takes long is no silence: each time it is given twice the time. Milliseconds. */
    private int silenceLimit() {
        return (int) Math.min(Integer.MAX_VALUE, (long) endpoint.getAnswerTimeout() << Math.min(silences, 16));
    }

    private int applyNext() throws Exception {
        warnOfSource();
        Batch batch =
                pgq.nextBatch(source.connection(), endpoint.getQueue(), endpoint.getConsumer(), endpoint.collect());
        if (batch == null) {
            checkTarget();
            idle();
            return 0;
        }
        applying = true;
        long begun = System.nanoTime();
        try {
            if (applier.apply(batch, source, target) && !pgq.finish(source.connection(), batch) && endpoint.isLock()) {
                LOG.warn("{} was finished meanwhile, or its consumer moved, by another program", batch);
            }
            meters.applied(applier.applied(), applier.rows(), System.nanoTime() - begun);
            if (endpoint.isLogBatches()) {
                LOG.info(String.format(
                        Locale.ROOT,
                        "{count: %d, duration: %.4f}",
                        applier.applied(),
                        (System.nanoTime() - begun) / 1e9));
            }
        } finally {
            applying = false;
        }
        return 1;
    }

    /** Logs once, until it changes, what keeps batches from coming or values from being as they were. */
    private void warnOfSource() {
        if (System.currentTimeMillis() - lookedAt < SOURCE_LOOKS) {
            return;
        }
        lookedAt = System.currentTimeMillis();
        try {
            List<String> problems = new ArrayList<>(SourceValues.problems(
                    source.connection(), endpoint.getSchema(), endpoint.getQueue(), endpoint.getEncoding()));
            new Queues(endpoint.getSchema())
                    .overview(source.connection()).stream()
                            .filter(line -> line.queue().equals(endpoint.getQueue()))
                            .map(line -> line.tickerProblem(endpoint.getSchema()))
                            .filter(Objects::nonNull)
                            .findFirst()
                            .ifPresent(problems::add);
            problems.stream()
                    .filter(problem -> !warned.contains(problem))
                    .forEach(problem -> LOG.warn("{}: {}", endpoint, problem));
            warned = problems;
        } catch (SQLException e) {
            LOG.debug("{}: the source's triggers and ticks cannot be looked at", endpoint, e);
        }
    }

    // ---- connections, standby, waiting

    /** Whether this is the process that applies the job's batches: connected, and not standing by. Any thread may ask. */
    boolean runs() {
        return target != null;
    }

    /** Connects what is not connected; false where another process holds this consumer's lock. */
    private boolean connect() throws SQLException {
        if (endpoint.getConnectionLifetime() > 0
                && System.currentTimeMillis() - connectedAt > endpoint.getConnectionLifetime()) {
            disconnect();
        }
        if (source == null) {
            source = SourceSide.connect(endpoint, silenceLimit());
        }
        if (target == null) {
            connectedAt = System.currentTimeMillis();
            target = TargetSide.connect(endpoint, source, silenceLimit());
            if (target == null && !standby) {
                LOG.info(
                        "another process runs consumer \"{}\"; this one stands by and takes over when it goes",
                        endpoint.getConsumer());
            } else if (target != null && standby) {
                LOG.info("taking over consumer \"{}\"", endpoint.getConsumer());
            }
            standby = target == null;
            recorded = true;
            if (target != null) {
                targetPid = Connections.pid(target.connection());
                batchWatch.sessions(Connections.pid(source.connection()), targetPid);
            }
        }
        return target != null;
    }

    private int standBy() {
        batchWatch.end();
        pause(idleDelay);
        return 0;
    }

    /** Nothing else would tell that the target is away, or that the lock went with its connection, until there is a batch. */
    private void checkTarget() throws SQLException {
        if (!Connections.works(target.connection())) {
            throw new SQLException(
                    "the connection to the target database (" + endpoint.getTarget() + ") is lost", "08006");
        }
        target.connection().rollback();
    }

    private void idle() throws SQLException {
        batchWatch.end();
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

    private void afterFailure(Throwable failure) {
        failures++;
        meters.failed();
        String state = Failures.sqlState(failure);
        boolean fatal = Failures.isFatal(failure);
        boolean held = target != null;
        notBefore = System.currentTimeMillis()
                + (Connections.passes(state) && !fatal
                        ? Math.min(LAST_BACK_OFF, FIRST_BACK_OFF << Math.min(failures - 1, 6))
                        : endpoint.getExceptionSleep());
        if (fatal) {
            // what the sessions are in the middle of is unknown, and another process may have the memory that this one
            // lacks
            abandon();
            disconnect();
            forgetInflight();
        } else if (Connections.isSilence(failure)) {
            // the driver has closed the connection, and cannot cancel any more what keeps the consumer's lock
            inTarget(connection -> Connections.terminate(connection, targetPid));
            disconnect();
        } else if (Connections.READ_ONLY.equals(state) || !sessionsWork()) {
            disconnect();
        }
        record(failure, held);
    }

    /**
     * Keeps the failure in the target, where that can be reached.
     *
     * @param held whether this process ran the job
     */
    private void record(Throwable failure, boolean held) {
        if (!isRunAllowed()
                || !held
                        && source != null
                        && String.valueOf(Failures.sqlState(failure)).startsWith("08")) {
            return;
        }
        recorded = true;
        inTarget(connection -> JobFailure.record(
                connection,
                endpoint.getQueue(),
                endpoint.getConsumer(),
                FailureLog.message(failure),
                Failures.sqlState(failure),
                held || !endpoint.isLock()));
    }

    @FunctionalInterface
    private interface Work {
        void run(Connection connection) throws SQLException;
    }

    /** Does what a job can do without, over a connection of its own: the batch's may be in any state. */
    private void inTarget(Work work) {
        try (Connection connection = endpoint.getTarget().getConnection()) {
            connection.setAutoCommit(true);
            Connections.limitSilence(connection, RECORD_PATIENCE);
            work.run(connection);
        } catch (SQLException e) {
            LOG.debug("caravan.job could not be written: {}", e.getMessage());
        }
    }

    /** Rolls back, and asks both servers whether they still answer, and the source whether it still knows the consumer. */
    private boolean sessionsWork() {
        try {
            if (target != null) {
                target.connection().rollback();
            }
            return (target == null || Connections.works(target.connection()))
                    && (source == null
                            || Connections.works(source.connection())
                                    && pgq.hasConsumer(
                                            source.connection(), endpoint.getQueue(), endpoint.getConsumer()));
        } catch (SQLException e) {
            return false;
        }
    }

    /** Exchanges that an Error has thrown out of the route never end, and a stop would wait for them. */
    private void forgetInflight() {
        InflightRepository inflight = endpoint.getCamelContext().getInflightRepository();
        String routeId = getRoute().getRouteId();
        while (inflight.size(routeId) > 0) {
            inflight.remove(endpoint.createExchange(), routeId);
        }
    }

    /** Ends what both servers do for this consumer, without waiting for it. */
    private void abandon() {
        Connections.abandon(target == null ? null : target.connection());
        Connections.abandon(source == null ? null : source.connection());
    }

    /** Ends both sessions. */
    private void disconnect() {
        if (target != null) {
            Connections.end(target.connection());
            target = null;
        }
        if (source != null) {
            Connections.end(source.connection());
            source = null;
        }
    }

    /** Milliseconds until the next try after a failure. */
    long waitsStill() {
        return Math.max(0, notBefore - System.currentTimeMillis());
    }

    /**
     * Sends a dead letter's event through the route again. For a consumer that does not poll.
     *
     * @param keysMustBeAbsent whether rows of its key in the target are a failure
     */
    void retry(DeadLetter letter, boolean keysMustBeAbsent) throws Exception {
        applier.retry(letter, keysMustBeAbsent);
    }

    /** {@link #retry} in a job that runs, where keys must be absent. */
    void retryBetweenBatches(DeadLetter letter) throws Exception {
        polling.lock();
        try {
            retry(letter, true);
        } finally {
            polling.unlock();
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
}
