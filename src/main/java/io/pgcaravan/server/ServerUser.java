package io.pgcaravan.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The user that a PostgreSQL server runs as: not root, which it refuses.
 *
 * @param user null for this process's own user
 * @param command the words that run a command as that user; empty for this process's own
 */
record ServerUser(UserPrincipal user, List<String> command) {

    /** For root: the user postgres, which the packages made, else the user nobody. */
    static ServerUser choose() throws IOException {
        if (Executables.output(List.of("id", "-u")).filter("0"::equals).isEmpty()) {
            return new ServerUser(null, List.of());
        }
        for (String name : List.of("postgres", "nobody")) {
            try {
                UserPrincipal user = Path.of("/")
                        .getFileSystem()
                        .getUserPrincipalLookupService()
                        .lookupPrincipalByName(name);
                return new ServerUser(user, asUser(name));
            } catch (UserPrincipalNotFoundException missing) {
                // the next one
            }
        }
        throw new ThrowAwayServerException("PostgreSQL does not run as root, and there is no user postgres or nobody to"
                + " run it as: start this as another user");
    }

    private static List<String> asUser(String user) {
        if (Executables.onPath("setpriv").isPresent()) {
            String group = Executables.output(List.of("id", "-g", user)).orElse(user);
            return List.of("setpriv", "--reuid=" + user, "--regid=" + group, "--clear-groups", "--");
        }
        if (Executables.onPath("runuser").isPresent()) {
            return List.of("runuser", "-u", user, "--");
        }
        throw new ThrowAwayServerException(
                "PostgreSQL does not run as root, and neither setpriv nor runuser is there to" + " run it as " + user
                        + ": install util-linux, or start this as another user");
    }

    /** One command line for {@code sh} that runs as this user. */
    String commandLine(String... words) {
        return Watchdog.commandLine(
                Stream.concat(command.stream(), Stream.of(words)).toList());
    }

    /** The given directory, or one in a place that this user can enter. */
    Path directory(Path wanted) throws IOException {
        Files.createDirectories(wanted);
        try (Stream<Path> content = Files.list(wanted)) {
            if (content.findAny().isPresent()) {
                throw new ThrowAwayServerException(
                        "the directory for a private PostgreSQL cluster is not empty: " + wanted);
            }
        }
        if (user == null || canWrite(wanted)) {
            return wanted;
        }
        Files.delete(wanted);
        Path other = Files.createTempDirectory("pgcaravan-");
        if (!canWrite(other)) {
            Files.delete(other);
            throw new ThrowAwayServerException("the server's user " + user.getName() + " can enter neither " + wanted
                    + " nor " + other.getParent());
        }
        return other;
    }

    private boolean canWrite(Path directory) throws IOException {
        Files.setOwner(directory, user);
        List<String> test = new ArrayList<>(command);
        test.addAll(List.of("test", "-w", directory.toString()));
        return Executables.output(test).isPresent();
    }

    /** Makes a file that only this user can read. */
    void write(Path file, String content) throws IOException {
        Files.writeString(file, "", StandardOpenOption.CREATE_NEW);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        Files.writeString(file, content);
        if (user != null) {
            Files.setOwner(file, user);
        }
    }
}
