package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan ddl}: the SQL that prepares databases for shipping tables. */
@Command(
        name = "ddl",
        mixinStandardHelpOptions = true,
        description = "Prints the SQL that prepares a database for shipping a table; --apply runs it.",
        synopsisSubcommandLabel = "COMMAND")
final class DdlCommand {

    /** What is to be done with the SQL: it is printed, or run. */
    static final class Script {

        @Option(names = "--apply", description = "Run it in the database, rather than print it.")
        private boolean apply;

        @Mixin
        private DatabaseOption database;

        @Option(
                names = "--owner",
                paramLabel = "ROLE",
                description =
                        "Who is to own what is made; default is the table's owner, and the role that runs it for ledgers.")
        private String owner;

        @Option(
                names = "--grant",
                paramLabel = "ROLE",
                description = "Who is to do the exports or imports, and gets the rights for it.")
        private String grantee;

        @Mixin
        private LedgerOption ledger;

        @Spec(Spec.Target.MIXEE)
        private CommandSpec command;

        private Tracking tracking() {
            return new Tracking(ledger.table(), owner, grantee, false);
        }

        /**
         * Prints the SQL or runs it.
         *
         * @param dataSource the configured database to run it in, where --db was not given
         * @param done what to print when it has run
         */
        private void finish(String dataSource, String sql, String done) throws IOException {
            PrintWriter out = command.commandLine().getOut();
            if (!apply) {
                out.print(sql);
                return;
            }
            try (Connection connection = database.database(dataSource).reach();
                    Statement statement = connection.createStatement()) {
                statement.execute(sql);
                out.println(done + " in database \"" + connection.getCatalog() + "\"");
            } catch (SQLException e) {
                throw new CommandFailedException(CommandFailedException.reason(
                                e, "the table's owner may do this, with the right to create schemas here")
                        + "; nothing was changed");
            }
        }
    }

    /** The table that a script is for. */
    static final class Table {

        @Parameters(index = "0", paramLabel = "SCHEMA", description = "The table's schema, raw.")
        private String schema;

        @Parameters(index = "1", paramLabel = "TABLE", description = "The table, raw.")
        private String table;

        private TableName name() {
            return new TableName(schema, table);
        }
    }

    @Command(
            name = "export-table",
            mixinStandardHelpOptions = true,
            description = "The export ledger: which sets each target was given, and how far they have come.")
    void exportTable(
            @Mixin Script script,
            @Parameters(
                            index = "0",
                            arity = "0..1",
                            defaultValue = "caravan",
                            paramLabel = "SCHEMA",
                            description = "The ledger's schema; default is ${DEFAULT-VALUE}.")
                    String schema,
            @Parameters(
                            index = "1",
                            arity = "0..1",
                            defaultValue = "export_set",
                            paramLabel = "TABLE",
                            description = "The ledger's name; default is ${DEFAULT-VALUE}.")
                    String table)
            throws IOException {
        TableName name = new TableName(schema, table);
        Tracking tracking = new Tracking(name, script.owner, script.grantee, false);
        script.finish("sourceDb", tracking.exportTable(), "export ledger " + name + " is there");
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "What notes the changes of a table: TABLE_dml, its function and its triggers; and the export"
                    + " ledger.")
    void exporter(
            @Mixin Script script,
            @Mixin Table table,
            @Option(
                            names = "--row-triggers",
                            description = "Triggers for each row, where something writes to the table that fires no"
                                    + " others. Partitioned tables get them anyway, and what replication writes is noted"
                                    + " without.")
                    boolean rowTriggers)
            throws IOException {
        Tracking tracking = new Tracking(script.ledger.table(), script.owner, script.grantee, rowTriggers);
        script.finish(
                "sourceDb",
                tracking.exporter(table.name()),
                "changes of " + table.name() + " are noted in " + Tracking.tracking(table.name()));
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Permits the import of a table, and makes the import ledger.")
    void importer(@Mixin Script script, @Mixin Table table) throws IOException {
        script.finish(
                "targetDb", script.tracking().importer(table.name()), "sets of " + table.name() + " are accepted");
    }

    @Command(mixinStandardHelpOptions = true, description = "Removes all that exporter and importer made for a table.")
    void reset(
            @Mixin Script script,
            @Mixin Table table,
            @Option(
                            names = "--import-only",
                            description = "Only what importer made, where the table's own changes go on to others.")
                    boolean importOnly)
            throws IOException {
        script.finish(
                "sourceDb",
                script.tracking().reset(table.name(), importOnly),
                "nothing is left of " + (importOnly ? "importing " : "shipping ") + table.name());
    }
}
