package io.pgcaravan.camel;

import io.pgcaravan.batch.Event;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The body as the route sees it: one chunk after the other. What was read from the source at once may be divided into chunks
 * of one table (or type) each, in the order of their first events; memory stays that of one chunk. A batch that has failed
 * already gives no more events.
 */
public final class Chunks implements Iterator<List<Event>> {

    private static final Logger LOG = LoggerFactory.getLogger(PgqConsumer.class);

    private final Iterator<List<Event>> events;
    private final Attempt attempt;
    private final ChunkBy by;
    private final Deque<List<Event>> divided = new ArrayDeque<>();
    private final boolean skipsControl;
    private long taken;
    private String lastType;
    private boolean lastIsControl;

    /**
     * @param by what all events of a chunk have in common, null for nothing
     * @param skipsControl whether events that londiste and pgq put into their queues beside the rows are left out
     */
    Chunks(Iterator<List<Event>> events, Attempt attempt, ChunkBy by, boolean skipsControl) {
        this.events = events;
        this.attempt = attempt;
        this.by = by;
        this.skipsControl = skipsControl;
    }

    @Override
    public boolean hasNext() {
        return attempt.failure() == null && areLeft();
    }

    @Override
    public List<Event> next() {
        if (!areLeft()) {
            throw new NoSuchElementException();
        }
        List<Event> chunk = divided.remove();
        taken += chunk.size();
        attempt.batch().account().handOut(chunk);
        return new Chunk(chunk);
    }

    /** The events one by one, for {@code ${body.events}} in a route. */
    public Iterator<Event> events() {
        return new Iterator<>() {
            private Iterator<Event> chunk = Collections.emptyIterator();

            @Override
            public boolean hasNext() {
                while (!chunk.hasNext() && Chunks.this.hasNext()) {
                    chunk = Chunks.this.next().iterator();
                }
                return chunk.hasNext();
            }

            @Override
            public Event next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return chunk.next();
            }
        };
    }

    /** Whether there are events that nobody took. */
    boolean areLeft() {
        while (divided.isEmpty() && events.hasNext()) {
            divide(withoutControl(events.next()));
        }
        return !divided.isEmpty();
    }

    /** How many events were taken. */
    long taken() {
        return taken;
    }

    private List<Event> withoutControl(List<Event> read) {
        if (!skipsControl || read.stream().noneMatch(this::isControl)) {
            return read;
        }
        Map<Boolean, List<Event>> parts = read.stream().collect(Collectors.partitioningBy(this::isControl));
        List<Event> control = parts.get(true);
        taken += control.size();
        attempt.batch().account().handOut(control);
        for (Event event : control) {
            attempt.batch().account().leaveOut(event, "control event " + event.type());
            if (event.type().equals("EXECUTE")) {
                LOG.warn(
                        "{} of {} is a script that londiste runs on its subscribers; it is not run here: {}",
                        event,
                        attempt.batch().batch(),
                        event.data());
            }
        }
        return parts.get(false);
    }

    /** Types that no trigger on a table writes; see the event types in londiste's and pgq's consumers. */
    private boolean isControl(Event event) {
        if (event.type() != lastType) {
            lastType = event.type();
            lastIsControl =
                    lastType.equals("EXECUTE") || lastType.startsWith("pgq.") || lastType.startsWith("londiste.");
        }
        return lastIsControl;
    }

    private void divide(List<Event> read) {
        if (by == null) {
            if (!read.isEmpty()) {
                divided.add(read);
            }
            return;
        }
        Map<String, List<Event>> parts = new LinkedHashMap<>();
        List<Event> part = null;
        Event last = null;
        for (Event event : read) {
            // events of one transaction are mostly of one table
            if (last == null
                    || !(by == ChunkBy.TABLE
                            ? event.isOfTableOf(last)
                            : event.type().equals(last.type()))) {
                part = parts.computeIfAbsent(
                        by == ChunkBy.TABLE ? event.table() : event.type(), name -> new ArrayList<>());
            }
            part.add(event);
            last = event;
        }
        divided.addAll(parts.values());
    }
}
