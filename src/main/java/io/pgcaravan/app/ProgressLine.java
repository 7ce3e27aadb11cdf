package io.pgcaravan.app;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;

/** A line of progress that is written over itself on a terminal; elsewhere a line of its own every few seconds. */
public final class ProgressLine {

    private static final long PLAIN_INTERVAL = TimeUnit.SECONDS.toNanos(5);

    private final PrintWriter out;
    private final boolean terminal;
    private int width;
    private long nextPlain = System.nanoTime();

    public ProgressLine(PrintWriter out) {
        this(out, stdoutIsTerminal());
    }

    public ProgressLine(PrintWriter out, boolean terminal) {
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

    /** Shows how things stand. */
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

    /** Leaves the line as it stands, and starts a new one. */
    public synchronized void end() {
        if (terminal && width > 0) {
            out.println();
            out.flush();
            width = 0;
        }
    }
}
