package io.pgcaravan.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.postgresql.Driver;

/** PostgreSQL's own client on this machine, which the benchmarks compare with. */
public final class Psql {

    private final Path program;
    private final Path directory;

    /** @param directory for its scripts */
    public Psql(Path directory) {
        this.directory = directory;
        this.program = ServerBinaries.find()
                .map(binaries -> binaries.program("psql"))
                .filter(Files::isExecutable)
                .or(() -> Executables.onPath("psql"))
                .orElseThrow(() -> new ThrowAwayServerException(
                        "the benchmark compares with psql, which is not on the PATH: install it"
                                + " (Debian and Ubuntu: postgresql-client)"));
    }

    /** Runs a script, in one transaction; seconds from the start of the program to its end. */
    public double run(String jdbcUrl, String script) throws IOException, InterruptedException {
        Properties parsed = Driver.parseURL(jdbcUrl, null);
        Path file = directory.resolve("psql.sql");
        Path log = directory.resolve("psql.log");
        Files.writeString(file, script);
        ProcessBuilder builder = new ProcessBuilder(
                        List.of(program.toString(), "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", file.toString()))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("PGHOST", parsed.getProperty("PGHOST"));
        builder.environment().put("PGPORT", parsed.getProperty("PGPORT"));
        builder.environment().put("PGDATABASE", parsed.getProperty("PGDBNAME"));
        builder.environment().put("PGUSER", parsed.getProperty("user"));
        if (parsed.getProperty("password") != null) {
            builder.environment().put("PGPASSWORD", parsed.getProperty("password"));
        }
        long start = System.nanoTime();
        int status = builder.start().waitFor();
        double seconds = (System.nanoTime() - start) / 1e9;
        if (status != 0) {
            throw new ThrowAwayServerException("psql failed: " + Files.readString(log));
        }
        return seconds;
    }
}
