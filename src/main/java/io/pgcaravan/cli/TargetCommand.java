package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.ship.exporter.ExportLedger;
import io.pgcaravan.ship.exporter.ExportLedger.TargetProgress;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan target}: whom a source exports to. */
@Command(
        name = "target",
        mixinStandardHelpOptions = true,
        description = "Lists and forgets the targets that tables are exported to.",
        synopsisSubcommandLabel = "COMMAND")
final class TargetCommand {

    @Spec
    private CommandSpec spec;

    private interface Work {
        void on(ExportLedger ledger, PrintWriter out) throws SQLException;
    }

    private void inTransaction(DatabaseOption database, LedgerOption ledger, Work work)
            throws IOException, SQLException {
        try (Connection source = database.database("sourceDb").reachPinned()) {
            source.setAutoCommit(false);
            work.on(new ExportLedger(source, ledger.table()), spec.commandLine().getOut());
            source.commit();
        } catch (SQLException e) {
            if ("42P01".equals(e.getSQLState())) {
                throw new CommandFailedException("there is no export ledger " + ledger.table()
                        + " in this database; caravan ddl export-table makes it");
            }
            throw e;
        }
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Which sets were written, published and acknowledged, for each target and table.")
    void list(@Mixin DatabaseOption database, @Mixin LedgerOption ledgerOption) throws IOException, SQLException {
        inTransaction(database, ledgerOption, (ledger, out) -> {
            TextTable table = new TextTable("target | table | >published | at | >acknowledged | at | >waiting | open");
            for (TargetProgress target : ledger.targets()) {
                table.add(
                        target.target(),
                        target.table(),
                        target.published(),
                        target.publishedAt(),
                        target.acknowledged(),
                        target.acknowledgedAt(),
                        target.waiting(),
                        target.forgotten() ? "forgotten" : open(target));
            }
            table.print(out);
        });
    }

    private static String open(TargetProgress target) {
        return target.open() == null
                ? null
                : "set " + target.open() + " " + target.openState().name().toLowerCase(Locale.ROOT);
    }

    @Command(
            mixinStandardHelpOptions = true,
            description =
                    "Lets a target hold back noted changes no longer. If it is exported to again, that is a full set.")
    void forget(
            @Mixin DatabaseOption database,
            @Mixin LedgerOption ledgerOption,
            @Parameters(paramLabel = "HOST/DB", description = "The target.") Target target,
            @Option(
                            names = "--table",
                            paramLabel = "SCHEMA.TABLE",
                            description = "Forget it for this table only; default is all.")
                    TableName table)
            throws IOException, SQLException {
        inTransaction(database, ledgerOption, (ledger, out) -> {
            List<TableName> tables = ledger.forget(target, table);
            if (tables.isEmpty()) {
                throw new CommandFailedException("there is no target " + target
                        + (table == null ? "" : " of table " + table) + " to forget; caravan target list shows them");
            }
            tables.forEach(name -> out.println("target " + target + " forgotten for " + name));
        });
    }
}
