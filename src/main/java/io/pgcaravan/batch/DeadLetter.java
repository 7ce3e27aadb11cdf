package io.pgcaravan.batch;

import io.pgcaravan.queue.Batch;
import java.time.Instant;
import java.util.List;

/**
 * A row that could not be loaded.
 *
 * @param id its number in the target's {@code caravan.dead_letter}
 * @param tick the tick that ended its batch
 * @param extras ev_extra1 to ev_extra4, null where they are NULL
 * @param sqlState null where the fault was found before PostgreSQL saw the row
 * @param masked whether its columns were masked, as its job says, before it was put there
 * @param at when it was put there
 */
public record DeadLetter(
        long id,
        String consumer,
        String queue,
        long batchId,
        long tick,
        Instant tickTime,
        long eventId,
        Instant eventTime,
        String type,
        String data,
        List<String> extras,
        boolean masked,
        String sqlState,
        String error,
        Instant at) {

    /** The event as the queue had it, or (where its job masks columns) as it was masked. */
    public Event event() {
        String[] texts = extras.toArray(new String[0]);
        Event event = Event.of(eventId, eventTime, type, data, texts);
        return masked ? event.asMasked(data, texts) : event;
    }

    /** The batch that the event was part of, as far as it is recorded: where that batch began is not. */
    public Batch batch() {
        return new Batch(queue, consumer, batchId, tick, tickTime, eventId, tick, tickTime, eventId);
    }

    @Override
    public String toString() {
        return "dead letter " + id + " (event " + eventId + " of queue \"" + queue + "\", consumer \"" + consumer
                + "\")";
    }
}
