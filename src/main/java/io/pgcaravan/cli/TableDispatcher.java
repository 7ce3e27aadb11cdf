package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.app.ConfigurationException;
import io.pgcaravan.app.Database;
import io.pgcaravan.batch.Consumers;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.server.Executables;
import io.pgcaravan.skytools.IniTemplate;
import io.pgcaravan.skytools.PidFile;
import io.pgcaravan.skytools.TableDispatcherJob;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan table-dispatcher}: the switches of Skytools' programs. */
@Command(
        name = "table-dispatcher",
        mixinStandardHelpOptions = true,
        description = "Does what Skytools' table_dispatcher did, from its ini file and with its switches.",
        exitCodeList = {
            "0:stopped by a signal, or detached (-d) and running, or done what a switch asks for",
            "1:it lost its position, another process runs the job, or a database refused it",
            "2:bad usage, or an ini file that cannot be read"
        },
        footer = {
            "",
            "Signals: HUP reads the ini file again between two batches, INT finishes the batch and stops,"
                    + " TERM stops at once; nothing is lost."
        })
final class TableDispatcher implements Callable<Integer> {

    @Parameters(paramLabel = "CONFIG.ini", arity = "0..1", description = "The ini file.")
    private Path ini;

    @Option(
            names = {"-q", "--quiet"},
            description = "Log warnings and errors only.")
    private boolean quiet;

    @Option(
            names = {"-v", "--verbose"},
            description = "Log details; twice: all of them.")
    private boolean[] verbose = {};

    @Option(
            names = {"-d", "--daemon"},
            description = "Go to the background; needs pidfile in the ini.")
    private boolean daemon;

    @Option(names = "--ini", description = "Print an ini file with comments, and what --set says, and stop.")
    private boolean template;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "Counts instead of what the ini file says. May be given several times.")
    private Map<String, String> set = new LinkedHashMap<>();

    @Option(names = "--detached", hidden = true, description = "This is the background process.")
    private boolean detached;

    @ArgGroup
    private What what = new What();

    /** One of them, if any. */
    static final class What {

        @Option(
                names = {"-r", "--reload"},
                description = "Have the running process read its ini file again (HUP).")
        private boolean reload;

        @Option(
                names = {"-s", "--stop"},
                description = "Have the running process finish its batch and stop (INT).")
        private boolean stop;

        @Option(
                names = {"-k", "--kill"},
                description = "Have the running process stop at once (TERM).")
        private boolean kill;

        @Option(names = "--register", description = "Register the consumer on the queue, and stop.")
        private boolean register;

        @Option(names = "--unregister", description = "Unregister the consumer from the queue, and stop.")
        private boolean unregister;

        @Option(names = "--reset", description = "Make the target forget the consumer's tick, and stop.")
        private boolean reset;

        @Option(names = "--rewind", description = "Move the consumer in the queue to the target's tick, and stop.")
        private boolean rewind;
    }

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (template) {
            out().print(IniTemplate.text(set));
            return 0;
        }
        if (ini == null) {
            throw new ParameterException(spec.commandLine(), "CONFIG.ini is missing");
        }
        TableDispatcherJob job = TableDispatcherJob.read(ini, set);
        String signal = what.reload ? "HUP" : what.stop ? "INT" : what.kill ? "TERM" : null;
        if (signal != null) {
            return signal(job, signal);
        }
        if (what.register || what.unregister || what.reset || what.rewind) {
            out().println(move(job));
            return 0;
        }
        refuseSecond(job);
        if (daemon) {
            return startDetached(job);
        }
        return new JobProcess(ini, set, job, verbosity(), detached).run();
    }

    /** A JVM cannot fork itself, so it starts another one, and waits until that runs or has failed; the exit code. */
    private int startDetached(TableDispatcherJob job) throws IOException, InterruptedException {
        job.warnings().forEach(err()::println);
        if (job.logging().file() == null && job.logging().skylog() == 0) {
            err().println(job.file() + " has no logfile: in the background nothing is logged");
        }
        err().flush();
        Process process = new ProcessBuilder(detachedCommand())
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .start();
        try (BufferedReader printed = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = printed.readLine(); line != null; line = printed.readLine()) {
                if (line.equals(JobProcess.STARTED)) {
                    return 0;
                }
                err().println(line);
            }
        }
        return Math.max(1, process.waitFor());
    }

    private List<String> detachedCommand() {
        List<String> command = new ArrayList<>();
        // a session of its own: the terminal's end is not its end
        Executables.onPath("setsid").ifPresent(setsid -> command.add(setsid.toString()));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Caravan.class.getName()));
        command.addAll(List.of("table-dispatcher", "--detached"));
        command.addAll(verbosity() < 0 ? List.of("-q") : Collections.nCopies(verbosity(), "-v"));
        set.forEach((key, value) -> command.addAll(List.of("--set", key + "=" + value)));
        command.add(ini.toString());
        return command;
    }

    private int verbosity() {
        return quiet ? -1 : Math.min(2, verbose.length);
    }

    private int signal(TableDispatcherJob job, String signal) throws IOException {
        if (job.pidFile() == null) {
            throw new ConfigurationException(job.file() + " has no pidfile, so that the process to signal is unknown");
        }
        PidFile pidFile = new PidFile(job.pidFile());
        Optional<ProcessHandle> running = pidFile.running();
        if (running.isEmpty()) {
            err().println(
                            pidFile.exists()
                                    ? job.pidFile() + " is stale: the process it names is gone"
                                    : "there is no " + job.pidFile() + ", so that no process runs");
            return 0;
        }
        // the JVM can send no other than TERM; the shell's own kill is everywhere
        Process kill = new ProcessBuilder(
                        "sh",
                        "-c",
                        "kill -s \"$1\" \"$2\"",
                        "sh",
                        signal,
                        Long.toString(running.get().pid()))
                .inheritIO()
                .start();
        try {
            return kill.waitFor() == 0 ? 0 : 1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 1;
        }
    }

    private Consumers.Outcome move(TableDispatcherJob job) throws SQLException {
        Consumers consumers = new Consumers(
                new Pgq((String) job.consume().getOrDefault("schema", "pgq")), job.queue(), job.consumer());
        Map<String, Database> databases = JobProcess.databases(job);
        try (Connection source = databases.get("sourceDb").reach(" (src_db)")) {
            if (what.unregister) {
                return consumers.unregister(source);
            }
            try (Connection target = databases.get("targetDb").reach(" (dst_db)")) {
                return what.register
                        ? consumers.register(source, target)
                        : what.reset ? consumers.reset(source, target) : consumers.rewind(source, target);
            }
        }
    }

    private void refuseSecond(TableDispatcherJob job) throws IOException {
        if (job.pidFile() == null) {
            if (daemon) {
                throw new ConfigurationException(job.file() + " has no pidfile, and without one -d is refused:"
                        + " nothing could stop the process in the background");
            }
            return;
        }
        PidFile pidFile = new PidFile(job.pidFile());
        Optional<ProcessHandle> running = pidFile.running();
        if (running.isPresent()) {
            throw new CommandFailedException("process " + running.get().pid() + " runs job " + job.name()
                    + " already, says " + job.pidFile() + "; -s stops it");
        }
        if (pidFile.exists()) {
            err().println("ignoring " + job.pidFile() + ", which is stale");
        }
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private PrintWriter err() {
        return spec.commandLine().getErr();
    }
}
