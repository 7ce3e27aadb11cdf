package io.pgcaravan.server;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A directory with PostgreSQL's server programs that has PgQ beside it.
 *
 * @param directory holds {@code initdb}, {@code postgres}, {@code pg_ctl} and {@code psql}
 */
public record ServerBinaries(Path directory) {

    /** Names the directory, or is {@code none} on a machine whose own server programs must not be used. */
    public static final String VARIABLE = "CARAVAN_PG_BIN";

    private static final int OLDEST_VERSION = 13;
    /** Of those that may come. */
    private static final int NEWEST_VERSION = 30;

    /**
     * The directory that {@value #VARIABLE} names; else the newest version with PgQ where Debian and Ubuntu install
     * them; else the one that {@code pg_config} names.
     *
     * @throws ThrowAwayServerException where {@value #VARIABLE} names a directory without server programs
     */
    public static Optional<ServerBinaries> find() {
        String named = System.getenv(VARIABLE);
        if (named != null && !named.isBlank()) {
            return named.equals("none") ? Optional.empty() : Optional.of(named(Path.of(named)));
        }
        return debian().or(ServerBinaries::pgConfig);
    }

    private static ServerBinaries named(Path directory) {
        ServerBinaries binaries = new ServerBinaries(directory.toAbsolutePath());
        if (!binaries.complete()) {
            throw new ThrowAwayServerException(
                    VARIABLE + " names " + directory + ", which has no initdb, postgres and pg_ctl");
        }
        return binaries;
    }

    private static Optional<ServerBinaries> debian() {
        return IntStream.iterate(NEWEST_VERSION, version -> version >= OLDEST_VERSION, version -> version - 1)
                .filter(version -> hasPgq(Path.of("/usr/share/postgresql", Integer.toString(version))))
                .mapToObj(
                        version -> new ServerBinaries(Path.of("/usr/lib/postgresql", Integer.toString(version), "bin")))
                .filter(ServerBinaries::complete)
                .findFirst();
    }

    private static Optional<ServerBinaries> pgConfig() {
        return Executables.output(List.of("pg_config", "--sharedir"))
                .filter(share -> hasPgq(Path.of(share)))
                .flatMap(share -> Executables.output(List.of("pg_config", "--bindir")))
                .map(bin -> new ServerBinaries(Path.of(bin)))
                .filter(ServerBinaries::complete);
    }

    private static boolean hasPgq(Path share) {
        return Files.isReadable(share.resolve("extension").resolve("pgq.control"));
    }

    private boolean complete() {
        return Stream.of("initdb", "postgres", "pg_ctl").allMatch(name -> Files.isExecutable(program(name)));
    }

    /** The path of one program, such as {@code psql}. */
    public Path program(String name) {
        return directory.resolve(name);
    }
}
