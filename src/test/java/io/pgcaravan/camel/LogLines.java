package io.pgcaravan.camel;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.awaitility.Awaitility;

/** What a class tells people: its warnings and errors. */
public final class LogLines extends AbstractAppender implements AutoCloseable {

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Logger logger;

    private LogLines(Logger logger) {
        super("lines", null, null, true, Property.EMPTY_ARRAY);
        this.logger = logger;
    }

    static LogLines of(Class<?> type) {
        return of(type.getName());
    }

    /** @param logger a class, or the package above several */
    public static LogLines of(String logger) {
        LogLines made = new LogLines((Logger) LogManager.getLogger(logger));
        made.start();
        made.logger.addAppender(made);
        return made;
    }

    @Override
    public void append(LogEvent event) {
        if (event.getLevel().isMoreSpecificThan(Level.WARN)) {
            lines.add(event.getMessage().getFormattedMessage());
        }
    }

    public void clear() {
        lines.clear();
    }

    public String text() {
        return String.join("\n", lines);
    }

    void await(String text) {
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> text().contains(text));
    }

    @Override
    public void close() {
        logger.removeAppender(this);
    }
}
