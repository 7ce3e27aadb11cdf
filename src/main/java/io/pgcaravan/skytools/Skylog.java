package io.pgcaravan.skytools;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.Appender;
import org.apache.logging.log4j.core.appender.ConsoleAppender;
import org.apache.logging.log4j.core.appender.NullAppender;
import org.apache.logging.log4j.core.net.Facility;

/** The handlers of the root logger in a skylog.ini, as appenders of Log4j; a warning names each that has none. */
final class Skylog {

    private static final String SYSLOG_PORT = "514";

    /** A text, or a name or a product of numbers. */
    private static final Pattern ARGUMENT = Pattern.compile("'[^']*'|\"[^\"]*\"|[^\\s,()'\"]+(?:\\s*[*]\\s*\\d+)*");

    private final Path file;
    private final Ini ini;
    private final LogAppenders appenders;
    private final JobLog.Databases databases;
    private final Map<String, String> names;

    private Skylog(Path file, LogAppenders appenders, JobLog.Databases databases) throws IOException {
        this.file = file;
        this.ini = Ini.read(file);
        this.appenders = appenders;
        this.databases = databases;
        this.names = Map.of("job_name", appenders.job(), "service_name", TableDispatcherJob.SECTION);
    }

    /** Adds an appender for each handler. */
    static void read(Path file, LogAppenders appenders, JobLog.Databases databases) throws IOException {
        new Skylog(file, appenders, databases).read();
    }

    private void read() {
        for (String section : ini.sections()) {
            if (section.startsWith("logger_") && !section.equals("logger_root")) {
                warn("[" + section + "] has no effect; only [logger_root] is used");
            }
        }
        String handlers = section("logger_root").get("handlers");
        if (handlers == null || handlers.isEmpty()) {
            warn("missing handlers in section [logger_root]");
            return;
        }
        for (String name : handlers.split("[\\s,]+")) {
            try {
                Ini.Section section = section("handler_" + name);
                Level level = level(section.get("level"));
                appenders.add(appender(name, section), level);
            } catch (IllegalArgumentException e) {
                warn("handler \"" + name + "\" is left out, its lines go nowhere: " + e.getMessage());
            }
        }
    }

    private void warn(String warning) {
        appenders.warnings().add(file + ": " + warning);
    }

    private Ini.Section section(String name) {
        return ini.section(name, names, Map.of());
    }

    private Appender appender(String name, Ini.Section section) {
        if (section.get("class") == null) {
            throw new IllegalArgumentException("missing class in section [handler_" + name + "]");
        }
        Ini.Section formatter = section("formatter_" + section.get("formatter"));
        String format = formatter.text("format");
        String pattern = appenders.pattern(format == null ? "%(message)s" : format, formatter.text("datefmt"));
        List<String> args = arguments(section.get("args"));
        switch (section.get("class").replaceFirst("^.*\\.", "")) {
            case "StreamHandler":
                boolean out = !args.isEmpty() && args.get(0).endsWith("stdout");
                return appenders.console(
                        name, out ? ConsoleAppender.Target.SYSTEM_OUT : ConsoleAppender.Target.SYSTEM_ERR, pattern);
            case "WatchedFileHandler":
                warn("handler \"" + name + "\" does not open its file anew when that is moved;"
                        + " have logrotate use copytruncate");
                return file(name, args, args.size(), "0", "0", pattern);
            case "FileHandler":
                return file(name, args, args.size(), "0", "0", pattern);
            case "RotatingFileHandler":
                return file(name, args, 2, "0", "0", pattern);
            case "EasyRotatingFileHandler":
                return file(name, args, 1, "10485760", "3", pattern);
            case "SysLogHandler":
                return syslog(name, args, false, pattern);
            case "SysLogHostnameHandler":
                return syslog(name, args, true, pattern);
            case "LogDBHandler":
                warn("handler \"" + name + "\" gets a line for each batch, not the sums of a minute");
                return appenders.database(name, first(args), databases);
            case "NullHandler":
                return NullAppender.createAppender(name);
            default:
                throw new IllegalArgumentException("unknown class " + section.get("class")
                        + "; expected one of StreamHandler, FileHandler, WatchedFileHandler, RotatingFileHandler,"
                        + " EasyRotatingFileHandler, SysLogHandler, SysLogHostnameHandler, LogDBHandler, NullHandler");
        }
    }

    /** @param at where the size is among the arguments, with the count behind it */
    private Appender file(String name, List<String> args, int at, String size, String count, String pattern) {
        return appenders.file(
                name, JobReader.expanded(first(args)), number(args, at, size), number(args, at + 1, count), pattern);
    }

    private Appender syslog(String name, List<String> args, boolean named, String pattern) {
        String host = args.isEmpty() ? "localhost" : args.get(0);
        if (host.startsWith("/")) {
            throw new IllegalArgumentException("Unix socket " + host + " is not supported;"
                    + " use ('localhost', 514), or the console under systemd");
        }
        String facility = args.size() > 2 ? args.get(2).replaceFirst("^.*LOG_", "") : "user";
        if (Facility.toFacility(facility, null) == null) {
            throw new IllegalArgumentException("unknown facility " + facility);
        }
        int port = (int) number(args, 1, SYSLOG_PORT);
        return appenders.syslog(name, host, port, Facility.toFacility(facility), named, pattern);
    }

    /** A tuple as Python writes it; of a tuple inside it the items. */
    private static List<String> arguments(String tuple) {
        return ARGUMENT.matcher(tuple == null ? "" : tuple)
                .results()
                .map(found -> found.group().replaceAll("^['\"]|['\"]$", ""))
                .toList();
    }

    private static String first(List<String> args) {
        if (args.isEmpty()) {
            throw new IllegalArgumentException("missing args");
        }
        return args.get(0);
    }

    private static long number(List<String> args, int at, String standard) {
        return Stream.of((args.size() > at ? args.get(at) : standard).split("\\s*[*]\\s*"))
                .mapToLong(Long::parseLong)
                .reduce(1, Math::multiplyExact);
    }

    private static Level level(String python) {
        return python == null
                ? null
                : switch (python) {
                    case "CRITICAL" -> Level.FATAL;
                    case "WARNING" -> Level.WARN;
                    case "NOTSET" -> Level.ALL;
                    default -> Level.valueOf(python);
                };
    }
}
