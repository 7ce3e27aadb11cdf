package io.pgcaravan.skytools;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.Appender;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.ConsoleAppender;
import org.apache.logging.log4j.core.appender.FileAppender;
import org.apache.logging.log4j.core.appender.RollingFileAppender;
import org.apache.logging.log4j.core.appender.rolling.DefaultRolloverStrategy;
import org.apache.logging.log4j.core.appender.rolling.SizeBasedTriggeringPolicy;
import org.apache.logging.log4j.core.config.DefaultConfiguration;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.layout.PatternLayout;

/** Sets up the log of a job's process as the ini file has it: its file, the console, and what a skylog.ini says. */
public final class JobLog {

    private static final int SYSLOG_PORT = 514;
    private static final int USER = 1;
    private static final int LOCAL0 = 16;
    private static final List<String> FACILITIES = List.of(
            "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp");

    /** Opens the database whose connection string a log handler has. */
    @FunctionalInterface
    public interface Databases {
        Connection connect(String text) throws SQLException;
    }

    private final TableDispatcherJob job;
    private final Level level;
    private final boolean console;
    private final Databases databases;
    private final DefaultConfiguration configuration = new DefaultConfiguration();
    private final List<String> warnings = new ArrayList<>();

    private JobLog(TableDispatcherJob job, Level level, boolean console, Databases databases) {
        this.job = job;
        this.level = level;
        this.console = console;
        this.databases = databases;
    }

    /**
     * Configures the logging of this process.
     *
     * @param verbosity -1 for warnings and errors only, 0 for what happens, 1 for details, 2 for all
     * @param console whether lines go to the standard error
     * @param terminal whether somebody is looking there, where use_skylog = 1 does without skylog.ini
     * @return what cannot be had of skylog.ini
     * @throws IniException where there is no skylog.ini, or it cannot be read
     */
    public static List<String> configure(
            TableDispatcherJob job, int verbosity, boolean console, boolean terminal, Databases databases)
            throws IOException {
        Level level =
                verbosity < 0 ? Level.WARN : verbosity == 0 ? Level.INFO : verbosity == 1 ? Level.DEBUG : Level.TRACE;
        JobLog log = new JobLog(job, level, console, databases);
        log.configure(terminal);
        return log.warnings;
    }

    /** Ends the logging of this process: the last lines and sums go to the databases, where those take them within two seconds. */
    public static void end() {
        LogManager.shutdown();
    }

    private void configure(boolean terminal) throws IOException {
        TableDispatcherJob.Logging settings = job.logging();
        configuration.setName(job.name());
        LoggerConfig root = configuration.getRootLogger();
        new ArrayList<>(root.getAppenders().keySet()).forEach(root::removeAppender);
        root.setLevel(level);
        boolean skylog = settings.skylog() >= 2 || settings.skylog() == 1 && !(console && terminal);
        if (skylog) {
            skylog(root);
        }
        String format = level.isLessSpecificThan(Level.DEBUG) && settings.verboseFormat() != null
                ? settings.verboseFormat()
                : settings.format();
        PatternLayout layout = layout(format, null);
        if (settings.file() != null) {
            add(root, file("logfile", settings.file(), settings.size(), settings.count(), layout), level);
        }
        if (console && !skylog) {
            add(root, console("console", "sys.stderr", layout), level);
        }
        // libraries have their own idea of what is worth a line; each failure is told once, by the consumer
        quiet("org.apache.camel", Level.WARN);
        quiet("org.apache.camel.processor.errorhandler", Level.OFF);
        quiet("com.zaxxer.hikari", Level.ERROR);
        LoggerContext context = (LoggerContext) LogManager.getContext(false);
        context.setConfiguration(configuration);
        context.updateLoggers();
    }

    private void quiet(String name, Level most) {
        configuration.addLogger(name, new LoggerConfig(name, most, true));
    }

    private void add(LoggerConfig logger, Appender appender, Level most) {
        appender.start();
        configuration.addAppender(appender);
        logger.addAppender(appender, most, null);
    }

    private PatternLayout layout(String format, String times) {
        LineFormat line = LineFormat.of(format, times, job.name(), TableDispatcherJob.SECTION);
        line.unknown().forEach(field -> warnings.add("a log line has no %(" + field + ")s here; it is left out"));
        return PatternLayout.newBuilder()
                .withPattern(line.pattern())
                .withConfiguration(configuration)
                .build();
    }

    private static Appender console(String name, String stream, PatternLayout layout) {
        return ConsoleAppender.newBuilder()
                .setName(name)
                .setTarget(
                        stream.endsWith("stdout")
                                ? ConsoleAppender.Target.SYSTEM_OUT
                                : ConsoleAppender.Target.SYSTEM_ERR)
                .setLayout(layout)
                .build();
    }

    /** Newest first: file, file.1, file.2; without a size or a count nothing is rotated. */
    private Appender file(String name, Path file, long size, int count, PatternLayout layout) {
        if (size <= 0 || count <= 0) {
            return FileAppender.newBuilder()
                    .setName(name)
                    .withFileName(file.toString())
                    .setLayout(layout)
                    .setConfiguration(configuration)
                    .build();
        }
        return RollingFileAppender.newBuilder()
                .setName(name)
                .withFileName(file.toString())
                .withFilePattern(file + ".%i")
                .withPolicy(SizeBasedTriggeringPolicy.createPolicy(size + " B"))
                .withStrategy(DefaultRolloverStrategy.newBuilder()
                        .withFileIndex("min")
                        .withMax(Integer.toString(count))
                        .withConfig(configuration)
                        .build())
                .setLayout(layout)
                .setConfiguration(configuration)
                .build();
    }

    // ---- skylog.ini

    private void skylog(LoggerConfig root) throws IOException {
        for (Path place : job.logging().skylogLocations()) {
            if (java.nio.file.Files.isRegularFile(place)) {
                read(place, Ini.read(place), root);
                return;
            }
        }
        throw new IniException(
                job.file().toString(),
                List.of(job.file() + ": use_skylog is set, and there is no skylog.ini; looked for "
                        + String.join(
                                ", ",
                                job.logging().skylogLocations().stream()
                                        .map(Path::toString)
                                        .toList())));
    }

    private void read(Path place, Ini ini, LoggerConfig root) {
        Map<String, String> names = new LinkedHashMap<>();
        names.put("job_name", job.name());
        names.put("service_name", TableDispatcherJob.SECTION);
        List<String> handlers = new ArrayList<>();
        boolean propagate = true;
        for (String section : ini.sections()) {
            Ini.Section logger = ini.section(section, names, Map.of());
            if (section.startsWith("logger_")
                    && !section.equals("logger_root")
                    && job.name().equals(logger.get("qualname"))) {
                handlers.addAll(list(logger.get("handlers")));
                propagate = !"0".equals(logger.get("propagate"));
            }
        }
        if (propagate) {
            handlers.addAll(list(ini.section("logger_root", names, Map.of()).get("handlers")));
        }
        if (handlers.isEmpty()) {
            warnings.add(place + " names no handlers for the root logger or for " + job.name());
        }
        for (String name : handlers) {
            handler(place, name, ini, ini.section("handler_" + name, names, Map.of()), names, root);
        }
    }

    private static List<String> list(String text) {
        return text == null || text.isBlank() ? List.of() : List.of(text.strip().split("\\s*,\\s*"));
    }

    private void handler(
            Path place, String name, Ini ini, Ini.Section handler, Map<String, String> names, LoggerConfig root) {
        String type = handler.get("class");
        if (type == null) {
            warnings.add(
                    place + ": handler \"" + name + "\" has no section [handler_" + name + "] with a class; left out");
            return;
        }
        try {
            String formatter = handler.get("formatter");
            Ini.Section form = ini.section("formatter_" + formatter, names, Map.of());
            String format = form.text("format");
            PatternLayout layout = layout(format == null ? "%(message)s" : format, form.text("datefmt"));
            List<String> args = PythonArguments.parse(handler.get("args") == null ? "()" : handler.get("args"));
            Appender appender = appender(name, type.replaceFirst("^.*\\.", ""), args, layout);
            if (appender == null) {
                warnings.add(place + ": handler \"" + name + "\" of class " + type
                        + " is not known here; its lines go nowhere. Known are StreamHandler, FileHandler,"
                        + " RotatingFileHandler, EasyRotatingFileHandler, SysLogHandler, SysLogHostnameHandler,"
                        + " LogDBHandler and NullHandler");
            } else {
                String own = handler.get("level");
                add(root, appender, own == null ? level : level(own));
            }
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            warnings.add(place + ": handler \"" + name + "\" is left out: " + e.getMessage());
        }
    }

    private Appender appender(String name, String type, List<String> args, PatternLayout layout) {
        switch (type) {
            case "StreamHandler":
                return console(name, args.isEmpty() ? "sys.stderr" : args.get(0), layout);
            case "FileHandler", "WatchedFileHandler":
                return file(name, JobReader.expanded(args.get(0)), 0, 0, layout);
            case "RotatingFileHandler":
                return file(
                        name, JobReader.expanded(args.get(0)), number(args, 2, 0), (int) number(args, 3, 0), layout);
            case "EasyRotatingFileHandler":
                return file(
                        name,
                        JobReader.expanded(args.get(0)),
                        number(args, 1, 10L << 20),
                        (int) number(args, 2, 3),
                        layout);
            case "LogDBHandler":
                return new LogDatabaseAppender(name, job.name(), () -> databases.connect(args.get(0)));
            case "SysLogHandler", "SysLogHostnameHandler":
                return syslog(name, type, args, layout);
            case "NullHandler":
                return org.apache.logging.log4j.core.appender.NullAppender.createAppender(name);
            default:
                return null;
        }
    }

    private static Appender syslog(String name, String type, List<String> args, PatternLayout layout) {
        String host = args.isEmpty() ? "localhost" : args.get(0);
        boolean path = host.startsWith("/");
        int port = path ? 0 : (int) number(args, 1, SYSLOG_PORT);
        int at = path ? 1 : 2;
        String facility = args.size() > at ? args.get(at) : "user";
        String prefix = type.equals("SysLogHandler") ? "" : " " + hostName() + " " + TableDispatcherJob.SECTION + " ";
        return new SyslogAppender(name, layout, host, port, facility(facility), prefix);
    }

    private static String hostName() {
        try {
            return java.net.InetAddress.getLocalHost().getHostName();
        } catch (java.net.UnknownHostException e) {
            return "localhost";
        }
    }

    /** By number, by name, or as Python's constant ({@code ...SysLogHandler.LOG_LOCAL0}). */
    private static int facility(String text) {
        if (text.matches("\\d+")) {
            return Integer.parseInt(text);
        }
        String name = text.replaceFirst("^.*LOG_", "").toLowerCase(java.util.Locale.ROOT);
        if (name.matches("local[0-7]")) {
            return LOCAL0 + name.charAt(5) - '0';
        }
        int known = FACILITIES.indexOf(name);
        return known < 0 ? USER : known;
    }

    private static long number(List<String> args, int at, long standard) {
        return args.size() > at ? Long.parseLong(args.get(at)) : standard;
    }

    private static Level level(String python) {
        return switch (python) {
            case "CRITICAL", "FATAL" -> Level.FATAL;
            case "WARNING", "WARN" -> Level.WARN;
            case "NOTSET" -> Level.ALL;
            default -> Level.toLevel(python, Level.INFO);
        };
    }
}
