package io.pgcaravan.app;

import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** Names the console in the health. Always up. */
final class ConsoleHealth extends AbstractHealthCheck {

    private final String address;

    /** @param address host and port */
    ConsoleHealth(String address) {
        super("caravan", "console");
        this.address = address;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        // without slashes, which Camel escapes twice
        builder.message("for the console open " + address + " in a browser").up();
    }
}
