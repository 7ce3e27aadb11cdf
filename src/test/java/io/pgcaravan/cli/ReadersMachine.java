package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import io.pgcaravan.server.ServerBinaries;
import io.pgcaravan.server.ThrowAwayServer;
import io.pgcaravan.server.Watchdog;
import io.pgcaravan.sql.Query;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.postgresql.Driver;

/**
 * The machine of somebody who reads a page and types what it says: a directory with {@code ./caravan}, {@code config} and
 * {@code routes} as they ship, a home directory of its own, a PostgreSQL server on which {@code dbname=shop} is a database
 * and {@code psql shop} leads there, and hosts {@code db1} and {@code db2}, which are this one.
 *
 * <p>{@code ./caravan} is run by a {@link WarmCaravan}, but for what goes on until it is stopped, which is a process of its own.
 */
final class ReadersMachine implements AutoCloseable {

    private static final int SECONDS = 60;

    private static final Path SCRIPTS = Path.of("src/test/resources/reader");

    private final Path directory;
    private final Path home;
    private final Path programs;
    /** Where the reader stands. */
    final Path here;

    private final Map<String, String> environment = new TreeMap<>();
    private final Set<String> databases = new TreeSet<>();
    private final Set<String> roles = new TreeSet<>();
    private final Process warm;
    private final int managementPort;
    private Started running;

    /** What a command has come to. */
    record Ran(int status, String out, String err) {}

    /** @param directory empty; its path is short, as sockets of gpg lie in it */
    ReadersMachine(Path directory) throws IOException {
        this.directory = directory;
        home = Files.createDirectory(directory.resolve("home"));
        programs = Files.createDirectory(directory.resolve("bin"));
        here = Files.createDirectory(directory.resolve("here"));
        managementPort = freePort();
        var server = Driver.parseURL(PgServer.get().jdbcUrl("postgres"), null);
        String user = server.getProperty("user");
        String password = server.getProperty("password");
        Files.writeString(home.resolve(".pgpass"), "*:*:*:" + user + ":" + password + "\n*:*:*:caravan:caravan\n");
        Files.setPosixFilePermissions(home.resolve(".pgpass"), PosixFilePermissions.fromString("rw-------"));
        Files.writeString(directory.resolve("hosts"), "127.0.0.1 localhost db1 db2 branch.example\n");
        String psql = ServerBinaries.find()
                .map(binaries -> binaries.directory() + File.pathSeparator)
                .orElse("");
        environment.putAll(Map.of(
                "HOME", home.toString(),
                "LC_ALL", "C.UTF-8",
                "PGHOST", server.getProperty("PGHOST"),
                "PGPORT", server.getProperty("PGPORT"),
                "PGUSER", user,
                "PATH", programs + File.pathSeparator + psql + System.getenv("PATH"),
                "READER", directory.toString()));
        Files.write(
                directory.resolve("jars"),
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> entry.endsWith(".jar"))
                        .toList());
        program(directory.resolve("java"), "#!/bin/sh\nexec " + Watchdog.commandLine(java()) + " \"$@\"\n");
        program(programs.resolve("caravan"), Files.readString(SCRIPTS.resolve("caravan")));
        warm = warm();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            return socket.getLocalPort();
        }
    }

    /** Java with what the launcher gives it. */
    private List<String> java() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dcaravan.home=" + here,
                "-Duser.home=" + home,
                "-Djdk.net.hosts.file=" + directory.resolve("hosts"),
                "-Dlog4j2.configurationFile="
                        + Path.of("config/log4j2.properties").toAbsolutePath(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-cp",
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .map(entry -> Path.of(entry).toAbsolutePath().toString())
                        .collect(Collectors.joining(File.pathSeparator)));
    }

    private static void program(Path file, String script) throws IOException {
        Files.writeString(file, script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** A file in the reader's home. */
    void file(String name, String text) throws IOException {
        Path file = home.resolve(name);
        Files.createDirectories(file.getParent());
        Files.setPosixFilePermissions(file.getParent(), PosixFilePermissions.fromString("rwx------"));
        Files.writeString(file, text);
    }

    private Process warm() throws IOException {
        List<String> command = new ArrayList<>(java());
        command.add(WarmCaravan.class.getName());
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(here.toFile())
                .redirectError(directory.resolve("warm.log").toFile());
        prepare(builder);
        Process process = builder.start();
        Files.writeString(directory.resolve("port"), process.inputReader().readLine());
        return process;
    }

    private void prepare(ProcessBuilder builder) {
        builder.environment().keySet().removeIf(name -> name.startsWith("PG") || name.startsWith("CARAVAN_"));
        builder.environment().putAll(environment);
    }

    /** Everything as it was before anybody typed anything. */
    void fresh() throws Exception {
        stopRunning();
        for (String database : List.copyOf(databases)) {
            dropDatabase(database);
        }
        for (String role : roles) {
            sql("postgres", "drop role " + role);
        }
        roles.clear();
        shell("find \"$1\" -mindepth 1 -delete && cp -r config routes \"$1\"", here);
        program(here.resolve("caravan"), Files.readString(SCRIPTS.resolve("caravan")));
        program(here.resolve("mvnw"), Files.readString(SCRIPTS.resolve("mvnw")));
        configure(Map.of("camel.management.port", Integer.toString(managementPort), "status.period", "500"));
    }

    private static void shell(String command, Path path) throws Exception {
        int status = new ProcessBuilder("sh", "-c", command, "sh", path.toString())
                .inheritIO()
                .start()
                .waitFor();
        assertThat(status).as(command).isZero();
    }

    /** Puts keys into {@code config/application.properties}, in the places of those that are there. */
    void configure(Map<String, String> keys) throws IOException {
        Path file = here.resolve("config/application.properties");
        String text = Files.readString(file);
        for (Map.Entry<String, String> key : keys.entrySet()) {
            text = text.replaceAll("(?m)^" + key.getKey().replace(".", "\\.") + " *=.*\n", "") + key.getKey() + " = "
                    + key.getValue().replace("\\", "\\\\") + "\n";
        }
        Files.writeString(file, text);
    }

    /** An empty database of exactly that name; one that is there already is a failure, unless it was made here. */
    void database(String name, String... statements) throws Exception {
        if (databases.contains(name)) {
            dropDatabase(name);
        }
        try (Connection connection = DriverManager.getConnection(PgServer.get().jdbcUrl("postgres"))) {
            ThrowAwayServer.create(connection, name, "UTF8");
        }
        databases.add(name);
        sql(name, statements);
    }

    private void dropDatabase(String name) throws SQLException {
        sql(
                "postgres",
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = '" + name + "'",
                "drop database " + name);
        databases.remove(name);
    }

    /** A role that may log in, with its own name as the password. */
    void role(String name) throws SQLException {
        sql("postgres", "create role " + name + " login password '" + name + "'");
        roles.add(name);
    }

    void sql(String database, String... statements) throws SQLException {
        try (Connection connection = connect(database)) {
            Query.execute(connection, statements);
        }
    }

    String value(String database, String query) throws SQLException {
        try (Connection connection = connect(database)) {
            return PgServer.value(connection, query);
        }
    }

    /** Waits until a query gives true; one that fails gives false. */
    void await(String database, String query) {
        try {
            Awaitility.await(query).atMost(Duration.ofSeconds(SECONDS)).until(() -> {
                try {
                    return "t".equals(value(database, query));
                } catch (SQLException e) {
                    return false;
                }
            });
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(query + (running == null ? "" : "\n" + running.printed()), e);
        }
    }

    private static Connection connect(String database) throws SQLException {
        return DriverManager.getConnection(PgServer.get().jdbcUrl(database));
    }

    /** Runs a command to its end. */
    Ran run(String command) throws Exception {
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        ProcessBuilder builder = bash(command)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .redirectInput(new File("/dev/null"));
        Process process = builder.start();
        if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
            process.destroy();
            throw new AssertionError(
                    "has not ended: " + command + "\n" + Files.readString(out) + Files.readString(err));
        }
        return new Ran(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    private ProcessBuilder bash(String command) {
        ProcessBuilder builder = new ProcessBuilder("bash", "-c", command).directory(here.toFile());
        prepare(builder);
        return builder;
    }

    /** Starts {@code caravan run}, in the place of one that runs already, and waits until all its jobs are well. */
    void start(String command) throws Exception {
        stopRunning();
        running = new Started(command);
        HttpClient http = HttpClient.newHttpClient();
        HttpRequest ready = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + managementPort + "/observe/health/ready"))
                .timeout(Duration.ofSeconds(10))
                .build();
        running.await(() -> {
            try {
                return http.send(ready, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
            } catch (IOException e) {
                return false;
            }
        });
    }

    /** As TERM does it; does nothing where nothing runs. */
    void stopRunning() throws Exception {
        if (running != null) {
            Started stopped = running;
            running = null;
            stopped.stop();
        }
    }

    /** Starts something that goes on until it is stopped, waits until it has printed a text, and stops it. */
    void look(String command, String text) throws Exception {
        Started looking = new Started(command);
        looking.await(() -> looking.printed().contains(text));
        looking.stop();
    }

    /** What goes on until it is stopped. */
    private final class Started {

        private final String command;
        private final Path output;
        private final Process process;

        Started(String command) throws IOException {
            this.command = command;
            output = Files.createTempFile(directory, "started", ".log");
            process = bash(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
        }

        String printed() {
            try {
                return Files.readString(output);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        void await(java.util.concurrent.Callable<Boolean> sign) throws Exception {
            long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
            while (!sign.call()) {
                if (!process.isAlive() || System.nanoTime() > until) {
                    process.destroyForcibly();
                    throw new AssertionError(command + (process.isAlive() ? "" : " ended") + ":\n" + printed());
                }
                Thread.sleep(100);
            }
        }

        void stop() throws Exception {
            process.destroy();
            if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError(command + " does not stop:\n" + printed());
            }
            if (process.exitValue() != 143) {
                throw new AssertionError(command + " stopped with " + process.exitValue() + ":\n" + printed());
            }
        }
    }

    @Override
    public void close() throws Exception {
        try {
            fresh();
        } finally {
            warm.destroy();
            warm.waitFor();
            shell("rm -rf \"$1\"", directory);
        }
    }
}
