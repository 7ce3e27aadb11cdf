package io.pgcaravan.database;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.LoggerFactory;

/**
 * What libpq looks at besides the text that it is given.
 *
 * @param environment the variables of the process
 * @param user the operating system's name of the user, who is the database's user where nothing says otherwise
 * @param socketDirectories where a server's Unix socket is looked for when no host is given, in order
 * @param systemDirectories where pg_service.conf of the whole machine is looked for, in order
 * @param warnings is told what libpq would warn of, one sentence a time
 */
public record Surroundings(
        Map<String, String> environment,
        String user,
        List<Path> socketDirectories,
        List<Path> systemDirectories,
        Consumer<String> warnings) {

    /**
     * libpq is compiled with one of these; which one depends on who built it: Debian, Red Hat and the like use the first,
     * builds from source the second.
     */
    private static final List<Path> SOCKET_DIRECTORIES = List.of(Path.of("/var/run/postgresql"), Path.of("/tmp"));

    /** Likewise: Debian, Red Hat, builds from source. */
    private static final List<Path> SYSTEM_DIRECTORIES = List.of(
            Path.of("/etc/postgresql-common"), Path.of("/etc/sysconfig/pgsql"), Path.of("/usr/local/pgsql/etc"));

    /** Those of this process; warnings go to its log. */
    public static Surroundings ofThisProcess() {
        return new Surroundings(
                System.getenv(),
                System.getProperty("user.name"),
                SOCKET_DIRECTORIES,
                SYSTEM_DIRECTORIES,
                // found only when there is something to say: commands that say nothing need no logging
                warning -> LoggerFactory.getLogger(Surroundings.class).warn(warning));
    }

    /** The same with warnings going elsewhere. */
    public Surroundings warning(Consumer<String> elsewhere) {
        return new Surroundings(environment, user, socketDirectories, systemDirectories, elsewhere);
    }

    /** A variable's value, null where it is not set. */
    String variable(String name) {
        return environment.get(name);
    }

    /** A file in the user's home directory. */
    Path inHome(String name) {
        String home = variable("HOME");
        return Path.of(home == null || home.isEmpty() ? System.getProperty("user.home") : home)
                .resolve(name);
    }
}
