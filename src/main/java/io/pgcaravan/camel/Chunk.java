package io.pgcaravan.camel;

import io.pgcaravan.queue.Event;
import java.util.AbstractList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.RandomAccess;

/**
 * Events that know whether who began to walk through it came to its end: a split that was stopped halfway (a {@code stop} step
 * under {@code stopOnException}) would otherwise lose the rest of the chunk without a failure.
 */
public final class Chunk extends AbstractList<Event> implements RandomAccess {

    private final List<Event> events;
    private final Attempt attempt;

    Chunk(List<Event> events, Attempt attempt) {
        this.events = events;
        this.attempt = attempt;
    }

    /** The table that all of these events are of, for {@code ${body.table}} in a route; null where they are of several, or of none. */
    public String table() {
        Event first = events.isEmpty() ? null : events.get(0);
        return first == null || !events.stream().allMatch(first::isOfTableOf) ? null : first.table();
    }

    /** The type that all of these events have, for {@code ${body.type}} in a route; null where they have several. */
    public String type() {
        Event first = events.isEmpty() ? null : events.get(0);
        return first == null || !events.stream().allMatch(event -> event.type().equals(first.type()))
                ? null
                : first.type();
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
