package io.pgcaravan.server;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A PostgreSQL cluster of our own in one directory: initialized, started, and at the end stopped and deleted.
 *
 * <p>It listens on a free port of 127.0.0.1 and on a Unix socket in its directory, for the superuser {@value #USER} with
 * a random password. A {@link Watchdog} sees to it that the server goes with this process, however that ends.
 */
public final class PrivateCluster extends ThrowAwayServer {

    /** The superuser's name. */
    public static final String USER = "postgres";

    /** The settings of a cluster whose data need not survive a crash of the machine. */
    public static final Map<String, String> SETTINGS = Map.of(
            "fsync", "off",
            "full_page_writes", "off",
            "synchronous_commit", "on",
            "shared_buffers", "256MB",
            "max_connections", "100",
            "max_wal_senders", "0",
            "wal_level", "replica");

    private static final int START_ATTEMPTS = 3;
    private static final int START_SECONDS = 60;
    private static final int LONGEST_SOCKET_PATH = 107;

    private final ServerBinaries binaries;
    private final ServerUser user;
    private final Path directory;
    private final String password = randomPassword();
    private final Watchdog watchdog;
    private int port;

    private PrivateCluster(ServerBinaries binaries, ServerUser user, Path directory) throws IOException {
        this.binaries = binaries;
        this.user = user;
        this.directory = directory;
        user.write(log(), "");
        String remove = Watchdog.commandLine(List.of("rm", "-rf", directory.toString()));
        watchdog = Watchdog.start(log(), pgCtl("stop", "--mode=immediate") + "; " + remove, environment -> {
            environment.keySet().removeIf(name -> name.startsWith("PG") || name.startsWith("LC_"));
            environment.put("LC_ALL", "C");
        });
    }

    /**
     * Initializes and starts a cluster.
     *
     * @param directory where it lives; made if missing, refused if not empty, deleted at the end. Where the server must run
     *     as another user, who cannot enter it, a new directory under {@code java.io.tmpdir} takes its place.
     * @param settings server settings that differ from {@link #SETTINGS}
     * @throws ThrowAwayServerException where the server programs are missing or the server does not start
     */
    public static PrivateCluster start(Path directory, Map<String, String> settings) {
        ServerBinaries binaries = ServerBinaries.find()
                .orElseThrow(
                        () -> new ThrowAwayServerException("this machine has no PostgreSQL server programs with PgQ"
                                + " beside them: install the packages postgresql-NN and postgresql-NN-pgq3"));
        try {
            ServerUser user = ServerUser.choose();
            PrivateCluster cluster = new PrivateCluster(binaries, user, user.directory(directory.toAbsolutePath()));
            try {
                cluster.initialize();
                cluster.firstStart(settings);
                cluster.endWithTheProcess();
                return cluster;
            } catch (IOException | RuntimeException e) {
                cluster.end();
                throw e;
            }
        } catch (IOException e) {
            throw new ThrowAwayServerException("cannot make a private PostgreSQL cluster in " + directory, e);
        }
    }

    private void initialize() throws IOException {
        Path passwordFile = directory.resolve("password");
        user.write(passwordFile, password + "\n");
        int status = watchdog.run(user.commandLine(
                binaries.program("initdb").toString(),
                "--pgdata=" + data(),
                "--username=" + USER,
                "--pwfile=" + passwordFile,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync"));
        Files.delete(passwordFile);
        if (status != 0) {
            throw new ThrowAwayServerException(
                    "initdb failed in " + directory + "; its output ends with" + Watchdog.tail(log()));
        }
    }

    private void firstStart(Map<String, String> settings) throws IOException {
        for (int attempt = 1; ; attempt++) {
            port = freePort();
            Files.writeString(data().resolve("postgresql.auto.conf"), configuration(settings));
            if (watchdog.run(pgCtl("start")) == 0) {
                return;
            }
            // between our look and the server's bind another process may have taken the port
            boolean portTaken = Files.readString(log()).contains("Address already in use");
            if (!portTaken || attempt == START_ATTEMPTS) {
                throw new ThrowAwayServerException("the private PostgreSQL server in " + directory
                        + " does not start; its log ends with" + Watchdog.tail(log()));
            }
        }
    }

    private String configuration(Map<String, String> settings) {
        Map<String, String> all = new LinkedHashMap<>(SETTINGS);
        all.putAll(settings);
        all.put("listen_addresses", "127.0.0.1");
        all.put("port", Integer.toString(port));
        String socket = directory + "/.s.PGSQL." + port + ".lock";
        boolean fits = socket.getBytes(StandardCharsets.UTF_8).length <= LONGEST_SOCKET_PATH;
        all.put("unix_socket_directories", fits ? directory.toString() : "");
        StringBuilder text = new StringBuilder();
        all.forEach((name, value) -> text.append("%s = '%s'\n".formatted(name, value.replace("'", "''"))));
        return text.toString();
    }

    private Path data() {
        return directory.resolve("data");
    }

    private Path log() {
        return directory.resolve("server.log");
    }

    /** @param mode of a stop, else empty */
    private String pgCtl(String action, String... mode) {
        return user.commandLine(
                        binaries.program("pg_ctl").toString(),
                        "--pgdata=" + data(),
                        "--log=" + log(),
                        "--timeout=" + START_SECONDS,
                        "--silent",
                        "--wait",
                        action)
                + " " + String.join(" ", mode);
    }

    /** The directory it lives in, which may differ from the one asked for. */
    public Path directory() {
        return directory;
    }

    /** The port on 127.0.0.1; it stays the same for the cluster's life. */
    public int port() {
        return port;
    }

    public String password() {
        return password;
    }

    /** The process id of the shell that ends the server when this process goes. */
    long watchdogPid() {
        return watchdog.pid();
    }

    /** The process id of the running server. */
    long serverPid() throws IOException {
        return Long.parseLong(
                Files.readAllLines(data().resolve("postmaster.pid")).get(0).strip());
    }

    @Override
    public String description() {
        return "private PostgreSQL on port " + port + ", in " + directory;
    }

    @Override
    public String jdbcUrl(String database) {
        return loopbackUrl(port, database, USER, password);
    }

    @Override
    public void stop(boolean immediate) {
        control("stop", immediate ? "--mode=immediate" : "--mode=fast");
    }

    @Override
    public void startAgain() {
        control("start");
    }

    private void control(String action, String... mode) {
        try {
            if (watchdog.run(pgCtl(action, mode)) != 0) {
                throw new ThrowAwayServerException("cannot " + action + " the private PostgreSQL server in " + directory
                        + "; its log ends with" + Watchdog.tail(log()));
            }
        } catch (IOException e) {
            throw new ThrowAwayServerException(
                    "cannot " + action + " the private PostgreSQL server in " + directory, e);
        }
    }

    @Override
    protected void end() {
        watchdog.close();
    }
}
