package io.pgcaravan.skytools;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.appender.AppenderLoggingException;
import org.apache.logging.log4j.core.config.Property;

/**
 * Hands each line to the function {@code log.add(level, job, message)} of a database, as Skytools' LogDBHandler does.
 * Log4j's own JdbcAppender inserts into tables only. For one thread; an AsyncAppender stands before it.
 */
final class LogDatabaseAppender extends AbstractAppender {

    private static final int TIMEOUT_SECONDS = 10;

    private final String job;
    private final String address;
    private final JobLog.Databases databases;
    private Connection connection;

    LogDatabaseAppender(String name, String job, String address, JobLog.Databases databases) {
        super(name, null, null, true, Property.EMPTY_ARRAY);
        this.job = job;
        this.address = address;
        this.databases = databases;
    }

    @Override
    public void append(LogEvent event) {
        try {
            if (connection == null || !connection.isValid(TIMEOUT_SECONDS)) {
                connection = databases.connect(address);
            }
            try (PreparedStatement statement = connection.prepareStatement("select from log.add(?, ?, ?)")) {
                statement.setQueryTimeout(TIMEOUT_SECONDS);
                statement.setString(
                        1,
                        event.getLevel() == Level.WARN
                                ? "WARNING"
                                : event.getLevel().name());
                statement.setString(2, job);
                statement.setString(
                        3,
                        event.getMessage()
                                .getFormattedMessage()
                                .lines()
                                .findFirst()
                                .orElse(""));
                statement.execute();
            }
        } catch (SQLException e) {
            throw new AppenderLoggingException("cannot write to the log database: " + e.getMessage(), e);
        }
    }

    @Override
    public boolean stop(long timeout, TimeUnit unit) {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException e) {
            // it is broken already
        }
        return super.stop(timeout, unit);
    }
}
