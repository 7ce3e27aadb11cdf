package io.pgcaravan.server;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * A shell that runs commands for us and cleans up when we go, even by SIGKILL: it reads from a pipe whose other end only
 * this process holds, so the end of that pipe is the end of us. Whatever must not outlive us is started by this
 * shell, one command after the other, so that there is no moment at which it could be missed.
 */
public final class Watchdog implements AutoCloseable {

    private static final long CLEAN_UP_SECONDS = 60;

    private final Process shell;
    private final BufferedReader answers;

    private Watchdog(Process shell) {
        this.shell = shell;
        this.answers = shell.inputReader(StandardCharsets.UTF_8);
    }

    /**
     * @param log where the output of the commands goes; the shell appends
     * @param cleanUp the command that runs when this process closes the watchdog or ends
     * @param environment changes the environment of the commands
     */
    public static Watchdog start(Path log, String cleanUp, Consumer<Map<String, String>> environment)
            throws IOException {
        List<String> command = new ArrayList<>();
        // A session of its own: a Ctrl-C at the terminal, or a signal to our process group, is for us and not for it.
        Executables.onPath("setsid").ifPresent(setsid -> command.add(setsid.toString()));
        command.addAll(List.of("sh", "-c", script(), "caravan-watchdog", log.toString(), cleanUp));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(Path.of("/").toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        environment.accept(builder.environment());
        return new Watchdog(builder.start());
    }

    private static String script() {
        try (InputStream script = Watchdog.class.getResourceAsStream("watchdog.sh")) {
            return new String(script.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs a command and waits for it. Returns its exit status. */
    public synchronized int run(String command) throws IOException {
        send(command);
        String answer = answers.readLine();
        if (answer == null) {
            throw new IOException("the shell that runs \"" + command + "\" has ended");
        }
        return Integer.parseInt(answer);
    }

    private void send(String line) throws IOException {
        shell.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
        shell.getOutputStream().flush();
    }

    public long pid() {
        return shell.pid();
    }

    /** Runs the clean-up command and waits until it is done. Does nothing the second time. */
    @Override
    public synchronized void close() {
        try {
            shell.getOutputStream().close();
        } catch (IOException gone) {
            // it has ended already
        }
        awaitEnd();
    }

    private void awaitEnd() {
        try {
            if (!shell.waitFor(CLEAN_UP_SECONDS, TimeUnit.SECONDS)) {
                shell.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One command line for {@code sh} out of words that are taken literally. */
    public static String commandLine(List<String> words) {
        return words.stream().map(Watchdog::quoted).collect(Collectors.joining(" "));
    }

    private static String quoted(String word) {
        if (word.indexOf('\n') >= 0) {
            throw new IllegalArgumentException("a line break in \"" + word + "\": use a path without one");
        }
        return word.matches("[A-Za-z0-9_./:=@%+-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /** The last lines of a log, in one string that fits a message. */
    public static String tail(Path log) {
        if (!Files.isReadable(log)) {
            return "(no log at " + log + ")";
        }
        try {
            List<String> lines = new String(Files.readAllBytes(log), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            return lines.stream().skip(Math.max(0, lines.size() - 8)).collect(Collectors.joining("\n  ", "\n  ", ""));
        } catch (IOException e) {
            return "(cannot read " + log + ": " + e.getMessage() + ")";
        }
    }
}
