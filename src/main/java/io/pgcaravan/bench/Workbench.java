package io.pgcaravan.bench;

import io.pgcaravan.app.QuietLog;
import io.pgcaravan.server.Psql;
import io.pgcaravan.server.ScratchDirectory;
import io.pgcaravan.server.ThrowAwayServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;

/** What a benchmark works with: a throw-away server that holds source and target, psql, and a directory. */
final class Workbench implements AutoCloseable {

    final QuietLog log;
    final Path home = Path.of(System.getProperty("caravan.home", ".")).toAbsolutePath();
    final Path directory;
    final Psql psql;
    final ThrowAwayServer server;
    final String sourceUrl;
    final Connection source;

    /** @param settings of the server, besides those that all benchmarks have */
    Workbench(CommandSpec command, Map<String, String> settings) throws IOException, SQLException {
        command.commandLine().setErr(new PrintWriter(System.err, true));
        log = QuietLog.divert();
        directory = ScratchDirectory.untilTheEnd("pgcaravan-bench-").path();
        psql = new Psql(directory);
        Map<String, String> all = new HashMap<>(settings);
        all.put("max_wal_size", "8GB");
        server = ThrowAwayServer.start("bench", all);
        sourceUrl = server.createDatabaseWithPgq("bench_source");
        source = DriverManager.getConnection(sourceUrl);
    }

    @Override
    public void close() throws SQLException {
        try (server) {
            source.close();
        }
    }
}
