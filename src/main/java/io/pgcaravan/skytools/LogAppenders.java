package io.pgcaravan.skytools;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.Appender;
import org.apache.logging.log4j.core.appender.AsyncAppender;
import org.apache.logging.log4j.core.appender.ConsoleAppender;
import org.apache.logging.log4j.core.appender.RollingFileAppender;
import org.apache.logging.log4j.core.appender.SocketAppender;
import org.apache.logging.log4j.core.appender.rolling.DefaultRolloverStrategy;
import org.apache.logging.log4j.core.appender.rolling.SizeBasedTriggeringPolicy;
import org.apache.logging.log4j.core.config.AppenderRef;
import org.apache.logging.log4j.core.config.Configuration;
import org.apache.logging.log4j.core.layout.PatternLayout;
import org.apache.logging.log4j.core.net.Facility;
import org.apache.logging.log4j.core.net.Priority;
import org.apache.logging.log4j.core.net.Protocol;

/** Log4j's appenders for a job's log, with the lines as Python's logging describes them. */
record LogAppenders(Configuration configuration, String job, List<String> warnings) {

    private static final Pattern FIELD = Pattern.compile("%\\((\\w+)\\)(-?\\d*)[sd]|%%|%");

    /** Messages quote values from anywhere, and the log may be looked at in a terminal. */
    private static final String VISIBLE_MESSAGE =
            "replace{%message}{[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]}{?}";

    private static final String LEVEL = "level{WARN=WARNING, FATAL=CRITICAL}";
    private static final int WAITING_LINES = 1000;
    private static final int STOP_MILLIS = 2000;

    /**
     * A line as Log4j's pattern, from Python's: {@code %(asctime)s %(message)s}.
     *
     * @param times a pattern as strftime has it; null for Python's default
     */
    String pattern(String format, String times) {
        StringBuilder pattern = new StringBuilder();
        Matcher field = FIELD.matcher(format);
        int at = 0;
        while (field.find()) {
            pattern.append(literal(format.substring(at, field.start())));
            at = field.end();
            String width = "%" + field.group(2);
            switch (field.group(1) == null ? "" : field.group(1)) {
                case "" -> pattern.append("%%");
                case "asctime" -> pattern.append("%d{").append(times(times)).append('}');
                case "process" -> pattern.append(width).append("pid");
                case "levelname" -> pattern.append(width).append(LEVEL);
                case "message" -> pattern.append(width).append(VISIBLE_MESSAGE);
                case "name", "job_name" -> pattern.append(literal(job));
                case "service_name" -> pattern.append(literal(TableDispatcherJob.SECTION));
                case "hostname" -> pattern.append(literal(TableDispatcherJob.hostName()));
                default -> warnings.add("unknown field " + field.group() + " in the form of log lines; left out");
            }
        }
        return pattern.append(literal(format.substring(at))).toString();
    }

    private static String literal(String text) {
        return text.replace("%", "%%").replace("${", "$${");
    }

    private static String times(String strftime) {
        return strftime == null || strftime.isBlank()
                ? "yyyy-MM-dd HH:mm:ss,SSS"
                : strftime.replace("%Y", "yyyy")
                        .replace("%m", "MM")
                        .replace("%d", "dd")
                        .replace("%H", "HH")
                        .replace("%M", "mm")
                        .replace("%S", "ss");
    }

    /** @param most null for all lines that the logger takes */
    void add(Appender appender, Level most) {
        configuration.addAppender(appender);
        configuration.getRootLogger().addAppender(appender, most, null);
    }

    private PatternLayout layout(String pattern) {
        return PatternLayout.newBuilder()
                .withPattern(pattern)
                .withConfiguration(configuration)
                .build();
    }

    Appender console(String name, ConsoleAppender.Target target, String pattern) {
        return ConsoleAppender.newBuilder()
                .setName(name)
                .setTarget(target)
                .setLayout(layout(pattern + "%n"))
                .build();
    }

    /** Newest first: file, file.1, file.2; without a size or a count nothing is rotated. */
    Appender file(String name, Path file, long size, long count, String pattern) {
        boolean rotated = size > 0 && count > 0;
        return RollingFileAppender.newBuilder()
                .setName(name)
                .withFileName(file.toString())
                .withFilePattern(file + ".%i")
                .withPolicy(SizeBasedTriggeringPolicy.createPolicy((rotated ? size : Long.MAX_VALUE) + " B"))
                .withStrategy(DefaultRolloverStrategy.newBuilder()
                        .withFileIndex("min")
                        .withMax(Long.toString(Math.max(1, count)))
                        .withConfig(configuration)
                        .build())
                .setLayout(layout(pattern + "%n"))
                .setConfiguration(configuration)
                .build();
    }

    /**
     * Lines as datagrams, in the form of Python's SysLogHandler. Log4j's own SyslogAppender has no pattern for them.
     *
     * @param named whether the names of host and service stand before each line
     */
    Appender syslog(String name, String host, int port, Facility facility, boolean named, String pattern) {
        String priorities = Stream.of(Level.values())
                .map(level -> level + "=" + Priority.getPriority(facility, level))
                .collect(Collectors.joining(", "));
        String names =
                named ? " " + literal(TableDispatcherJob.hostName()) + " " + TableDispatcherJob.SECTION + " " : "";
        return SocketAppender.newBuilder()
                .setName(name)
                .setHost(host)
                .setPort(port)
                .setProtocol(Protocol.UDP)
                .setLayout(layout("<%level{" + priorities + "}>" + names + pattern))
                .setConfiguration(configuration)
                .build();
    }

    /** From a thread of its own: a log database that is slow or down never holds up the job. */
    Appender database(String name, String address, JobLog.Databases databases) {
        Appender database = new LogDatabaseAppender(name + " database", job, address, databases);
        configuration.addAppender(database);
        return AsyncAppender.newBuilder()
                .setName(name)
                .setAppenderRefs(
                        new AppenderRef[] {AppenderRef.createAppenderRef(database.getName(), Level.INFO, null)})
                .setBlocking(false)
                .setBufferSize(WAITING_LINES)
                .setShutdownTimeout(STOP_MILLIS)
                .setConfiguration(configuration)
                .build();
    }
}
