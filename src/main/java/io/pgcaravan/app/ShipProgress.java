package io.pgcaravan.app;

import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.sql.TableName;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** The progress line of an export or import: rows or bytes, speed, time left. */
public final class ShipProgress {

    private static final long INTERVAL = TimeUnit.MILLISECONDS.toNanos(200);

    private final ProgressLine line;
    private Object current;
    private long started;
    private long next;

    public ShipProgress(PrintWriter out) {
        this(new ProgressLine(out));
    }

    public ShipProgress(ProgressLine line) {
        this.line = line;
    }

    public void exported(TableName table, SetPart part, long rows, long bytes, long expectedRows) {
        show(
                table + " " + part,
                table + ": " + part.name().toLowerCase(Locale.ROOT) + ", " + rows + " rows, " + size(bytes),
                bytes,
                rows,
                expectedRows);
    }

    /** @param rows that the whole file has; those that were sent are told by the bytes */
    public void imported(Object set, SetPart part, long rows, long bytes, long of) {
        show(
                set + " " + part,
                set + ": " + part.name().toLowerCase(Locale.ROOT) + ", "
                        + (of == 0 ? 0 : (long) ((double) rows * bytes / of)) + " of " + rows + " rows, " + size(bytes)
                        + " of " + size(of),
                bytes,
                bytes,
                of);
    }

    public void imported(String file, long bytes, long of) {
        show(file, file + ": " + size(bytes) + " of " + size(of), bytes, bytes, of);
    }

    private void show(Object file, String text, long bytes, long done, long expected) {
        long now = System.nanoTime();
        if (!file.equals(current)) {
            current = file;
            started = now;
            next = now + INTERVAL;
        }
        if (now - next < 0) {
            return;
        }
        next = now + INTERVAL;
        double seconds = (now - started) / 1e9;
        StringBuilder all = new StringBuilder(text)
                .append(", ")
                .append(size((long) (bytes / seconds)))
                .append("/s");
        if (expected > done && done > 0) {
            long left = Math.round(seconds * (expected - done) / done);
            all.append(String.format(", about %d:%02d left", left / 60, left % 60));
        }
        line.show(all.toString());
    }

    public void clear() {
        line.clear();
    }

    public static String size(long bytes) {
        return bytes < 10_000
                ? bytes + " bytes"
                : bytes < 10_000_000
                        ? bytes / 1000 + " kB"
                        : bytes < 10_000_000_000L ? bytes / 1_000_000 + " MB" : bytes / 1_000_000_000 + " GB";
    }
}
