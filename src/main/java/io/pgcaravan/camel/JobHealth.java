package io.pgcaravan.camel;

import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** Says why a job was stopped for good, where Camel only knows that its route does not run, or what it waits for. */
final class JobHealth extends AbstractHealthCheck {

    private volatile String reason;
    private volatile String waits;

    JobHealth(String route) {
        super("caravan", "job-" + route);
    }

    /** @param why null where nothing stops it */
    void stops(String why) {
        reason = why;
    }

    /** @param what the job waits for; null for nothing */
    void waits(String what) {
        waits = what;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        String why = reason == null ? waits : reason;
        if (why == null) {
            builder.up();
        } else {
            builder.message(why).down();
        }
    }
}
