package io.pgcaravan.camel;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.pgcaravan.status.Limits;
import io.pgcaravan.status.Meter;
import io.pgcaravan.status.Status;
import io.pgcaravan.status.StatusReader;
import io.pgcaravan.status.Watch;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.camel.CamelContext;
import org.apache.camel.health.HealthCheckRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the databases from time to time, in a thread and over connections of its own, for all who want to know: a scrape
 * of the meters never waits for a database.
 */
public final class StatusPoll implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(StatusPoll.class);

    private final CamelContext context;
    private final StatusReader reader;
    private final ScheduledExecutorService thread;
    private final Map<Meter, MultiGauge> gauges = new EnumMap<>(Meter.class);
    private final Map<String, DatabaseHealth> databases = new HashMap<>();
    private final List<Consumer<Status>> listeners = new ArrayList<>();
    private final List<String> used;
    private volatile Status latest;
    private volatile Instant lookedAt = Instant.now();

    public StatusPoll(CamelContext context, Watch watch, Limits limits) {
        this.context = context;
        this.reader = new StatusReader(watch, limits);
        this.used = watch.used();
        this.thread = Executors.newSingleThreadScheduledExecutor(run -> {
            Thread made = new Thread(run, "status");
            made.setDaemon(true);
            return made;
        });
    }

    /** Tells of each look; before {@link #start}. */
    public void tell(Consumer<Status> listener) {
        listeners.add(listener);
    }

    /** The first look is at once, in the background. */
    public void start(Duration period) {
        MeterRegistry registry = context.getRegistry().findSingleByType(MeterRegistry.class);
        if (registry != null) {
            for (Meter meter : Meter.values()) {
                if (meter.source() == Meter.Source.STATUS) {
                    gauges.put(
                            meter,
                            MultiGauge.builder(meter.meterName())
                                    .description(meter.help())
                                    .register(registry));
                }
            }
            Gauge.builder(
                            Meter.STATUS_AGE.meterName(),
                            this,
                            poll -> Duration.between(poll.lookedAt, Instant.now())
                                            .toMillis()
                                    / 1000.0)
                    .description(Meter.STATUS_AGE.help())
                    .register(registry);
        }
        HealthCheckRegistry checks = HealthCheckRegistry.get(context);
        if (checks != null) {
            for (String name : used) {
                DatabaseHealth check = new DatabaseHealth(name);
                databases.put(name, check);
                checks.register(check);
            }
        }
        thread.scheduleWithFixedDelay(this::look, 0, period.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** The latest look; null before the first is through. */
    public Status latest() {
        return latest;
    }

    /** Looks now, for somebody who has just changed something; returns at once. */
    public void soon() {
        thread.execute(this::look);
    }

    private void look() {
        try {
            Status status = reader.read();
            latest = status;
            lookedAt = Instant.now();
            gauges.forEach((meter, gauge) -> gauge.register(
                    meter.values(status).stream()
                            .map(value -> MultiGauge.Row.of(JobMeters.tags(meter, value.labels()), value.value()))
                            .toList(),
                    true));
            status.databases().forEach(database -> {
                DatabaseHealth check = databases.get(database.name());
                if (check != null) {
                    check.saw(database);
                }
            });
            listeners.forEach(listener -> listener.accept(status));
        } catch (RuntimeException | Error e) {
            // thrown on, it would end the schedule
            LOG.warn("the look at the databases failed: {}", e.toString());
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
