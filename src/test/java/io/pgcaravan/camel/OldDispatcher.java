package io.pgcaravan.camel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The other program of a hand-over: {@code old_dispatcher.py} on the distribution's python3-pgq. */
final class OldDispatcher {

    /** Where a process may stand still in the last of its batches. */
    enum Halt {
        ROWS,
        FINISH
    }

    private static final Path SCRIPT = Path.of("src/test/resources/handover/old_dispatcher.py");

    private static Optional<String> python;

    private final Path ini;

    /** @param ini as table_dispatcher reads it */
    OldDispatcher(Path ini) {
        this.ini = ini;
    }

    /** A Python that has PgQ's consumers, if there is one. */
    static synchronized Optional<String> python() {
        if (python == null) {
            python = Stream.of("/usr/bin/python3", "python3")
                    .filter(OldDispatcher::hasPgq)
                    .findFirst();
        }
        return python;
    }

    private static boolean hasPgq(String command) {
        try {
            Process process = new ProcessBuilder(command, "-c", "import pgq.remoteconsumer, skytools, psycopg2")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Applies all that there is. */
    void runToTheEnd() throws Exception {
        run(0);
    }

    /**
     * Applies batches and stops in order.
     *
     * @param batches at most
     */
    void run(int batches) throws Exception {
        Process process = start(batches, null);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IllegalStateException("the old program failed:\n" + output);
        }
    }

    /** Applies batches up to the last one of {@code batches}, and is killed in it. */
    void runAndKill(int batches, Halt where) throws Exception {
        Process process = start(batches, where);
        StringBuilder output = new StringBuilder();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line = lines.readLine();
            while (line != null && !line.equals("STANDS STILL")) {
                output.append(line).append('\n');
                line = lines.readLine();
            }
            if (line == null) {
                throw new IllegalStateException("the old program ended before its batch " + batches + ":\n" + output);
            }
        } finally {
            process.destroyForcibly();
            process.waitFor(1, TimeUnit.MINUTES);
        }
    }

    private Process start(int batches, Halt halt) throws IOException {
        List<String> command = new ArrayList<>(List.of(python().orElseThrow(), SCRIPT.toString(), ini.toString()));
        // nothing to do is the end
        command.addAll(List.of("--set", "loop_delay=0", "--set", "test_batches=" + batches));
        if (halt != null) {
            command.addAll(List.of("--set", "test_halt=" + halt.name().toLowerCase(Locale.ROOT)));
        }
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("PGTZ", "UTC");
        builder.environment().put("PGCLIENTENCODING", "UTF8");
        builder.environment().put("PYTHONIOENCODING", "UTF-8");
        builder.environment().put("PYTHONUTF8", "1");
        return builder.start();
    }

    /** A database as an ini file names it. */
    static String conninfo(String jdbcUrl) {
        URI uri = URI.create(jdbcUrl.substring("jdbc:".length()));
        StringBuilder conninfo = new StringBuilder("host=" + uri.getHost());
        if (uri.getPort() > 0) {
            conninfo.append(" port=").append(uri.getPort());
        }
        conninfo.append(" dbname=").append(uri.getPath().substring(1));
        for (String option :
                uri.getRawQuery() == null ? new String[0] : uri.getRawQuery().split("&")) {
            String[] parts = option.split("=", 2);
            if (parts[0].equals("user") || parts[0].equals("password")) {
                conninfo.append(' ')
                        .append(parts[0])
                        .append("='")
                        .append(URLDecoder.decode(parts[1], StandardCharsets.UTF_8)
                                .replace("\\", "\\\\")
                                .replace("'", "\\'"))
                        .append('\'');
            }
        }
        return conninfo.toString();
    }
}
