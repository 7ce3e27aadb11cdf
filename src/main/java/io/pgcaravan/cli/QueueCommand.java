package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.Queues;
import io.pgcaravan.sql.SearchPath;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code caravan queue}: the queues of a source. */
@Command(
        name = "queue",
        mixinStandardHelpOptions = true,
        description = "Makes, drops, lists and ticks PgQ queues, and moves their consumers.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            QueueCreate.class,
            QueueDrop.class,
            QueueList.class,
            QueueTick.class,
            QueueRegister.class,
            QueueUnregister.class,
            QueueReset.class,
            QueueRewind.class
        })
final class QueueCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "which of create, drop, list, tick, register, unregister, reset and rewind?");
    }

    /** What each of the queue commands does: one transaction in a database with PgQ. */
    abstract static class OnQueues implements Callable<Integer> {

        @Mixin
        private DatabaseOption database;

        @Option(
                names = "--schema",
                paramLabel = "NAME",
                description = "Schema of PgQ's functions; default is ${DEFAULT-VALUE}.")
        private String schema = "pgq";

        @Spec
        private CommandSpec spec;

        private final StringWriter said = new StringWriter();
        private final PrintWriter out = new PrintWriter(said);

        /** The work, inside a transaction that is committed when it returns. */
        abstract void on(Connection source, Queues queues) throws SQLException;

        /** For a table whose name may lack its schema: after it the role's search path is no longer there. */
        void findTable(Connection source) throws SQLException {}

        @Override
        public final Integer call() throws IOException {
            Pgq pgq = pgq();
            try (Connection source = database.connect("sourceDb")) {
                findTable(source);
                SearchPath.pin(source);
                if (!pgq.isInstalled(source)) {
                    throw new CommandFailedException("there is no PgQ in database \"" + source.getCatalog()
                            + "\" (no table " + schema + ".queue); as a superuser: create extension pgq"
                            + " (package postgresql-NN-pgq3), or name another schema with --schema");
                }
                source.setAutoCommit(false);
                on(source, new Queues(schema));
                source.commit();
            } catch (SQLException e) {
                throw new CommandFailedException(reason(e));
            }
            spec.commandLine().getOut().print(said);
            spec.commandLine().getOut().flush();
            return 0;
        }

        private Pgq pgq() {
            try {
                return new Pgq(schema);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), "--schema: " + e.getMessage());
            }
        }

        private String reason(SQLException failure) {
            String message = failure.getMessage().lines().findFirst().orElse("");
            return message
                    + ("42501".equals(failure.getSQLState())
                            ? "; let a member of pgq_admin do this (grant pgq_admin to ...), who owns the table where"
                                    + " a trigger is to be made"
                            : "");
        }

        /** Ends the command unless the queue is there. */
        void mustExist(Connection source, String queue) throws SQLException {
            if (!new Pgq(schema).hasQueue(source, queue)) {
                throw new CommandFailedException("there is no queue \"" + queue + "\" in database \""
                        + source.getCatalog() + "\"; caravan queue list shows those there are");
            }
        }

        /** What is printed once it is committed. */
        PrintWriter out() {
            return out;
        }

        ParameterException badUsage(String message) {
            return new ParameterException(spec.commandLine(), message);
        }
    }
}
