package io.pgcaravan.camel;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.pgcaravan.status.Meter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** What one job tells of itself. Without a registry it tells nobody. */
final class JobMeters {

    /** Bounds of the histogram of batches. */
    private static final Duration[] BUCKETS = {
        Duration.ofMillis(5),
        Duration.ofMillis(10),
        Duration.ofMillis(25),
        Duration.ofMillis(50),
        Duration.ofMillis(100),
        Duration.ofMillis(250),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(15),
        Duration.ofSeconds(60),
        Duration.ofSeconds(300)
    };

    private final MeterRegistry registry;
    private Counter batches;
    private Counter events;
    private Counter rows;
    private Counter failures;
    private Timer durations;

    /** @param registry null for none */
    JobMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    void start(String route, String queue, String consumer, BooleanSupplier up, BooleanSupplier active) {
        if (registry == null) {
            return;
        }
        Tags tags = tags(Meter.JOB_UP, List.of(route, queue, consumer));
        batches = counter(Meter.BATCHES, tags);
        events = counter(Meter.EVENTS, tags);
        rows = counter(Meter.ROWS, tags);
        failures = counter(Meter.BATCH_FAILURES, tags);
        durations = Timer.builder(Meter.BATCH_DURATION.meterName())
                .description(Meter.BATCH_DURATION.help())
                .tags(tags)
                .serviceLevelObjectives(BUCKETS)
                .register(registry);
        gauge(Meter.JOB_UP, tags, up);
        gauge(Meter.JOB_ACTIVE, tags, active);
    }

    private Counter counter(Meter meter, Tags tags) {
        return Counter.builder(meter.meterName())
                .description(meter.help())
                .tags(tags)
                .register(registry);
    }

    private void gauge(Meter meter, Tags tags, BooleanSupplier flag) {
        // a route that was loaded again has another consumer, and a gauge keeps the first one that it was made for
        registry.find(meter.meterName()).tags(tags).gauges().forEach(registry::remove);
        Gauge.builder(meter.meterName(), flag, value -> value.getAsBoolean() ? 1 : 0)
                .description(meter.help())
                .tags(tags)
                .strongReference(true)
                .register(registry);
    }

    static Tags tags(Meter meter, List<String> values) {
        List<Tag> tags = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            tags.add(Tag.of(meter.labels().get(i), values.get(i)));
        }
        return Tags.of(tags);
    }

    void applied(long eventCount, long rowCount, long nanos) {
        if (durations != null) {
            batches.increment();
            events.increment(eventCount);
            rows.increment(rowCount);
            durations.record(Duration.ofNanos(nanos));
        }
    }

    void failed() {
        if (failures != null) {
            failures.increment();
        }
    }
}
