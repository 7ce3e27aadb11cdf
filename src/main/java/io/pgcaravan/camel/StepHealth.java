package io.pgcaravan.camel;

import io.pgcaravan.database.Secrets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;
import org.slf4j.Logger;

/**
 * What is wrong in a step, by what it is wrong with (a set, the step itself). Each trouble is logged once, in one line, and the
 * same again only every minute; while there is one, readiness is down and says so.
 */
final class StepHealth extends AbstractHealthCheck {

    private static final long SAY_AGAIN = TimeUnit.MINUTES.toNanos(1);

    private final Logger log;
    private final Map<String, Trouble> troubles = new LinkedHashMap<>();

    /** @param downFrom {@link System#nanoTime()} from which it counts for readiness */
    private record Trouble(String message, long downFrom, long saidAt, BooleanSupplier lasts) {}

    /** @param id of the check, as monitors see it */
    StepHealth(Logger log, String id) {
        super("caravan", id);
        this.log = log;
    }

    /**
     * @param with what; a later report about the same replaces this one
     * @param patience milliseconds that it may last before readiness goes down
     * @param lasts false once nobody will report about it any more
     */
    synchronized void trouble(String with, String said, long patience, BooleanSupplier lasts) {
        String message = Secrets.masked(said);
        long now = System.nanoTime();
        Trouble before = troubles.get(with);
        boolean same = before != null && before.message.equals(message);
        boolean say = !same || now - before.saidAt > SAY_AGAIN;
        if (say && patience > 0) {
            log.warn("{}", message);
        } else if (say) {
            log.error("{}", message);
        }
        long downFrom =
                before != null && patience > 0 ? before.downFrom : now + TimeUnit.MILLISECONDS.toNanos(patience);
        troubles.put(with, new Trouble(message, downFrom, say ? now : before.saidAt, lasts));
    }

    /** Nothing is wrong with it, or no more. */
    synchronized boolean well(String with) {
        return troubles.remove(with) != null;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected synchronized void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        troubles.values().removeIf(trouble -> !trouble.lasts.getAsBoolean());
        long now = System.nanoTime();
        builder.up();
        for (Trouble trouble : troubles.values()) {
            if (now - trouble.downFrom >= 0) {
                builder.message(trouble.message).down();
                return;
            }
        }
    }
}
