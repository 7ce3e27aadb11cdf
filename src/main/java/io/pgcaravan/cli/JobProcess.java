package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.app.ConfigurationException;
import io.pgcaravan.app.Database;
import io.pgcaravan.skytools.IniException;
import io.pgcaravan.skytools.JobLog;
import io.pgcaravan.skytools.JobRoute;
import io.pgcaravan.skytools.PidFile;
import io.pgcaravan.skytools.TableDispatcherJob;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sun.misc.Signal;

/** The process of a table_dispatcher's job, from its pid file to the signal that ends it. */
final class JobProcess {

    /** What the background process prints when it has started; after that it prints nothing more. */
    static final String STARTED = "\u0001started";

    private enum Order {
        RELOAD,
        STOP
    }

    private final Path ini;
    private final Map<String, String> set;
    private final int verbosity;
    private final boolean detached;
    private final PidFile pidFile;
    private final BlockingQueue<Order> orders = new LinkedBlockingQueue<>();
    private TableDispatcherJob job;
    private Logger log;
    private volatile boolean stopping;

    /** @param detached whether it runs in the background, without a console */
    JobProcess(Path ini, Map<String, String> set, TableDispatcherJob job, int verbosity, boolean detached) {
        this.ini = ini;
        this.set = set;
        this.job = job;
        this.verbosity = verbosity;
        this.detached = detached;
        this.pidFile = job.pidFile() == null ? null : new PidFile(job.pidFile());
    }

    /** Runs until a signal ends it, or a lost position; the exit code. */
    int run() throws Exception {
        claimPidFile();
        try {
            configureLog();
            handle("HUP", () -> orders.add(Order.RELOAD));
            handle("INT", this::stop);
            handle("TERM", this::stopAtOnce);
            return work();
        } finally {
            if (pidFile != null) {
                pidFile.release();
            }
            JobLog.end();
        }
    }

    private void claimPidFile() {
        if (pidFile == null) {
            return;
        }
        try {
            if (!pidFile.claim()) {
                throw new CommandFailedException("another process runs job " + job.name() + ", says " + pidFile.path());
            }
        } catch (IOException e) {
            Path directory = pidFile.path().toAbsolutePath().getParent();
            throw new CommandFailedException("job " + job.name() + " cannot write its pidfile " + pidFile.path() + ": "
                    + (Files.isDirectory(directory) ? e : "there is no directory " + directory));
        }
    }

    private int work() throws Exception {
        Application application = started();
        log.info("job {} runs: queue {}, consumer {}", job.name(), job.queue(), job.consumer());
        if (detached) {
            System.out.println(STARTED);
            System.out.flush();
            PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
            System.setOut(nowhere);
            System.setErr(nowhere);
        }
        while (true) {
            Order order = orders.poll(1, TimeUnit.SECONDS);
            if (order == Order.STOP) {
                application.close();
                log.info("stopped");
                return 0;
            }
            if (order == Order.RELOAD) {
                application = reloaded(application);
            } else if (isOver(application)) {
                // it has said why
                application.close();
                return 1;
            }
        }
    }

    /** The job's two databases, by the names that its route has for them. */
    static Map<String, Database> databases(TableDispatcherJob job) {
        return Map.of(
                "sourceDb", Database.given("src_db", job.source()),
                "targetDb", Database.given("dst_db", job.target()));
    }

    private Application started() {
        Application application = Application.of(job.name() + ".yaml", JobRoute.yaml(job), databases(job));
        try {
            application.start();
        } catch (ConfigurationException e) {
            application.close();
            throw e;
        }
        return application;
    }

    /** The job as its ini file is now; as it was where that cannot be. */
    private Application reloaded(Application running) throws IOException {
        TableDispatcherJob before = job;
        TableDispatcherJob now;
        try {
            now = TableDispatcherJob.read(ini, set);
        } catch (IniException e) {
            log.error("the job continues unchanged: {}", e.getMessage());
            return running;
        }
        running.close(); // after the batch
        job = now;
        try {
            configureLog();
            Application application = started();
            log.info("{} read again", ini);
            return application;
        } catch (ConfigurationException | IniException e) {
            job = before;
            configureLog();
            log.error("the job continues unchanged: {}", e.getMessage());
            return started();
        }
    }

    /** A lost position stops the route for good. */
    private static boolean isOver(Application application) {
        return application.context().getRoutes().stream().allMatch(route -> application
                .context()
                .getRouteController()
                .getRouteStatus(route.getRouteId())
                .isStopped());
    }

    private void configureLog() throws IOException {
        List<String> told = new ArrayList<>(job.warnings());
        told.addAll(JobLog.configure(
                job, verbosity, !detached, System.console() != null, text -> Database.given("args", text)
                        .connect()));
        log = LoggerFactory.getLogger(job.name());
        told.forEach(log::warn);
        if (pidFile != null && !pidFile.path().equals(job.pidFile())) {
            log.warn("pidfile stays {} until the job is stopped", pidFile.path());
        }
    }

    // ---- signals

    private static void handle(String name, Runnable work) {
        try {
            Signal.handle(new Signal(name), signal -> work.run());
        } catch (IllegalArgumentException e) {
            LoggerFactory.getLogger(JobProcess.class).warn("signal {} cannot be handled: {}", name, e.getMessage());
        }
    }

    private void stop() {
        if (stopping) {
            stopAtOnce();
        }
        stopping = true;
        log.info("stopping after the batch");
        orders.add(Order.STOP);
    }

    /** What is not committed the database takes back; the batch comes again at the next start. */
    private void stopAtOnce() {
        log.info("stopped at once");
        if (pidFile != null) {
            pidFile.release();
        }
        Runtime.getRuntime().halt(0);
    }
}
