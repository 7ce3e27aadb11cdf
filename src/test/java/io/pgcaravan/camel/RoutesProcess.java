package io.pgcaravan.camel;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Route files in a process of their own, which a test may stop at a given moment, pause, and kill as the kernel does it. */
public final class RoutesProcess implements AutoCloseable {

    private static final String ARRIVED = "ARRIVED AT ";

    private final Process process;
    private final List<String> output = new ArrayList<>();

    private RoutesProcess(Process process) {
        this.process = process;
        Thread reader = new Thread(this::read, "output of " + process.pid());
        reader.setDaemon(true);
        reader.start();
    }

    /**
     * Starts the process.
     *
     * @param stopAt the moment of its first batch at which it stands still, null for none
     */
    static RoutesProcess start(Orders orders, Map<String, String> properties, Moment stopAt, Path... files)
            throws IOException {
        return start(orders.sourceUrl, orders.targetUrl, properties, stopAt, files);
    }

    public static RoutesProcess start(
            String sourceUrl, String targetUrl, Map<String, String> properties, Moment stopAt, Path... files)
            throws IOException {
        return start("192m", sourceUrl, targetUrl, properties, stopAt, files);
    }

    /** @param heap as -Xmx has it */
    static RoutesProcess withHeap(String heap, Orders orders, Path... files) throws IOException {
        return start(heap, orders.sourceUrl, orders.targetUrl, Map.of(), null, files);
    }

    private static RoutesProcess start(
            String heap,
            String sourceUrl,
            String targetUrl,
            Map<String, String> properties,
            Moment stopAt,
            Path... files)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap,
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                RoutesProcess.class.getName(),
                sourceUrl,
                targetUrl,
                stopAt == null ? "-" : stopAt.name(),
                String.join(
                        File.pathSeparator,
                        List.of(files).stream().map(Path::toString).toList())));
        properties.forEach((key, value) -> command.add(key + "=" + value));
        return new RoutesProcess(
                new ProcessBuilder(command).redirectErrorStream(true).start());
    }

    /** The process itself: source, target, moment, files, properties. */
    public static void main(String[] args) throws Exception {
        Moment stopAt = args[2].equals("-") ? null : Moment.valueOf(args[2]);
        Path[] files = List.of(args[3].split(File.pathSeparator)).stream()
                .map(Path::of)
                .toArray(Path[]::new);
        Map<String, String> properties = new TreeMap<>();
        for (int i = 4; i < args.length; i++) {
            String[] property = args[i].split("=", 2);
            properties.put(property[0], property[1]);
        }
        WatchedDataSource.Watcher watcher = new WatchedDataSource.Watcher() {
            private boolean arrived;

            @Override
            public void passes(String moment, Connection connection) throws SQLException {
                if (stopAt != null && !arrived && stopAt.is(moment)) {
                    arrived = true;
                    System.out.println(ARRIVED + stopAt);
                    try {
                        // until somebody tells this process to go on
                        System.in.read();
                    } catch (IOException e) {
                        throw new SQLException(e);
                    }
                }
            }
        };
        try (Job job = new Job(args[0], args[1], properties, watcher, files)) {
            Thread.currentThread().join();
        }
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line;
            while ((line = lines.readLine()) != null) {
                synchronized (output) {
                    output.add(line);
                    output.notifyAll();
                }
            }
        } catch (IOException e) {
            // it was killed
        }
        synchronized (output) {
            output.notifyAll();
        }
    }

    /** Waits until it stands still where it was told to. */
    public void awaitArrival() throws Exception {
        awaitOutput(ARRIVED);
    }

    /** Waits until it prints a line with this text. */
    void awaitOutput(String text) throws Exception {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        synchronized (output) {
            while (output.stream().noneMatch(line -> line.contains(text))) {
                long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
                if (left <= 0 || !process.isAlive()) {
                    throw new TimeoutException(
                            "the process never printed \"" + text + "\"; its output:\n" + String.join("\n", output));
                }
                output.wait(Math.min(left, 500));
            }
        }
    }

    /** Lets it go on from where it stands still. */
    public void goOn() throws IOException {
        process.getOutputStream().write('\n');
        process.getOutputStream().flush();
    }

    /** SIGSTOP: it does nothing any more and knows nothing of it. */
    public void pause() throws Exception {
        signal("STOP");
    }

    /** SIGCONT. */
    public void resume() throws Exception {
        signal("CONT");
    }

    private void signal(String name) throws Exception {
        int code = new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                .start()
                .waitFor();
        if (code != 0) {
            throw new IllegalStateException("kill -" + name + " " + process.pid() + " gave " + code);
        }
    }

    /** SIGKILL. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    public String output() {
        synchronized (output) {
            return String.join("\n", output);
        }
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }
}
