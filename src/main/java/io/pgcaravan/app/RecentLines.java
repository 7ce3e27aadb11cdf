package io.pgcaravan.app;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;

/** Keeps the last warnings and errors of the log, for the console. */
final class RecentLines extends AbstractAppender implements AutoCloseable {

    private static final int KEPT = 50;
    private static final int LONGEST = 1000;

    /** A line of the log. */
    record Line(Instant at, String level, String message) {}

    private final Deque<Line> lines = new ArrayDeque<>();

    private RecentLines() {
        super("console", null, null, true, Property.EMPTY_ARRAY);
    }

    /** Begins to listen. */
    static RecentLines listen() {
        RecentLines lines = new RecentLines();
        lines.start();
        if (LogManager.getRootLogger() instanceof Logger root) {
            root.addAppender(lines);
        }
        return lines;
    }

    @Override
    public void append(LogEvent event) {
        if (!event.getLevel().isMoreSpecificThan(Level.WARN)) {
            return;
        }
        String message = event.getMessage().getFormattedMessage().replaceAll("\\s*\\R\\s*", " ");
        Line line = new Line(
                Instant.ofEpochMilli(event.getTimeMillis()),
                event.getLevel().name().toLowerCase(Locale.ROOT),
                message.length() <= LONGEST ? message : message.substring(0, LONGEST - 3) + "...");
        synchronized (lines) {
            lines.addFirst(line);
            if (lines.size() > KEPT) {
                lines.removeLast();
            }
        }
    }

    /** The latest first. */
    List<Line> latest() {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    @Override
    public void close() {
        if (LogManager.getRootLogger() instanceof Logger root) {
            root.removeAppender(this);
        }
        stop();
    }
}
