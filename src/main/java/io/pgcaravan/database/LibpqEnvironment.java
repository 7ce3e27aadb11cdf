package io.pgcaravan.database;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.LoggerFactory;

/**
 * What libpq looks at besides the text that it is given.
 *
 * @param variables the environment variables
 * @param user the operating system's user, who is the database's user where nothing else is given
 * @param home where ~/.pg_service.conf and ~/.postgresql are
 * @param socketDirectories where a server's Unix socket is looked for when no host is given, in order
 * @param systemDirectories where pg_service.conf of the whole machine is looked for, in order
 * @param warnings takes what libpq would warn of, one sentence each
 */
public record LibpqEnvironment(
        Map<String, String> variables,
        String user,
        Path home,
        List<Path> socketDirectories,
        List<Path> systemDirectories,
        Consumer<String> warnings) {

    private static final Set<PosixFilePermission> OWNERS =
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE);

    /** That of this process, with the directories of Debian's, Red Hat's and other builds of libpq; warnings go to the log. */
    public static LibpqEnvironment ofThisProcess() {
        return new LibpqEnvironment(
                System.getenv(),
                System.getProperty("user.name"),
                Path.of(System.getProperty("user.home")),
                List.of(Path.of("/var/run/postgresql"), Path.of("/tmp")),
                List.of(
                        Path.of("/etc/postgresql-common"),
                        Path.of("/etc/sysconfig/pgsql"),
                        Path.of("/usr/local/pgsql/etc")),
                // found only when there is a warning: commands without one need no logging
                warning -> LoggerFactory.getLogger(LibpqEnvironment.class).warn(warning));
    }

    /** The same without warnings. */
    LibpqEnvironment silent() {
        return new LibpqEnvironment(variables, user, home, socketDirectories, systemDirectories, warning -> {});
    }

    /** Whether others than its owner can use the password file: then libpq ignores it, and the driver would not. */
    boolean isPassfileOpenToOthers() {
        Path file = passfile();
        try {
            return Files.isRegularFile(file)
                    && Files.getFileStore(file).supportsFileAttributeView("posix")
                    && !OWNERS.containsAll(Files.getPosixFilePermissions(file));
        } catch (IOException e) {
            // the driver cannot read it either
            return false;
        }
    }

    /** The password file, as the driver finds it. */
    Path passfile() {
        String property = System.getProperty("org.postgresql.pgpassfile", "");
        String given = property.isBlank() ? System.getenv().getOrDefault("PGPASSFILE", "") : property;
        return given.isBlank() ? Path.of(System.getProperty("user.home"), ".pgpass") : Path.of(given);
    }
}
