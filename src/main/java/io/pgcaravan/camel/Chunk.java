package io.pgcaravan.camel;

import io.pgcaravan.queue.Event;
import java.util.AbstractList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.RandomAccess;

/**
 * Events that knows whether who began to walk through it came to its end: a split that was stopped halfway (a {@code stop} step
 * under {@code stopOnException}) would otherwise lose the rest of the chunk without a failure.
 */
final class Chunk extends AbstractList<Event> implements RandomAccess {

    private final List<Event> events;
    private final Attempt attempt;

    Chunk(List<Event> events, Attempt attempt) {
        this.events = events;
        this.attempt = attempt;
    }

    @Override
    public Event get(int i) {
        return events.get(i);
    }

    @Override
    public int size() {
        return events.size();
    }

    @Override
    public Iterator<Event> iterator() {
        attempt.walkBegins();
        return new Iterator<>() {
            private int at;
            private boolean ended;

            @Override
            public boolean hasNext() {
                if (at < events.size()) {
                    return true;
                }
                if (!ended) {
                    ended = true;
                    attempt.walkEnds();
                }
                return false;
            }

            @Override
            public Event next() {
                if (at >= events.size()) {
                    throw new NoSuchElementException();
                }
                return events.get(at++);
            }
        };
    }
}
