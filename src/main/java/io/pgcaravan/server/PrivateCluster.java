package io.pgcaravan.server;

import io.pgcaravan.app.Executables;
import io.pgcaravan.app.Watchdog;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/**
 * A PostgreSQL cluster of our own in one directory: initialized, started, and at the end stopped and deleted.
 *
 * <p>It listens on a free port of 127.0.0.1 and on a Unix socket in its directory, for the superuser {@value #USER} with
 * a random password. A {@link Watchdog} sees to it that the server goes with this process, however that ends.
 */
public final class PrivateCluster implements ThrowAwayServer {

    /** The superuser's name. */
    public static final String USER = "postgres";

    /** The settings of a cluster whose data nobody wants back after a crash of the machine. */
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
    private final Path directory;
    private final List<String> asServerUser;
    private final int port;
    private final String password;
    private final Watchdog watchdog;
    private final Thread shutdownHook = new Thread(this::end, "private-cluster-end");

    private PrivateCluster(
            ServerBinaries binaries,
            Path directory,
            List<String> asServerUser,
            int port,
            String password,
            Watchdog watchdog) {
        this.binaries = binaries;
        this.directory = directory;
        this.asServerUser = asServerUser;
        this.port = port;
        this.password = password;
        this.watchdog = watchdog;
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
            Optional<UserPrincipal> serverUser = serverUser();
            List<String> asServerUser =
                    serverUser.map(user -> asUser(user.getName())).orElse(List.of());
            Path home = ownedDirectory(directory.toAbsolutePath(), serverUser, asServerUser);
            Map<String, String> all = new LinkedHashMap<>(SETTINGS);
            all.putAll(settings);
            return start(binaries, home, serverUser, asServerUser, all);
        } catch (IOException e) {
            throw new ThrowAwayServerException("cannot make a private PostgreSQL cluster in " + directory, e);
        }
    }

    private static PrivateCluster start(
            ServerBinaries binaries,
            Path directory,
            Optional<UserPrincipal> serverUser,
            List<String> asServerUser,
            Map<String, String> settings)
            throws IOException {
        Path log = directory.resolve("server.log");
        ownedFile(log, "", serverUser);
        Watchdog watchdog = Watchdog.start(log, endCommand(binaries, directory, asServerUser), environment -> {
            environment.keySet().removeIf(name -> name.startsWith("PG") || name.startsWith("LC_"));
            environment.put("LC_ALL", "C");
        });
        try {
            String password = randomPassword();
            initialize(binaries, directory, serverUser, asServerUser, password, watchdog);
            for (int attempt = 1; ; attempt++) {
                int port = freePort();
                Files.writeString(
                        data(directory).resolve("postgresql.auto.conf"), configuration(directory, port, settings));
                PrivateCluster cluster =
                        new PrivateCluster(binaries, directory, asServerUser, port, password, watchdog);
                if (watchdog.run(cluster.pgCtl("start")) == 0) {
                    Runtime.getRuntime().addShutdownHook(cluster.shutdownHook);
                    return cluster;
                }
                // between our look and the server's bind another process may have taken the port
                boolean portTaken = Files.readString(log).contains("Address already in use");
                if (!portTaken || attempt == START_ATTEMPTS) {
                    throw new ThrowAwayServerException("the private PostgreSQL server in " + directory
                            + " does not start; its log ends with" + Watchdog.tail(log));
                }
            }
        } catch (IOException | RuntimeException e) {
            watchdog.close();
            throw e;
        }
    }

    private static void initialize(
            ServerBinaries binaries,
            Path directory,
            Optional<UserPrincipal> serverUser,
            List<String> asServerUser,
            String password,
            Watchdog watchdog)
            throws IOException {
        Path passwordFile = directory.resolve("password");
        ownedFile(passwordFile, password + "\n", serverUser);
        int status = watchdog.run(commandLine(
                asServerUser,
                binaries.program("initdb").toString(),
                "--pgdata=" + data(directory),
                "--username=" + USER,
                "--pwfile=" + passwordFile,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync"));
        Files.delete(passwordFile);
        if (status != 0) {
            throw new ThrowAwayServerException("initdb failed in " + directory + "; its output ends with"
                    + Watchdog.tail(directory.resolve("server.log")));
        }
    }

    private static String configuration(Path directory, int port, Map<String, String> settings) {
        Map<String, String> all = new LinkedHashMap<>(settings);
        all.put("listen_addresses", "127.0.0.1");
        all.put("port", Integer.toString(port));
        String socket = directory + "/.s.PGSQL." + port + ".lock";
        boolean fits = socket.getBytes(StandardCharsets.UTF_8).length <= LONGEST_SOCKET_PATH;
        all.put("unix_socket_directories", fits ? directory.toString() : "");
        StringBuilder text = new StringBuilder();
        all.forEach((name, value) -> text.append(name)
                .append(" = '")
                .append(value.replace("'", "''"))
                .append("'\n"));
        return text.toString();
    }

    /** The server refuses to run as root: then it runs as postgres, whom the packages made, else as nobody. */
    private static Optional<UserPrincipal> serverUser() throws IOException {
        if (!isRoot()) {
            return Optional.empty();
        }
        for (String name : List.of("postgres", "nobody")) {
            try {
                return Optional.of(Path.of("/")
                        .getFileSystem()
                        .getUserPrincipalLookupService()
                        .lookupPrincipalByName(name));
            } catch (UserPrincipalNotFoundException missing) {
                // the next one
            }
        }
        throw new ThrowAwayServerException("PostgreSQL does not run as root, and there is no user postgres or nobody to"
                + " run it as: start this as another user");
    }

    private static boolean isRoot() {
        return Executables.output(List.of("id", "-u")).filter("0"::equals).isPresent();
    }

    private static List<String> asUser(String user) {
        if (Executables.onPath("setpriv").isPresent()) {
            return List.of("setpriv", "--reuid=" + user, "--regid=" + primaryGroup(user), "--clear-groups", "--");
        }
        if (Executables.onPath("runuser").isPresent()) {
            return List.of("runuser", "-u", user, "--");
        }
        throw new ThrowAwayServerException(
                "PostgreSQL does not run as root, and neither setpriv nor runuser is there to" + " run it as " + user
                        + ": install util-linux, or start this as another user");
    }

    private static String primaryGroup(String user) {
        return Executables.output(List.of("id", "-g", user)).orElse(user);
    }

    /** The given directory, or one in a place that the server's user can enter. */
    private static Path ownedDirectory(Path wanted, Optional<UserPrincipal> serverUser, List<String> asServerUser)
            throws IOException {
        Files.createDirectories(wanted);
        try (Stream<Path> content = Files.list(wanted)) {
            if (content.findAny().isPresent()) {
                throw new ThrowAwayServerException(
                        "the directory for a private PostgreSQL cluster is not empty: " + wanted);
            }
        }
        if (serverUser.isEmpty()) {
            return wanted;
        }
        if (canWrite(wanted, serverUser.get(), asServerUser)) {
            return wanted;
        }
        Files.delete(wanted);
        Path other = Files.createTempDirectory("pgcaravan-");
        if (!canWrite(other, serverUser.get(), asServerUser)) {
            Files.delete(other);
            throw new ThrowAwayServerException("the user " + serverUser.get().getName()
                    + ", whom the server runs as, can" + " enter neither " + wanted + " nor " + other.getParent());
        }
        return other;
    }

    private static boolean canWrite(Path directory, UserPrincipal user, List<String> asUser) throws IOException {
        Files.setOwner(directory, user);
        List<String> command = new ArrayList<>(asUser);
        command.addAll(List.of("test", "-w", directory.toString()));
        return Executables.output(command).isPresent();
    }

    private static void ownedFile(Path file, String content, Optional<UserPrincipal> owner) throws IOException {
        Files.writeString(file, "", StandardOpenOption.CREATE_NEW);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        Files.writeString(file, content);
        if (owner.isPresent()) {
            Files.setOwner(file, owner.get());
        }
    }

    static String randomPassword() {
        byte[] bytes = new byte[16];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /**
     * A port below the range that outgoing connections take theirs from: while the server is down, a client that tries
     * again and again could otherwise get that very port and be connected to itself.
     */
    static int freePort() throws IOException {
        for (int attempt = 0; attempt < 1000; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(15_000, 32_000);
            try (ServerSocket socket = new ServerSocket()) {
                socket.setReuseAddress(true);
                socket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
                return port;
            } catch (BindException taken) {
                // the next one
            }
        }
        throw new IOException("no free port on 127.0.0.1 from 15000 to 32000");
    }

    private static Path data(Path directory) {
        return directory.resolve("data");
    }

    private static String commandLine(List<String> prefix, String... words) {
        List<String> all = new ArrayList<>(prefix);
        all.addAll(List.of(words));
        return Watchdog.commandLine(all);
    }

    private String pgCtl(String action, String... options) {
        List<String> words = new ArrayList<>(List.of(
                binaries.program("pg_ctl").toString(),
                "--pgdata=" + data(directory),
                "--log=" + directory.resolve("server.log"),
                "--timeout=" + START_SECONDS,
                "--silent",
                "--wait"));
        words.addAll(List.of(options));
        words.add(action);
        return commandLine(asServerUser, words.toArray(String[]::new));
    }

    private static String endCommand(ServerBinaries binaries, Path directory, List<String> asServerUser) {
        String stop = commandLine(
                asServerUser,
                binaries.program("pg_ctl").toString(),
                "--pgdata=" + data(directory),
                "--silent",
                "--wait",
                "--mode=immediate",
                "stop");
        return stop + "; " + Watchdog.commandLine(List.of("rm", "-rf", directory.toString()));
    }

    /** The directory it lives in, which may differ from the one asked for. */
    public Path directory() {
        return directory;
    }

    /** The server programs in use, {@code psql} among them. */
    public ServerBinaries binaries() {
        return binaries;
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
        return Long.parseLong(Files.readAllLines(data(directory).resolve("postmaster.pid"))
                .get(0)
                .strip());
    }

    @Override
    public String description() {
        return "private PostgreSQL on port " + port + ", in " + directory;
    }

    @Override
    public String jdbcUrl(String database) {
        return ThrowAwayServer.loopbackUrl(port, database, USER, password);
    }

    @Override
    public void stop(boolean immediate) {
        control("stop", immediate ? "--mode=immediate" : "--mode=fast");
    }

    @Override
    public void startAgain() {
        control("start");
    }

    private void control(String action, String... options) {
        try {
            if (watchdog.run(pgCtl(action, options)) != 0) {
                throw new ThrowAwayServerException("cannot " + action + " the private PostgreSQL server in " + directory
                        + "; its log ends with" + Watchdog.tail(directory.resolve("server.log")));
            }
        } catch (IOException e) {
            throw new ThrowAwayServerException(
                    "cannot " + action + " the private PostgreSQL server in " + directory, e);
        }
    }

    @Override
    public String keep() {
        try {
            watchdog.keep();
        } catch (IOException e) {
            throw new ThrowAwayServerException("cannot leave the private PostgreSQL server in " + directory + " up", e);
        }
        forgetShutdownHook();
        return endCommand(binaries, directory, asServerUser);
    }

    @Override
    public void close() {
        forgetShutdownHook();
        end();
    }

    private void end() {
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
