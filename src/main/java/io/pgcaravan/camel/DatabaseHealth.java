package io.pgcaravan.camel;

import io.pgcaravan.status.Status;
import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** Whether a database that a route uses can be reached, as the latest look had it. */
final class DatabaseHealth extends AbstractHealthCheck {

    private final String name;
    private volatile Status.Database seen;

    DatabaseHealth(String name) {
        super("caravan", "database-" + name);
        this.name = name;
    }

    void saw(Status.Database database) {
        seen = database;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        Status.Database database = seen;
        builder.detail("database", name);
        if (database == null || database.up()) {
            builder.up();
        } else {
            builder.message("the database " + name + " (" + database.address() + ") cannot be reached: "
                            + database.error())
                    .down();
        }
    }
}
