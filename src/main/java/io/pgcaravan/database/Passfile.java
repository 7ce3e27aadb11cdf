package io.pgcaravan.database;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * The file of passwords: {@code host:port:database:user:password} a line. It is read for each connection, so that a
 * password may change while a job runs.
 *
 * @see <a href="https://www.postgresql.org/docs/current/libpq-pgpass.html">The Password File</a>
 */
final class Passfile {

    private static final Set<PosixFilePermission> OTHERS = Set.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.GROUP_EXECUTE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE,
            PosixFilePermission.OTHERS_EXECUTE);

    private final Path path;
    private final Consumer<String> warnings;
    private final AtomicBoolean warned = new AtomicBoolean();

    Passfile(Path path, Consumer<String> warnings) {
        this.path = path;
        this.warnings = warnings;
    }

    /** The password of the first line that matches; null where none does, or the file may not be used. */
    String password(String host, int port, String database, String user) {
        List<String> lines;
        try {
            if (!Files.exists(path)) {
                return null;
            }
            if (!Files.isRegularFile(path)) {
                return unusable("is no plain file");
            }
            if (isOpenToOthers()) {
                return unusable("can be read by others: its permissions have to be u=rw (0600) or less");
            }
            lines = Files.readAllLines(path, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return unusable("cannot be read: " + e.getMessage());
        }
        String[] wanted = {host, Integer.toString(port), database, user};
        for (String line : lines) {
            if (!line.startsWith("#")) {
                int at = 0;
                for (int i = 0; i < wanted.length && at >= 0; i++) {
                    at = after(line, at, wanted[i]);
                }
                if (at >= 0) {
                    return unescaped(line, at);
                }
            }
        }
        return null;
    }

    private boolean isOpenToOthers() throws IOException {
        return Files.getFileStore(path).supportsFileAttributeView("posix")
                && Files.getPosixFilePermissions(path).stream().anyMatch(OTHERS::contains);
    }

    private String unusable(String why) {
        if (!warned.getAndSet(true)) {
            warnings.accept("the password file " + path + " is ignored, because it " + why);
        }
        return null;
    }

    /** Where the field after this one starts, -1 where this one is not the wanted text. */
    private static int after(String line, int from, String wanted) {
        if (line.startsWith("*:", from)) {
            return from + 2;
        }
        int at = from;
        for (int i = 0; i < wanted.length(); i++) {
            if (at < line.length() && line.charAt(at) == '\\') {
                at++;
            }
            if (at >= line.length() || line.charAt(at) != wanted.charAt(i)) {
                return -1;
            }
            at++;
        }
        return at < line.length() && line.charAt(at) == ':' ? at + 1 : -1;
    }

    private static String unescaped(String line, int from) {
        StringBuilder password = new StringBuilder();
        for (int at = from; at < line.length() && line.charAt(at) != ':'; at++) {
            if (line.charAt(at) == '\\' && at + 1 < line.length()) {
                at++;
            }
            password.append(line.charAt(at));
        }
        return password.toString();
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
