package io.pgcaravan.camel;

import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** Says why a job was stopped for good: Camel only knows that its route does not run. */
final class JobHealth extends AbstractHealthCheck {

    private volatile String reason;

    JobHealth(String route) {
        super("caravan", "job-" + route);
    }

    /** @param why null where nothing stops it */
    void stops(String why) {
        reason = why;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        String why = reason;
        if (why == null) {
            builder.up();
        } else {
            builder.message(why).down();
        }
    }
}
