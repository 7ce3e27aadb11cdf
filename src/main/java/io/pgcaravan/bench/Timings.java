package io.pgcaravan.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** How many seconds the runs of one thing took. */
final class Timings {

    private final List<Double> seconds = new ArrayList<>();

    /** Work that is timed. */
    interface Work {
        void run() throws Exception;
    }

    static Timings of(int runs, Callable<Double> run) throws Exception {
        Timings timings = new Timings();
        for (int i = 0; i < runs; i++) {
            timings.add(run.call());
        }
        return timings;
    }

    static double seconds(Work work) throws Exception {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    /** Asks again and again until it is so. */
    static void await(int millis, long minutes, String otherwise, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(minutes);
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(otherwise);
            }
            Thread.sleep(millis);
        }
    }

    void add(double run) {
        seconds.add(run);
    }

    double of(int run) {
        return seconds.get(run);
    }

    /** How often these go into the time of others, turn by turn. */
    Timings per(Timings others) {
        Timings ratios = new Timings();
        for (int i = 0; i < seconds.size(); i++) {
            ratios.add(seconds.get(i) / others.of(i));
        }
        return ratios;
    }

    double median() {
        return seconds.stream().sorted().toList().get(seconds.size() / 2);
    }

    double fastest() {
        return Collections.min(seconds);
    }

    double slowest() {
        return Collections.max(seconds);
    }
}
