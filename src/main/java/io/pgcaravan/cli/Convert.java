package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.skytools.JobRoute;
import io.pgcaravan.skytools.TableDispatcherJob;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan convert}. */
@Command(
        name = "convert",
        mixinStandardHelpOptions = true,
        description =
                "Prints the job of a table_dispatcher's ini file as a route, or writes it with its configuration.")
final class Convert implements Callable<Integer> {

    private static final Pattern PASSWORD =
            Pattern.compile("(?i)(?:^|\\s)password\\s*=\\s*(?:'(?:[^'\\\\]|\\\\.)*'|\\S*)");
    private static final Pattern URI_PASSWORD = Pattern.compile("(?<=://[^/@:]{0,200}):[^/@]*(?=@)");

    @Parameters(paramLabel = "CONFIG.ini", description = "The ini file.")
    private Path ini;

    @Option(
            names = "--to",
            paramLabel = "DIR",
            description =
                    "Write DIR/routes/JOB.camel.yaml and DIR/config/application.properties; nothing is overwritten.")
    private Path to;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "Counts instead of what the ini file says. May be given several times.")
    private Map<String, String> set = new LinkedHashMap<>();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        TableDispatcherJob job = TableDispatcherJob.read(ini, set);
        JobProcess.databases(job);
        job.warnings().forEach(spec.commandLine().getErr()::println);
        PrintWriter out = spec.commandLine().getOut();
        if (to == null) {
            out.println("# In config/application.properties:");
            out.println(databases(job, false).lines().map(line -> "#   " + line).collect(Collectors.joining("\n")));
            out.println("#");
            out.print(JobRoute.yaml(job));
        } else {
            write(job, out);
        }
        return 0;
    }

    private void write(TableDispatcherJob job, PrintWriter out) throws IOException {
        Path route = to.resolve("routes").resolve(job.name().replaceAll("[^\\w.-]", "_") + ".camel.yaml");
        Path properties = to.resolve("config").resolve("application.properties");
        for (Path file : new Path[] {route, properties}) {
            if (Files.exists(file)) {
                throw new CommandFailedException("file " + file + " exists already, and nothing is overwritten");
            }
        }
        Files.createDirectories(route.getParent());
        Files.createDirectories(properties.getParent());
        Files.writeString(route, JobRoute.yaml(job), StandardOpenOption.CREATE_NEW);
        try {
            // it may hold passwords
            Files.createFile(
                    properties, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (UnsupportedOperationException e) {
            Files.createFile(properties);
        }
        Files.writeString(properties, databases(job, true) + """

                camel.main.name = %s
                camel.management.enabled = true
                camel.management.host = 127.0.0.1
                camel.management.port = 8090
                camel.management.path = /
                camel.management.healthCheckEnabled = true
                camel.management.healthPath = /observe/health
                camel.health.exposureLevel = full
                camel.main.shutdownTimeout = 30
                camel.main.startupSummaryLevel = off
                camel.main.autoConfigurationLogSummary = false
                """.formatted(property(job.name())));
        out.println(route + " and " + properties + " are written; now: caravan run --config " + properties.getParent()
                + " --routes " + route.getParent());
    }

    /** @param passwords whether passwords that the ini has are shown */
    private static String databases(TableDispatcherJob job, boolean passwords) {
        return database("sourceDb", job.source(), passwords) + database("targetDb", job.target(), passwords);
    }

    private static String database(String name, String text, boolean passwords) {
        String shown = text;
        if (!passwords) {
            shown = PASSWORD.matcher(shown).replaceAll(" password=...");
            shown = URI_PASSWORD.matcher(shown).replaceAll(":...");
        }
        return "database." + name + ".url = " + property(shown.strip()) + "\n";
    }

    private static String property(String value) {
        return value.replace("\\", "\\\\").replaceAll("[\r\n]", " ").replace("{{", "\\\\{{");
    }
}
