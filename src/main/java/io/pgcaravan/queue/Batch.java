package io.pgcaravan.queue;

import java.time.Instant;

/**
 * What {@code pgq.next_batch_info} tells of a batch: the events between two ticks of a queue, for one consumer.
 *
 * @param id batch id, unique in the source's PgQ
 * @param tick the tick that ends the batch; the consumer's position once it is done
 * @param tickTime when that tick was made, by the source's clock
 * @param eventSeq the queue's event sequence at that tick
 * @param previousTick the tick that starts the batch
 * @param previousTickTime when that one was made
 * @param previousEventSeq the queue's event sequence at the previous tick
 */
public record Batch(
        String queue,
        String consumer,
        long id,
        long tick,
        Instant tickTime,
        long eventSeq,
        long previousTick,
        Instant previousTickTime,
        long previousEventSeq) {

    @Override
    public String toString() {
        return "batch " + id + " (queue \"" + queue + "\", consumer \"" + consumer + "\", ticks " + previousTick
                + " to " + tick + ")";
    }
}
