package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.app.Configuration;
import io.pgcaravan.app.Database;
import io.pgcaravan.batch.Consumers;
import io.pgcaravan.batch.LostPositionException;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.RefusedException;
import io.pgcaravan.sql.SearchPath;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What the commands share that move one consumer, between its queue and its target. */
abstract class OnConsumer implements Callable<Integer> {

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

    @Option(
            names = "--config",
            paramLabel = "DIR",
            description = "Directory with application.properties; default is config/ beside caravan.")
    private Path config;

    @Option(
            names = "--schema",
            paramLabel = "NAME",
            description = "Schema of PgQ's functions; default is ${DEFAULT-VALUE}.")
    private String schema = "pgq";

    @Spec
    private CommandSpec spec;

    /** The work; {@code target} is null for a command that does not use it. */
    abstract Consumers.Outcome move(Consumers consumers, Connection source, Connection target) throws SQLException;

    /** Whether the command needs the target. */
    boolean usesTarget() {
        return true;
    }

    @Override
    public final Integer call() throws IOException {
        Consumers consumers = consumers();
        try (Connection from = connect("--source", source, "sourceDb");
                Connection to = usesTarget() ? connect("--target", target, "targetDb") : null) {
            spec.commandLine().getOut().println(move(consumers, from, to));
            spec.commandLine().getOut().flush();
            return 0;
        } catch (RefusedException | LostPositionException e) {
            throw new CommandFailedException(e.getMessage());
        } catch (SQLException e) {
            throw new CommandFailedException(reason(e));
        }
    }

    private static String reason(SQLException failure) {
        return failure.getMessage().lines().findFirst().orElse("")
                + ("42501".equals(failure.getSQLState())
                        ? "; it takes a member of pgq_reader in the source, and in the target the role of the job"
                        : "");
    }

    private Consumers consumers() {
        try {
            return new Consumers(new Pgq(schema), queue, consumer);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--schema: " + e.getMessage());
        }
    }

    private Connection connect(String option, String given, String name) throws IOException, SQLException {
        Database database = given == null
                ? Configuration.database(DatabaseOption.configOr(config), name, option)
                : Database.given(option, given);
        Connection connection = database.reach();
        try {
            SearchPath.pin(connection);
            return connection;
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }
}
