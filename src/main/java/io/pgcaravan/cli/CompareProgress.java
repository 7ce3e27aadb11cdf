package io.pgcaravan.cli;

import io.pgcaravan.app.ProgressLine;
import io.pgcaravan.ship.compare.Comparison;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** The progress line of a comparison: what is being done, for how long, and with how many rows. */
final class CompareProgress implements Comparison.Progress {

    private static final long INTERVAL = TimeUnit.MILLISECONDS.toNanos(200);

    private final ProgressLine line;
    private final long started = System.nanoTime();
    private long next = started + INTERVAL;

    CompareProgress(PrintWriter out) {
        line = new ProgressLine(out);
    }

    @Override
    public void at(String doing, long rows) {
        long now = System.nanoTime();
        if (now - next >= 0) {
            next = now + INTERVAL;
            line.show(String.format(
                    Locale.ROOT,
                    "%s, %s%d s",
                    doing,
                    rows == 0 ? "" : String.format(Locale.ROOT, "%,d rows, ", rows),
                    TimeUnit.NANOSECONDS.toSeconds(now - started)));
        }
    }

    void clear() {
        line.clear();
    }
}
