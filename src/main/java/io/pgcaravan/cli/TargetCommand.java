package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.ship.exporter.ExportLedger;
import io.pgcaravan.ship.exporter.ExportLedger.TargetProgress;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.SearchPath;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan target}: whom a source exports to. */
@Command(
        name = "target",
        mixinStandardHelpOptions = true,
        description = "Lists and forgets the targets that tables are exported to.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {TargetCommand.ListTargets.class, TargetCommand.Forget.class})
final class TargetCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "which of list and forget?");
    }

    /** Something with the export ledger, in one transaction. */
    abstract static class OnLedger implements Callable<Integer> {

        @Mixin
        private DatabaseOption database;

        @Option(
                names = "--ledger",
                paramLabel = "SCHEMA.TABLE",
                description = "The export ledger; default is caravan.export_set.")
        private String ledger;

        @Spec
        CommandSpec spec;

        abstract void on(ExportLedger ledger, PrintWriter out) throws SQLException;

        @Override
        public final Integer call() throws IOException {
            TableName name = ledger == null ? Tracking.LEDGER : TableName.parse(ledger);
            try (Connection source = database.connect("sourceDb")) {
                SearchPath.pin(source);
                source.setAutoCommit(false);
                on(new ExportLedger(source, name), spec.commandLine().getOut());
                source.commit();
                spec.commandLine().getOut().flush();
                return 0;
            } catch (SQLException e) {
                throw new CommandFailedException(
                        "42P01".equals(e.getSQLState())
                                ? "there is no export ledger " + name
                                        + " in this database: caravan ddl export-table makes" + " it"
                                : e.getMessage());
            }
        }
    }

    /** {@code caravan target list}. */
    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            description = "Which sets were written, published and acknowledged, for each target and table.")
    static final class ListTargets extends OnLedger {

        @Override
        void on(ExportLedger ledger, PrintWriter out) throws SQLException {
            TextTable table =
                    new TextTable("target", "table", ">published", "at", ">acknowledged", "at", ">waiting", "open");
            for (TargetProgress target : ledger.targets()) {
                table.add(
                        target.target().toString(),
                        target.table().toString(),
                        String.valueOf(target.published()),
                        target.publishedAt() == null
                                ? "-"
                                : target.publishedAt().toString(),
                        String.valueOf(target.acknowledged()),
                        target.acknowledgedAt() == null
                                ? "-"
                                : target.acknowledgedAt().toString(),
                        String.valueOf(target.waiting()),
                        target.forgotten()
                                ? "forgotten"
                                : target.open() == null
                                        ? "-"
                                        : "set " + target.open() + " "
                                                + target.openState().name().toLowerCase(Locale.ROOT));
            }
            table.print(out);
        }
    }

    /** {@code caravan target forget}. */
    @Command(
            name = "forget",
            mixinStandardHelpOptions = true,
            description =
                    "Lets a target hold back noted changes no longer. If it is exported to again, that is a full set.")
    static final class Forget extends OnLedger {

        @Parameters(paramLabel = "HOST/DB", description = "The target.")
        private String target;

        @Option(
                names = "--table",
                paramLabel = "SCHEMA.TABLE",
                description = "Forget it for this table only; default is all.")
        private String table;

        @Override
        void on(ExportLedger ledger, PrintWriter out) throws SQLException {
            Target parsed;
            try {
                parsed = Target.parse(target);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), e.getMessage());
            }
            List<TableName> tables = ledger.forget(parsed, table == null ? null : TableName.parse(table));
            if (tables.isEmpty()) {
                throw new CommandFailedException("there is no target " + target
                        + (table == null ? "" : " of table " + table) + " to forget; caravan target list shows them");
            }
            for (TableName name : tables) {
                out.println("target " + target + " forgotten for " + name);
            }
        }
    }
}
