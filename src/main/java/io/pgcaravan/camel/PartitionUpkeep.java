package io.pgcaravan.camel;

import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Partitioner;
import io.pgcaravan.partition.retention.Upkeep;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a partition step's {@link Upkeep} beside its job: when the job starts to apply batches in this process, and every
 * minute from then on. A process that stands by does nothing.
 */
final class PartitionUpkeep {

    private static final Logger LOG = LoggerFactory.getLogger(PartitionUpkeep.class);

    /** How often it looks whether there is something to do, milliseconds. */
    private static final long LOOK = 1_000;

    private static final long ROUND = 60_000;

    /** After a round that came too early. */
    private static final long SOON = 3_000;

    private static final long LONGEST = 1_800_000;

    /** How often the same trouble is told again, milliseconds. */
    private static final long TELL_AGAIN = 1_800_000;

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("HH:mm:ss").withZone(ZoneId.systemDefault());

    private final CamelContext context;
    private final PartitionEndpoint endpoint;
    private final String step;
    private final Partitioner partitioner;
    private final Upkeep upkeep;
    private final Map<String, Long> told = new HashMap<>();
    private ScheduledExecutorService executor;
    private volatile Connection connection;
    private volatile PgqEndpoint seen;
    private Long next;
    private int failures;
    private long ignored;

    PartitionUpkeep(PartitionEndpoint step, PartitionSettings settings, Partitioner partitioner) {
        this.context = step.getCamelContext();
        this.endpoint = step;
        this.step = "pgq-partition:" + step.getDestTable();
        this.partitioner = partitioner;
        this.upkeep = new Upkeep(settings, partitioner);
    }

    void start() {
        executor = context.getExecutorServiceManager().newSingleThreadScheduledExecutor(this, step + "-upkeep");
        executor.scheduleWithFixedDelay(this::look, LOOK, LOOK, TimeUnit.MILLISECONDS);
    }

    void stop() throws SQLException {
        context.getExecutorServiceManager().shutdownNow(executor);
        // a statement that waits for a lock or reads a large partition does not hear of the stop
        Connections.abandon(connection);
    }

    /** Tells whose batches the step works on, where the route does not (a step that is named at run time). */
    void sees(PgqEndpoint job) {
        seen = job;
    }

    private void look() {
        try {
            long now = System.nanoTime() / 1_000_000;
            PgqEndpoint job = next != null && now < next ? null : job();
            if (job != null) {
                next = now + round(job);
            }
        } catch (RuntimeException | Error e) {
            // thrown on, it would end the schedule
            next = System.nanoTime() / 1_000_000 + ROUND;
            LOG.warn("{}: {}", step, e.toString(), e);
        }
    }

    /** The job that runs in this process and goes through this step; null while none does. */
    private PgqEndpoint job() {
        for (Route route : context.getRoutes()) {
            if (route.getConsumer() instanceof PgqConsumer consumer
                    && consumer.runs()
                    && route.getEndpoint() instanceof PgqEndpoint job
                    && (job == seen
                            || JobPartitions.steps(context, route.getRouteId()).contains(endpoint))) {
                return job;
            }
        }
        return null;
    }

    /** How long to wait after it, milliseconds. */
    private long round(PgqEndpoint job) {
        Upkeep.Round round;
        try (Connection opened = Connections.open(job.getTarget(), "target")) {
            connection = opened;
            round = upkeep.round(opened, job.getConsumer());
        } catch (SQLException e) {
            round = new Upkeep.Round(List.of(), List.of(e.getMessage()), List.of(), false);
        } finally {
            connection = null;
        }
        if (Thread.currentThread().isInterrupted() || executor.isShutdown()) {
            return ROUND;
        }
        round.done().forEach(what -> LOG.info("{}: {}", step, what));
        failures = round.problems().isEmpty() ? 0 : failures + 1;
        long wait = round.early() ? SOON : Math.min(LONGEST, ROUND << Math.max(0, Math.min(failures - 1, 5)));
        round.problems().forEach(problem -> tell(problem, wait));
        round.kept().forEach(kept -> tell(kept, wait));
        tellIgnored();
        return wait;
    }

    private void tell(String problem, long wait) {
        long now = System.currentTimeMillis();
        told.values().removeIf(at -> now - at > TELL_AGAIN);
        if (told.putIfAbsent(problem, now) == null) {
            LOG.warn("{}: {}; next try at {}", step, problem, TIME.format(Instant.ofEpochMilli(now + wait)));
        }
    }

    private void tellIgnored() {
        long rows = partitioner.ignoredRows();
        if (rows > ignored) {
            LOG.info(
                    "{}: {} rows older than the retention period were left out, {} since the start",
                    step,
                    rows - ignored,
                    rows);
        }
        ignored = rows;
    }
}
