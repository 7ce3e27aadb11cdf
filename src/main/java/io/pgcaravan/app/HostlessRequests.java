package io.pgcaravan.app;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.filter.AbstractFilter;

/**
 * Keeps out of the log what Vert.x makes of a request of HTTP 1.1 without a Host header, a stack trace, before any handler
 * of ours sees the request. It answers with 400, which is all that there is to say to whoever probes a port like that.
 */
final class HostlessRequests extends AbstractFilter {

    private static final String LOGGER = "io.vertx.ext.web.RoutingContext";

    private HostlessRequests() {
        super(Result.DENY, Result.NEUTRAL);
    }

    @Override
    public Result filter(LogEvent event) {
        Throwable thrown = event.getThrown();
        return thrown != null && String.valueOf(thrown.getMessage()).contains("'Host' header is required")
                ? getOnMatch()
                : getOnMismatch();
    }

    /** As long as the logging is not configured anew. */
    static void areNotLogged() {
        if (LogManager.getLogger(LOGGER) instanceof Logger logger) {
            HostlessRequests filter = new HostlessRequests();
            filter.start();
            logger.addFilter(filter);
        }
    }
}
