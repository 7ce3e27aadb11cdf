package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.batch.Consumers;
import io.pgcaravan.queue.Pgq;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** One consumer of a queue, between its source and its target. */
final class ConsumerOptions {

    private static final String PERMISSION =
            "this requires a member of pgq_reader in the source, and the role of the job in the target";

    @Parameters(index = "0", paramLabel = "QUEUE", description = "The queue.")
    private String queue;

    @Parameters(index = "1", paramLabel = "CONSUMER", description = "The consumer's name.")
    private String consumer;

    @Option(
            names = "--source",
            paramLabel = "DATABASE",
            description = "The queue's database: a JDBC URL, a postgresql:// URI or a conninfo string (host=..."
                    + " dbname=...). Default is sourceDb of config/application.properties.")
    private String source;

    @Option(
            names = "--target",
            paramLabel = "DATABASE",
            description = "The database with the consumer's ledger; default is targetDb of"
                    + " config/application.properties.")
    private String target;

    @Mixin
    private ConfigOption config;

    @Option(
            names = "--schema",
            paramLabel = "NAME",
            defaultValue = "pgq",
            description = "Schema of PgQ's functions; default is ${DEFAULT-VALUE}.")
    private Pgq pgq;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    interface Move {
        Consumers.Outcome of(Consumers consumers, Connection source, Connection target) throws SQLException;
    }

    void move(Move move) throws IOException {
        try (Connection from = source();
                Connection to = config.database("--target", target, "targetDb").reachPinned()) {
            print(move.of(consumers(), from, to));
        } catch (SQLException e) {
            throw new CommandFailedException(e, PERMISSION);
        }
    }

    /** Needs no target. */
    void unregister() throws IOException {
        try (Connection from = source()) {
            print(consumers().unregister(from));
        } catch (SQLException e) {
            throw new CommandFailedException(e, PERMISSION);
        }
    }

    private Connection source() throws IOException, SQLException {
        return config.database("--source", source, "sourceDb").reachPinned();
    }

    private Consumers consumers() {
        return new Consumers(pgq, queue, consumer);
    }

    private void print(Consumers.Outcome outcome) {
        command.commandLine().getOut().println(outcome);
    }
}
