package io.pgcaravan.camel;

import io.pgcaravan.batch.Event;
import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;

/** Some events of a batch, as a route sees them. */
public final class Chunk extends AbstractList<Event> implements RandomAccess {

    private final List<Event> events;

    Chunk(List<Event> events) {
        this.events = events;
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
}
