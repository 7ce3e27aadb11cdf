package io.pgcaravan.app;

import io.pgcaravan.skytools.TableDispatcherJob;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A job in a process of its own, behind the terminal: a JVM cannot fork itself, so it starts another one. */
public final class Background {

    /** The class that a new process of this program starts with. */
    public static final String MAIN_CLASS = "io.pgcaravan.cli.Caravan";

    /** What the process says when it has started; after that it says nothing more. */
    public static final String STARTED = "\u0001started";

    private final TableDispatcherJob job;
    private final Path ini;
    private final Map<String, String> set;
    private final int verbosity;
    private final PrintWriter err;

    public Background(TableDispatcherJob job, Path ini, Map<String, String> set, int verbosity, PrintWriter err) {
        this.job = job;
        this.ini = ini;
        this.set = set;
        this.verbosity = verbosity;
        this.err = err;
    }

    /** Starts it, and waits until it runs or has failed; the exit code. */
    public int start() throws IOException, InterruptedException {
        if (job.logging().file() == null && job.logging().skylog() == 0) {
            err.println(job.file() + " has no logfile: in the background nothing will be said");
        }
        err.flush();
        Process process = new ProcessBuilder(command())
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                .redirectErrorStream(true)
                .start();
        try (BufferedReader said =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line;
            while ((line = said.readLine()) != null) {
                if (line.equals(STARTED)) {
                    return 0;
                }
                err.println(line);
                err.flush();
            }
        }
        int status = process.waitFor();
        return status == 0 ? 1 : status;
    }

    private List<String> command() {
        List<String> command = new ArrayList<>();
        // a session of its own: the terminal's end is not its end
        Executables.onPath("setsid").ifPresent(setsid -> command.add(setsid.toString()));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of(
                "-cp", System.getProperty("java.class.path"), Background.MAIN_CLASS, "table-dispatcher", "--detached"));
        if (verbosity < 0) {
            command.add("-q");
        }
        for (int i = 0; i < verbosity; i++) {
            command.add("-v");
        }
        set.forEach((key, value) -> command.addAll(List.of("--set", key + "=" + value)));
        command.add(ini.toString());
        return command;
    }
}
