package io.pgcaravan.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The service {@code source} of docker-compose.yml, as a Compose project of its own that goes with this process. */
final class ComposeServer extends ThrowAwayServer {

    private static final long START_SECONDS = 120;

    /** The superuser that docker-compose.yml names. */
    static final String USER = "caravan";

    private final String project;
    private final List<String> compose;
    private final Path log;
    private final int port = freePort();
    private final String password = randomPassword();
    private final Watchdog watchdog;

    private ComposeServer(Path file, String project, Map<String, String> settings) throws IOException {
        this.project = project;
        compose = Stream.concat(
                        composeCommand().orElseThrow().stream(), Stream.of("-f", file.toString(), "-p", project))
                .toList();
        Path directory = Files.createTempDirectory(project + "-");
        log = directory.resolve("compose.log");
        String options = settings.entrySet().stream()
                .map(setting -> "-c " + setting.getKey() + "=" + setting.getValue())
                .collect(Collectors.joining(" "));
        String remove = Watchdog.commandLine(List.of("rm", "-rf", directory.toString()));
        watchdog = Watchdog.start(log, commandLine("down", "--volumes") + "; " + remove, environment -> {
            environment.put("CARAVAN_SOURCE_PORT", Integer.toString(port));
            environment.put("CARAVAN_PG_PASSWORD", password);
            environment.put("CARAVAN_PG_OPTIONS", options);
        });
    }

    /** Whether a Docker engine answers and Compose is there. */
    static boolean available() {
        return Executables.output(List.of("docker", "info")).isPresent()
                && composeCommand().isPresent();
    }

    private static Optional<List<String>> composeCommand() {
        return Stream.of(List.of("docker", "compose"), List.of("docker-compose"))
                .filter(command -> Executables.output(Stream.concat(command.stream(), Stream.of("version"))
                                .toList())
                        .isPresent())
                .findFirst();
    }

    /** Builds the image where it is missing, which takes a minute, and starts the server. */
    static ComposeServer up(String purpose, Map<String, String> settings) {
        Path file = composeFile();
        if (!Files.isReadable(file)) {
            throw new ThrowAwayServerException("there is no " + file + " to start a server in Docker from");
        }
        String project = "pgcaravan-" + purpose + "-" + ProcessHandle.current().pid();
        ComposeServer server;
        try {
            server = new ComposeServer(file, project, settings);
        } catch (IOException e) {
            throw new ThrowAwayServerException("cannot start the server of " + file + " in Docker", e);
        }
        try {
            server.run("up", "-d", "source");
            server.awaitAnswer();
            server.endWithTheProcess();
            return server;
        } catch (RuntimeException e) {
            server.end();
            throw e;
        }
    }

    private String commandLine(String... words) {
        return Watchdog.commandLine(
                Stream.concat(compose.stream(), Stream.of(words)).toList());
    }

    private void run(String... words) {
        try {
            if (watchdog.run(commandLine(words)) != 0) {
                throw new ThrowAwayServerException(
                        commandLine(words) + " failed; its output ends with" + Watchdog.tail(log));
            }
        } catch (IOException e) {
            throw new ThrowAwayServerException("cannot run " + commandLine(words), e);
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
        return loopbackUrl(port, database, USER, password);
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
    protected void end() {
        watchdog.close();
    }
}
