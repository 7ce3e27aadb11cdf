package io.pgcaravan.camel;

import io.pgcaravan.queue.Event;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The body as the route sees it: one chunk after the other. What was read from the source at once may be divided into chunks
 * of one table (or type) each, in the order of their first events; memory stays that of one chunk. A batch that has failed
 * already gives no more events.
 */
final class Chunks implements Iterator<List<Event>> {

    /** What all events of a chunk have in common. */
    enum By {
        NOTHING,
        TABLE,
        TYPE
    }

    private final Iterator<List<Event>> events;
    private final Attempt attempt;
    private final By by;
    private final Deque<List<Event>> divided = new ArrayDeque<>();
    private long taken;

    Chunks(Iterator<List<Event>> events, Attempt attempt, By by) {
        this.events = events;
        this.attempt = attempt;
        this.by = by;
    }

    @Override
    public boolean hasNext() {
        return attempt.failure() == null && areLeft();
    }

    @Override
    public List<Event> next() {
        if (divided.isEmpty()) {
            divide(events.next());
        }
        List<Event> chunk = divided.remove();
        taken += chunk.size();
        return new Chunk(chunk, attempt);
    }

    /** Whether there are events that nobody took. */
    boolean areLeft() {
        return !divided.isEmpty() || events.hasNext();
    }

    /** How many events were taken. */
    long taken() {
        return taken;
    }

    private void divide(List<Event> read) {
        if (by == By.NOTHING) {
            divided.add(read);
            return;
        }
        Map<String, List<Event>> parts = new LinkedHashMap<>();
        List<Event> part = null;
        Event last = null;
        for (Event event : read) {
            // events of one transaction are mostly of one table
            if (last == null
                    || !(by == By.TABLE ? event.isOfTableOf(last) : event.type().equals(last.type()))) {
                part = parts.computeIfAbsent(by == By.TABLE ? event.table() : event.type(), name -> new ArrayList<>());
            }
            part.add(event);
            last = event;
        }
        divided.addAll(parts.values());
    }
}
