package io.pgcaravan.skytools;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;

/**
 * Hands each line of a log to the function {@code log.add(level, job, message)} of a database, as Skytools' LogDBHandler
 * does, from a thread of its own: a log database that is slow or away never holds up the job. What does not fit the queue
 * meanwhile is dropped, and counted.
 */
final class LogDatabaseAppender extends AbstractAppender {

    /** Where the lines go. */
    @FunctionalInterface
    interface Connector {
        Connection connect() throws SQLException;
    }

    private static final int QUEUE = 1000;
    private static final long STATISTICS_MILLIS = 60_000;
    private static final long FIRST_PAUSE = 1_000;
    private static final long LAST_PAUSE = 30_000;
    private static final Pattern STATISTICS = Pattern.compile("\\{(\\w[\\w-]*: [\\d.]+(, )?)+}");

    private record Line(String level, String message) {}

    private final String job;
    private final Connector connector;
    private final BlockingQueue<Line> queue = new ArrayBlockingQueue<>(QUEUE);
    private final Thread sender = new Thread(this::send, "log-database");

    /** Sums since they were sent last: a line for each batch would be too many. Guarded by this map. */
    private final Map<String, BigDecimal> statistics = new LinkedHashMap<>();

    private volatile boolean ended;
    private long dropped;

    LogDatabaseAppender(String name, String job, Connector connector) {
        super(name, null, null, true, Property.EMPTY_ARRAY);
        this.job = job;
        this.connector = connector;
        sender.setDaemon(true);
    }

    @Override
    public void start() {
        // whoever adds it and the configuration both start it
        if (!isStarted()) {
            super.start();
            sender.start();
        }
    }

    @Override
    public boolean stop(long timeout, TimeUnit unit) {
        setStopping();
        ended = true;
        try {
            // what is queued and summed up may go out yet, where the database takes it at once
            sender.join(2_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        setStopped();
        return true;
    }

    @Override
    public void append(LogEvent event) {
        if (!event.getLevel().isMoreSpecificThan(Level.INFO)) {
            return;
        }
        String message =
                event.getMessage().getFormattedMessage().lines().findFirst().orElse("");
        if (STATISTICS.matcher(message).matches()) {
            synchronized (statistics) {
                for (String entry : message.substring(1, message.length() - 1).split(", ")) {
                    String[] parts = entry.split(": ");
                    statistics.merge(parts[0], new BigDecimal(parts[1]), BigDecimal::add);
                }
            }
            return;
        }
        if (!queue.offer(new Line(level(event.getLevel()), message))) {
            synchronized (statistics) {
                dropped++;
            }
        }
    }

    private static String level(Level level) {
        return level == Level.WARN ? "WARNING" : level.name();
    }

    private void send() {
        Connection connection = null;
        long pause = FIRST_PAUSE;
        long statisticsSent = 0;
        Line line = null;
        while (true) {
            try {
                // before the look at the queue: what was logged before the end is in it then
                boolean last = ended;
                line = line == null ? queue.poll(last ? 0 : 200, TimeUnit.MILLISECONDS) : line;
                if (line == null) {
                    long now = System.currentTimeMillis();
                    if (!last && now - statisticsSent < STATISTICS_MILLIS) {
                        continue;
                    }
                    statisticsSent = now;
                    line = sums();
                }
                if (line == null) {
                    if (last) {
                        break;
                    }
                    continue;
                }
                if (connection == null) {
                    connection = connector.connect();
                    connection.setAutoCommit(true);
                }
                add(connection, line);
                line = null;
                pause = FIRST_PAUSE;
            } catch (SQLException | RuntimeException e) {
                connection = close(connection);
                if (ended) {
                    return;
                }
                if (e instanceof SQLException sql
                        && sql.getSQLState() != null
                        && !sql.getSQLState().startsWith("08")
                        && !sql.getSQLState().startsWith("57")) {
                    line = null; // the database is there and will not have it
                }
                sleep(pause);
                pause = Math.min(LAST_PAUSE, pause * 2);
            } catch (InterruptedException e) {
                close(connection);
                return;
            }
        }
        close(connection);
    }

    private Line sums() {
        synchronized (statistics) {
            if (dropped > 0) {
                Line told = new Line("WARNING", dropped + " lines were not sent to the log database, which was away");
                dropped = 0;
                return told;
            }
            if (statistics.isEmpty()) {
                return null;
            }
            String text = statistics.toString().replace("=", ": ");
            statistics.clear();
            return new Line("INFO", text);
        }
    }

    private void add(Connection connection, Line line) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("select from log.add(?, ?, ?)")) {
            statement.setQueryTimeout(10);
            statement.setString(1, line.level);
            statement.setString(2, job);
            statement.setString(3, line.message);
            statement.execute();
        }
    }

    private static Connection close(Connection connection) {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException e) {
            // it is being thrown away
        }
        return null;
    }

    private void sleep(long millis) {
        long until = System.currentTimeMillis() + millis;
        while (!ended && System.currentTimeMillis() < until) {
            try {
                Thread.sleep(100);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
