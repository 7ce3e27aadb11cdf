package io.pgcaravan.app;

import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.sql.TableName;
import io.pgcaravan.status.Words;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * A line of progress that is written over itself on a terminal; elsewhere a line of its own every few seconds. Closing takes it
 * away.
 */
public final class Progress implements AutoCloseable {

    private static final long PLAIN_INTERVAL = TimeUnit.SECONDS.toNanos(5);
    private static final long INTERVAL = TimeUnit.MILLISECONDS.toNanos(200);

    private final PrintWriter out;
    private final boolean terminal;
    private int width;
    private long nextPlain = System.nanoTime();
    /** What is being carried or compared, since when, and when the line is due again. */
    private String current = "";

    private long started = System.nanoTime();
    private long next = started + INTERVAL;

    public Progress(PrintWriter out) {
        this(out, stdoutIsTerminal());
    }

    public Progress(PrintWriter out, boolean terminal) {
        this.out = PlainWriter.drawing(out);
        this.terminal = terminal;
    }

    /** {@code System.console()} also wants a terminal as input, and from Java 22 on is there without any. */
    public static boolean stdoutIsTerminal() {
        try {
            return new ProcessBuilder("test", "-t", "1")
                            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    public void exported(TableName table, SetPart part, long rows, long bytes, long expectedRows) {
        String what = table + ": " + part.name().toLowerCase(Locale.ROOT);
        carried(what, rows + " rows, " + Words.bytes(bytes), bytes, rows, expectedRows);
    }

    /** @param rows that the whole file has; those that were sent follow from the bytes */
    public void imported(Object set, SetPart part, long rows, long bytes, long of) {
        long sent = of == 0 ? 0 : (long) ((double) rows * bytes / of);
        String text = sent + " of " + rows + " rows, " + Words.bytes(bytes) + " of " + Words.bytes(of);
        carried(set + ": " + part.name().toLowerCase(Locale.ROOT), text, bytes, bytes, of);
    }

    public void imported(String file, long bytes, long of) {
        carried(file + ":", Words.bytes(bytes) + " of " + Words.bytes(of), bytes, bytes, of);
    }

    /** With the speed, and the time that is left where it is known. */
    private void carried(String what, String text, long bytes, long done, long expected) {
        if (!what.equals(current)) {
            current = what;
            started = System.nanoTime();
            next = started + INTERVAL;
        }
        if (isDue()) {
            double seconds = (System.nanoTime() - started) / 1e9;
            String left = "";
            if (expected > done && done > 0) {
                long remaining = Math.round(seconds * (expected - done) / done);
                left = String.format(", about %d:%02d left", remaining / 60, remaining % 60);
            }
            String line = what.endsWith(":") ? what + " " + text : what + ", " + text;
            show(line + ", " + Words.bytes(bytes / seconds) + "/s" + left);
        }
    }

    /** What a comparison is doing, and with how many rows, which may be 0. */
    public void compared(String doing, long rows) {
        if (isDue()) {
            long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - started);
            show(doing + ", " + (rows == 0 ? "" : Words.count(rows) + " rows, ") + seconds + " s");
        }
    }

    private boolean isDue() {
        long now = System.nanoTime();
        if (now - next < 0) {
            return false;
        }
        next = now + INTERVAL;
        return true;
    }

    /** Shows a line at once. */
    public synchronized void show(String line) {
        String text = PlainWriter.oneLine(line);
        if (terminal) {
            out.print("\r" + text + " ".repeat(Math.max(0, width - text.length())));
            width = text.length();
        } else if (System.nanoTime() - nextPlain >= 0) {
            out.println(text);
            nextPlain = System.nanoTime() + PLAIN_INTERVAL;
        }
        out.flush();
    }

    /** Takes the line away. */
    public synchronized void clear() {
        if (terminal && width > 0) {
            out.print("\r" + " ".repeat(width) + "\r");
            out.flush();
            width = 0;
        }
        nextPlain = System.nanoTime();
    }

    @Override
    public void close() {
        clear();
    }

    /** Leaves the line as it stands, and starts a new one. */
    public synchronized void end() {
        if (terminal && width > 0) {
            out.println();
            out.flush();
            width = 0;
        }
    }
}
