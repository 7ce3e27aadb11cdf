package io.pgcaravan.server;

import io.pgcaravan.app.Executables;
import io.pgcaravan.app.Watchdog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The service {@code source} of docker-compose.yml, as a Compose project of its own that goes with this process. */
final class ComposeServer implements ThrowAwayServer {

    private static final long START_SECONDS = 120;

    /** The superuser that docker-compose.yml names. */
    static final String USER = "caravan";

    private final String project;
    private final Path directory;
    private final int port;
    private final String password;
    private final Watchdog watchdog;
    private final List<String> compose;
    private final Thread shutdownHook;

    private ComposeServer(
            String project, Path directory, int port, String password, Watchdog watchdog, List<String> compose) {
        this.project = project;
        this.directory = directory;
        this.port = port;
        this.password = password;
        this.watchdog = watchdog;
        this.compose = compose;
        this.shutdownHook = new Thread(watchdog::close, project + "-end");
    }

    /** Whether a Docker engine answers and Compose is there. */
    static boolean available() {
        return Executables.output(List.of("docker", "info")).isPresent()
                && composeCommand().isPresent();
    }

    private static Optional<List<String>> composeCommand() {
        for (List<String> command : List.of(List.of("docker", "compose"), List.of("docker-compose"))) {
            List<String> version = new ArrayList<>(command);
            version.add("version");
            if (Executables.output(version).isPresent()) {
                return Optional.of(command);
            }
        }
        return Optional.empty();
    }

    /** Builds the image where it is missing, which takes a minute, and starts the server. */
    static ComposeServer start(String purpose, Map<String, String> settings) {
        Path file = ThrowAwayServer.composeFile();
        if (!Files.isReadable(file)) {
            throw new ThrowAwayServerException("there is no " + file + " to start a server in Docker from");
        }
        String project = "pgcaravan-" + purpose + "-" + ProcessHandle.current().pid();
        List<String> compose = new ArrayList<>(composeCommand().orElseThrow());
        compose.addAll(List.of("-f", file.toString(), "-p", project));
        try {
            return start(project, compose, settings);
        } catch (IOException e) {
            throw new ThrowAwayServerException("cannot start the server of " + file + " in Docker", e);
        }
    }

    private static ComposeServer start(String project, List<String> compose, Map<String, String> settings)
            throws IOException {
        Path directory = Files.createTempDirectory(project + "-");
        Path log = directory.resolve("compose.log");
        int port = PrivateCluster.freePort();
        String password = PrivateCluster.randomPassword();
        Watchdog watchdog = Watchdog.start(
                log,
                commandLine(compose, "down", "--volumes") + "; "
                        + Watchdog.commandLine(List.of("rm", "-rf", directory.toString())),
                environment -> {
                    environment.put("CARAVAN_SOURCE_PORT", Integer.toString(port));
                    environment.put("CARAVAN_PG_PASSWORD", password);
                    environment.put("CARAVAN_PG_OPTIONS", options(settings));
                });
        ComposeServer server = new ComposeServer(project, directory, port, password, watchdog, compose);
        try {
            server.run("up", "-d", "source");
            server.awaitAnswer();
            Runtime.getRuntime().addShutdownHook(server.shutdownHook);
            return server;
        } catch (RuntimeException e) {
            watchdog.close();
            throw e;
        }
    }

    private static String options(Map<String, String> settings) {
        StringBuilder options = new StringBuilder();
        settings.forEach(
                (name, value) -> options.append(" -c ").append(name).append('=').append(value));
        return options.toString().strip();
    }

    private static String commandLine(List<String> compose, String... words) {
        List<String> all = new ArrayList<>(compose);
        all.addAll(List.of(words));
        return Watchdog.commandLine(all);
    }

    private void run(String... words) {
        try {
            if (watchdog.run(commandLine(compose, words)) != 0) {
                throw new ThrowAwayServerException(String.join(" ", compose) + " " + String.join(" ", words)
                        + " failed; its output ends with" + Watchdog.tail(directory.resolve("compose.log")));
            }
        } catch (IOException e) {
            throw new ThrowAwayServerException("cannot run " + String.join(" ", compose), e);
        }
    }

    private void awaitAnswer() {
        long deadline = System.nanoTime() + START_SECONDS * 1_000_000_000L;
        while (true) {
            try {
                DriverManager.getConnection(jdbcUrl("postgres")).close();
                return;
            } catch (SQLException notYet) {
                if (System.nanoTime() > deadline) {
                    throw new ThrowAwayServerException(
                            "the server of Compose project " + project + " does not answer on port " + port, notYet);
                }
            }
            try {
                Thread.sleep(200);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ThrowAwayServerException("interrupted while the server of " + project + " starts");
            }
        }
    }

    @Override
    public String description() {
        return "PostgreSQL in Docker on port " + port + ", Compose project " + project;
    }

    @Override
    public String jdbcUrl(String database) {
        return ThrowAwayServer.loopbackUrl(port, database, USER, password);
    }

    @Override
    public void stop(boolean immediate) {
        run(immediate ? "kill" : "stop", "source");
    }

    @Override
    public void startAgain() {
        run("start", "source");
        awaitAnswer();
    }

    @Override
    public String keep() {
        try {
            watchdog.keep();
        } catch (IOException e) {
            throw new ThrowAwayServerException("cannot leave Compose project " + project + " up", e);
        }
        forgetShutdownHook();
        return commandLine(compose, "down", "--volumes");
    }

    @Override
    public void close() {
        forgetShutdownHook();
        watchdog.close();
    }

    private void forgetShutdownHook() {
        try {
            Runtime.getRuntime().removeShutdownHook(shutdownHook);
        } catch (IllegalStateException goingDown) {
            // then it runs, or has run
        }
    }
}
