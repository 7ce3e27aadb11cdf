package io.pgcaravan.batch;

/** Takes out of an event what must not be kept with the dead letters of the target. */
@FunctionalInterface
public interface Redaction {

    /** The event as it may be kept; {@link Event#masked()}. Never fails: what it cannot clean it leaves out. */
    Event redact(OpenBatch batch, Event event);
}
