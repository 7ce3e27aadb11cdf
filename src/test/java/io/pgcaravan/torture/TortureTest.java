package io.pgcaravan.torture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Random schemas, routes, workloads, settings and faults: in the end each change is in the target once, as it was, or an error named its
 * cause. A seed decides all of it but the moments of real time at which faults strike.
 *
 * <p>{@code -Dtorture.seed=N} runs one seed, {@code -Dtorture.seconds=S} runs new ones for so long, {@code -Dtorture.job=dispatch} (or
 * ship) only those of that job, {@code -Dtorture.known=true} what is known to fail as well.
 */
class TortureTest {

    static final boolean KNOWN = Boolean.getBoolean("torture.known");
    private static final String JOB = System.getProperty("torture.job", "");
    private static final int SECONDS = Integer.getInteger("torture.seconds", 0);

    /** What each run of the suite tries; .ci/full draws new ones. */
    private static final List<Long> CORE = List.of(
            512724820L,
            566669380L,
            73986979L,
            138224761L,
            752297285L,
            374183657L,
            154409726L,
            38528989L,
            486837099L,
            543610812L,
            20810859L,
            50200044L);

    @Test
    void everyChangeArrivesOnceOrIsRefusedByName() throws Exception {
        Long one = Long.getLong("torture.seed");
        if (one == null && SECONDS == 0) {
            List<String> failed = new ArrayList<>();
            for (long seed : CORE) {
                run(seed, failed);
            }
            if (!failed.isEmpty()) {
                throw new AssertionError(String.join("\n\n", failed));
            }
            return;
        }
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        List<String> failures = new ArrayList<>();
        int runs = 0;
        do {
            long seed = one != null ? one : new Random().nextInt(1_000_000_000);
            if (one == null && !JOB.isEmpty() && !JOB.equals(job(seed))) {
                continue;
            }
            runs++;
            run(seed, failures);
        } while (one == null && System.nanoTime() < end);
        System.out.println("torture: " + runs + " seeds, " + failures.size() + " failures");
        if (!failures.isEmpty()) {
            throw new AssertionError(String.join("\n\n", failures));
        }
    }

    private static String job(long seed) {
        return seed % 3 == 0 ? "ship" : "dispatch";
    }

    private static void run(long seed, List<String> failures) throws IOException {
        List<String> plan = new ArrayList<>();
        Path directory = Files.createTempDirectory("torture-");
        long began = System.nanoTime();
        String result = "well";
        try {
            if (job(seed).equals("dispatch")) {
                try (DispatchTorture torture = new DispatchTorture(new Random(seed), plan, directory)) {
                    torture.run();
                }
            } else {
                try (ShipTorture torture = new ShipTorture(new Random(seed), plan, directory)) {
                    torture.run();
                }
            }
        } catch (Exception | Error e) {
            String where = Stream.iterate((Throwable) e, Objects::nonNull, Throwable::getCause)
                    .map(cause -> cause
                            + Stream.of(cause.getStackTrace())
                                    .filter(element -> element.getClassName().contains("torture"))
                                    .limit(3)
                                    .map(element -> " at " + element)
                                    .collect(Collectors.joining()))
                    .collect(Collectors.joining("\ncaused by "));
            result = "FAILED";
            failures.add("seed " + seed + " (replay with -Dtorture.seed=" + seed + ")\n" + String.join("\n", plan)
                    + "\n" + where);
            System.out.println(failures.get(failures.size() - 1));
        } finally {
            try (Stream<Path> files = Files.walk(directory)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
        System.out.println("torture seed " + seed + ": " + result + " after "
                + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began) + " ms; "
                + String.join("; ", plan).replace("\n", " "));
    }
}
