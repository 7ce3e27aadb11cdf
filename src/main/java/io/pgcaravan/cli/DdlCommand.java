package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan ddl}: the SQL that prepares databases for shipping tables. */
@Command(
        name = "ddl",
        mixinStandardHelpOptions = true,
        description = "Prints the SQL that prepares a database for shipping a table; --apply runs it.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DdlCommand.ExportTable.class,
            DdlCommand.Exporter.class,
            DdlCommand.Importer.class,
            DdlCommand.Reset.class
        })
final class DdlCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "which of export-table, exporter, importer and reset?");
    }

    /** What each of the generators does: print, or run. */
    abstract static class Generator implements Callable<Integer> {

        @Option(names = "--apply", description = "Run it in the database, rather than print it.")
        private boolean apply;

        @Mixin
        DatabaseOption database;

        @Option(
                names = "--owner",
                paramLabel = "ROLE",
                description =
                        "Who is to own what is made; default is the table's owner, and whoever runs it for ledgers.")
        String owner;

        @Option(
                names = "--grant",
                paramLabel = "ROLE",
                description = "Who is to do the exports or imports, and gets the rights for it.")
        String grantee;

        @Option(
                names = "--ledger",
                paramLabel = "SCHEMA.TABLE",
                description = "The export ledger; default is caravan.export_set.")
        private String ledger;

        @Spec
        private CommandSpec spec;

        abstract String sql();

        abstract String done();

        /** Whose settings count where no {@code --db} was given. */
        String dataSource() {
            return "sourceDb";
        }

        TableName ledger() {
            return ledger == null ? Tracking.LEDGER : table(ledger, "--ledger");
        }

        TableName table(String text, String what) {
            TableName name = TableName.parse(text);
            if (name.schema() == null) {
                throw new ParameterException(spec.commandLine(), what + " needs a schema, as in public." + text);
            }
            return name;
        }

        @Override
        public final Integer call() throws IOException {
            PrintWriter out = spec.commandLine().getOut();
            if (!apply) {
                out.print(sql());
                out.flush();
                return 0;
            }
            try (Connection connection = database.connect(dataSource());
                    Statement statement = connection.createStatement()) {
                statement.execute(sql());
                out.println(done() + " in database \"" + connection.getCatalog() + "\"");
                out.flush();
                return 0;
            } catch (SQLException e) {
                throw new CommandFailedException(e.getMessage()
                                .lines()
                                .limit(2)
                                .map(String::strip)
                                .reduce((a, b) -> a + "; " + b)
                                .orElse("")
                        + ("42501".equals(e.getSQLState())
                                ? "; let the table's owner, who may also create schemas here, do this"
                                : "")
                        + "; nothing was changed");
            }
        }
    }

    /** The generators that are for one table. */
    abstract static class OneTable extends Generator {

        @Parameters(index = "0", paramLabel = "SCHEMA", description = "The table's schema, raw.")
        private String schema;

        @Parameters(index = "1", paramLabel = "TABLE", description = "The table, raw.")
        private String table;

        TableName table() {
            return new TableName(schema, table);
        }
    }

    /** {@code caravan ddl export-table}. */
    @Command(
            name = "export-table",
            mixinStandardHelpOptions = true,
            description = "The export ledger: which sets each target was given, and how far they have come.")
    static final class ExportTable extends Generator {

        @Parameters(
                index = "0",
                arity = "0..1",
                defaultValue = "caravan",
                paramLabel = "SCHEMA",
                description = "The ledger's schema; default is ${DEFAULT-VALUE}.")
        private String schema;

        @Parameters(
                index = "1",
                arity = "0..1",
                defaultValue = "export_set",
                paramLabel = "TABLE",
                description = "The ledger's name; default is ${DEFAULT-VALUE}.")
        private String table;

        private TableName named() {
            return new TableName(schema, table);
        }

        @Override
        String sql() {
            return new Tracking(named(), owner, grantee, false).exportTable();
        }

        @Override
        String done() {
            return "export ledger " + named() + " is there";
        }
    }

    /** {@code caravan ddl exporter}. */
    @Command(
            name = "exporter",
            mixinStandardHelpOptions = true,
            description = "What notes the changes of a table: TABLE_dml, its function and its triggers; and the export"
                    + " ledger.")
    static final class Exporter extends OneTable {

        @Option(
                names = "--row-triggers",
                description =
                        "Triggers for each row, where something writes to the table that fires no others. Partitioned"
                                + " tables get them anyway, and what replication writes is noted without.")
        private boolean rowTriggers;

        @Override
        String sql() {
            return new Tracking(ledger(), owner, grantee, rowTriggers).exporter(table());
        }

        @Override
        String done() {
            return "changes of " + table() + " are noted in " + Tracking.tracking(table());
        }
    }

    /** {@code caravan ddl importer}. */
    @Command(
            name = "importer",
            mixinStandardHelpOptions = true,
            description = "Permits the import of a table, and makes the import ledger.")
    static final class Importer extends OneTable {

        @Override
        String dataSource() {
            return "targetDb";
        }

        @Override
        String sql() {
            return new Tracking(ledger(), owner, grantee, false).importer(table());
        }

        @Override
        String done() {
            return "sets of " + table() + " are accepted";
        }
    }

    /** {@code caravan ddl reset}. */
    @Command(
            name = "reset",
            mixinStandardHelpOptions = true,
            description = "Removes all that exporter and importer made for a table.")
    static final class Reset extends OneTable {

        @Option(
                names = "--import-only",
                description = "Only what importer made, where the table's own changes go on to others.")
        private boolean importOnly;

        @Override
        String sql() {
            return new Tracking(ledger(), owner, grantee, false).reset(table(), importOnly);
        }

        @Override
        String done() {
            return "nothing is left of " + (importOnly ? "importing " : "shipping ") + table();
        }
    }
}
