package io.pgcaravan.skytools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.ConsoleAppender;
import org.apache.logging.log4j.core.config.DefaultConfiguration;
import org.apache.logging.log4j.core.config.LoggerConfig;

/** Sets up the log of a job's process as the ini file has it: its file, the console, and what a skylog.ini says. */
public final class JobLog {

    /** Libraries have their own idea of what is worth a line; each failure is logged once, by the consumer. */
    private static final Map<String, Level> LIBRARIES = Map.of(
            "org.apache.camel", Level.WARN,
            "org.apache.camel.processor.errorhandler", Level.OFF,
            "com.zaxxer.hikari", Level.ERROR);

    /** Opens the database whose connection string a log handler has. */
    @FunctionalInterface
    public interface Databases {
        Connection connect(String text) throws SQLException;
    }

    private JobLog() {}

    /**
     * Configures the logging of this process.
     *
     * @param verbosity -1 for warnings and errors only, 0 for what happens, 1 for details, 2 for all
     * @param console whether lines go to the standard error
     * @param terminal whether that is a terminal, where use_skylog = 1 does without skylog.ini
     * @return what of skylog.ini and of the form of lines is not supported
     * @throws IniException where there is no skylog.ini, or it cannot be read
     */
    public static List<String> configure(
            TableDispatcherJob job, int verbosity, boolean console, boolean terminal, Databases databases)
            throws IOException {
        TableDispatcherJob.Logging settings = job.logging();
        DefaultConfiguration configuration = new DefaultConfiguration();
        configuration.setName(job.name());
        LoggerConfig root = configuration.getRootLogger();
        List.copyOf(root.getAppenders().keySet()).forEach(root::removeAppender);
        root.setLevel(List.of(Level.WARN, Level.INFO, Level.DEBUG, Level.TRACE).get(verbosity + 1));
        LIBRARIES.forEach((name, most) -> configuration.addLogger(name, new LoggerConfig(name, most, true)));

        List<String> warnings = new ArrayList<>();
        LogAppenders appenders = new LogAppenders(configuration, job.name(), warnings);
        boolean skylog = settings.skylog() >= 2 || settings.skylog() == 1 && !(console && terminal);
        if (skylog) {
            Skylog.read(skylogIni(job), appenders, databases);
        }
        boolean verbose = verbosity > 0 && settings.verboseFormat() != null;
        String pattern = appenders.pattern(verbose ? settings.verboseFormat() : settings.format(), null);
        if (settings.file() != null) {
            appenders.add(appenders.file("logfile", settings.file(), settings.size(), settings.count(), pattern), null);
        }
        if (console && !skylog) {
            appenders.add(appenders.console("console", ConsoleAppender.Target.SYSTEM_ERR, pattern), null);
        }
        LoggerContext context = (LoggerContext) LogManager.getContext(false);
        context.setConfiguration(configuration);
        context.updateLoggers();
        return warnings;
    }

    private static Path skylogIni(TableDispatcherJob job) {
        List<Path> places = job.logging().skylogLocations();
        return places.stream()
                .filter(Files::isRegularFile)
                .findFirst()
                .orElseThrow(() -> new IniException(
                        job.file().toString(),
                        List.of(job.file() + ": use_skylog is set, but skylog.ini is not found; looked for "
                                + places.toString().replaceAll("[\\[\\]]", ""))));
    }

    /** Ends the logging of this process: databases get two seconds for the last lines. */
    public static void end() {
        LogManager.shutdown();
    }
}
