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
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A database with PgQ, for the commands that work with its queues in one transaction. */
final class PgqOptions {

    private static final String PERMISSION =
            "a member of pgq_admin may do this (grant pgq_admin to ...); a trigger is made"
                    + " by the owner of its table";

    @Mixin
    private DatabaseOption database;

    @Option(
            names = "--schema",
            paramLabel = "NAME",
            defaultValue = "pgq",
            description = "Schema of PgQ's functions; default is ${DEFAULT-VALUE}.")
    private Pgq pgq;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** The work, inside a transaction that is committed when it returns; then what it printed comes out. */
    interface Work {
        void on(Connection source, Queues queues, PrintWriter out) throws SQLException;
    }

    /** What is looked for before, where the role's search path still holds. */
    interface Look {
        void at(Connection source) throws SQLException;
    }

    void inTransaction(Work work) throws IOException {
        inTransaction(source -> {}, work);
    }

    void inTransaction(Look first, Work work) throws IOException {
        StringWriter printed = new StringWriter();
        try (Connection source = database.database("sourceDb").reach()) {
            first.at(source);
            SearchPath.pin(source);
            if (!pgq.isInstalled(source)) {
                throw new CommandFailedException("there is no PgQ in database \"" + source.getCatalog()
                        + "\" (no table " + pgq.schema() + ".queue); as a superuser: create extension pgq"
                        + " (package postgresql-NN-pgq3), or name another schema with --schema");
            }
            source.setAutoCommit(false);
            work.on(source, new Queues(pgq.schema()), new PrintWriter(printed, true));
            source.commit();
        } catch (SQLException e) {
            throw new CommandFailedException(e, PERMISSION);
        }
        command.commandLine().getOut().print(printed);
    }

    /** Fails unless the queue is there. */
    void mustExist(Connection source, String queue) throws SQLException {
        if (!pgq.hasQueue(source, queue)) {
            throw new CommandFailedException("there is no queue \"" + queue + "\" in database \"" + source.getCatalog()
                    + "\"; caravan queue list shows those there are");
        }
    }
}
