package io.pgcaravan.app;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Warnings and errors of an application that runs behind a command's own output: kept in memory, to be shown only where
 * something went wrong. Nothing of it stays behind on disk.
 */
public final class QuietLog {

    private static final String CONFIGURATION = "classpath:io/pgcaravan/app/quiet-log4j2.properties";

    private static final int KEPT_BYTES = 1 << 16;

    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();

    private QuietLog() {}

    /** Leaves only warnings and errors, on the standard error. Has to come before the first logger. */
    public static void warningsOnly() {
        System.setProperty("log4j2.configurationFile", CONFIGURATION);
    }

    /** Diverts logging, and all else that is written to the standard error. Has to come before the first logger. */
    public static QuietLog divert() {
        QuietLog log = new QuietLog();
        System.setErr(new PrintStream(log.new Tail(), true, StandardCharsets.UTF_8));
        warningsOnly();
        return log;
    }

    /** The last lines, each behind two blanks; empty where there is nothing. */
    public String tail(int lines) {
        String text;
        synchronized (kept) {
            text = kept.toString(StandardCharsets.UTF_8);
        }
        List<String> all = text.lines().filter(line -> !line.isBlank()).toList();
        return all.stream()
                .skip(Math.max(0, all.size() - lines))
                .map(line -> "  " + line)
                .collect(Collectors.joining("\n"));
    }

    private final class Tail extends OutputStream {

        @Override
        public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int length) {
            synchronized (kept) {
                if (kept.size() > KEPT_BYTES) {
                    byte[] all = kept.toByteArray();
                    kept.reset();
                    kept.write(all, all.length - KEPT_BYTES / 2, KEPT_BYTES / 2);
                }
                kept.write(bytes, from, length);
            }
        }
    }
}
