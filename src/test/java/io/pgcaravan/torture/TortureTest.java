package io.pgcaravan.torture;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import io.pgcaravan.server.ThrowAwayServer;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Random schemas, routes, workloads, settings and faults: in the end each change is in the target once, as it was, or an error named its
 * cause. A seed decides all of it but the moments of real time at which faults strike. CONTRIBUTING.md names the properties.
 */
class TortureTest {

    static final boolean KNOWN = Boolean.getBoolean("torture.known");
    private static final String JOB = System.getProperty("torture.job", "");
    private static final String ONE = System.getProperty("torture.seed");

    /** What each run of the suite tries. */
    private static final String CORE = """
            374497426 892540610 796394704 743391623 905527061 433277722 560191637 408986962 337375378 773573620
            126318696 500666703 210540009 416542770""";

    @Test
    void theseSeedsPass() throws Exception {
        List<String> failures = new ArrayList<>();
        String seeds = ONE != null ? ONE : System.getProperty("torture.seconds") == null ? CORE : "";
        for (String seed : seeds.isEmpty() ? new String[0] : seeds.split("\\s+")) {
            failures.addAll(run(Long.parseLong(seed)));
        }
        assertThat(failures).isEmpty();
    }

    @Test
    void newSeedsPass() throws Exception {
        int seconds = ONE != null ? 0 : Integer.getInteger("torture.seconds", 120);
        long base = Long.getLong("torture.base", new Random().nextInt(1_000_000_000));
        int processes = Integer.getInteger("torture.processes", 1);
        if (processes == 1) {
            assertThat(run(base, seconds)).isEmpty();
            return;
        }
        List<Process> running = new ArrayList<>();
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < processes; i++) {
            Process process = process(base + i, seconds);
            running.add(process);
            readers.add(new Thread(() -> print(process)));
            readers.get(i).start();
        }
        for (Thread reader : readers) {
            reader.join();
        }
        for (Process process : running) {
            assertThat(process.waitFor()).as("see the failures above").isZero();
        }
    }

    private static Process process(long base, int seconds) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx512m",
                        // most of a seed's time would be the compiler's
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Dtorture.job=" + JOB,
                        "-Dtorture.known=" + KNOWN,
                        "-cp",
                        System.getProperty("java.class.path"),
                        TortureTest.class.getName(),
                        String.valueOf(base),
                        String.valueOf(seconds))
                .redirectErrorStream(true)
                .start();
    }

    private static void print(Process process) {
        try (BufferedReader lines = process.inputReader()) {
            lines.lines().forEach(System.out::println);
        } catch (IOException e) {
            System.out.println(e);
        }
    }

    /** One of several processes, with a server of its own: base seed, seconds. */
    public static void main(String[] args) throws Exception {
        String url = PgServer.get().jdbcUrl("postgres");
        Path rules = Path.of(Torture.column(url, "show hba_file").get(0));
        if (System.getenv(ThrowAwayServer.URL_VARIABLE) == null && Files.isWritable(rules)) {
            // the hashes of passwords would be most of the work
            Files.writeString(rules, "host all all 127.0.0.1/32 trust");
            Torture.sql(url, "select pg_reload_conf()");
        }
        System.exit(run(Long.parseLong(args[0]), Integer.parseInt(args[1])).isEmpty() ? 0 : 1);
    }

    /** New seeds out of a base seed for so long; returns the failures. */
    private static List<String> run(long base, int seconds) throws IOException {
        Random random = new Random(base);
        List<String> failures = new ArrayList<>();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        int seeds = 0;
        while (System.nanoTime() < end && failures.size() < 20) {
            long seed = random.nextInt(1_000_000_000);
            if (JOB.isEmpty() || JOB.equals(job(seed))) {
                seeds++;
                failures.addAll(run(seed));
            }
        }
        System.out.println("torture: " + seeds + " seeds of base seed " + base + ", " + failures.size()
                + " failures; again with -Dtorture.base=" + base);
        return failures;
    }

    private static String job(long seed) {
        return seed % 3 == 0 ? "ship" : "dispatch";
    }

    private static List<String> run(long seed) throws IOException {
        List<String> plan = new ArrayList<>();
        Path directory = Files.createTempDirectory("torture-");
        long began = System.nanoTime();
        List<String> failure = List.of();
        try (Torture torture = job(seed).equals("ship")
                ? new ShipTorture(new Random(seed), plan, directory)
                : new DispatchTorture(new Random(seed), plan, directory)) {
            torture.run();
        } catch (Exception | Error e) {
            String where = Stream.iterate((Throwable) e, Objects::nonNull, Throwable::getCause)
                    .map(cause -> cause
                            + Stream.of(cause.getStackTrace())
                                    .filter(element -> element.getClassName().contains("torture"))
                                    .limit(3)
                                    .map(element -> " at " + element)
                                    .collect(Collectors.joining()))
                    .collect(Collectors.joining("\ncaused by "));
            failure = List.of("seed " + seed + " failed; again with -Dtorture.seed=" + seed + "\n" + where);
            System.out.println(failure.get(0));
        }
        try (Stream<Path> files = Files.walk(directory)) {
            files.map(Path::toFile).sorted((a, b) -> b.compareTo(a)).forEach(File::delete);
        }
        System.out.println("torture seed " + seed + ": " + (failure.isEmpty() ? "well" : "FAILED") + " after "
                + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began) + " ms; "
                + String.join("; ", plan).replace("\n", " "));
        return failure;
    }
}
