package io.pgcaravan.cli;

import io.pgcaravan.app.Progress;
import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.compare.Comparison;
import io.pgcaravan.ship.compare.Comparison.Request;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options of {@code compare} and {@code repair}: two databases and a table. */
abstract class ComparisonCommand implements Callable<Integer> {

    @Mixin
    private DatabaseOption database;

    @Option(
            names = "--source",
            paramLabel = "DATABASE",
            description = "The database that the table is shipped from, given like --db. Default is sourceDb of the"
                    + " configuration.")
    private String source;

    @Option(
            names = "--target",
            paramLabel = "DATABASE|HOST/DB",
            description = "The database that it is shipped to, given like --db; default is targetDb of the"
                    + " configuration. With --digest: whom that is for, as in caravan export.")
    String target;

    @Option(
            names = "--table",
            paramLabel = "SCHEMA.TABLE",
            converter = QualifiedTable.class,
            description = "The table, raw; its first dot separates the schema.")
    TableName table;

    @Option(
            names = "--columns",
            split = ",",
            paramLabel = "COLUMN",
            description = "What to compare; default is all columns of the source but generated ones.")
    private List<String> columns;

    @Option(
            names = "--recheck",
            paramLabel = "SECONDS",
            description = "Look once more at what differs, that much later, and tell only what still does.")
    private Integer recheck;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "20",
            description = "How many keys to print; default is ${DEFAULT-VALUE}. All are counted.")
    private int limit;

    @Mixin
    LedgerOption ledger;

    @Spec
    CommandSpec spec;

    /** Runs while a progress line is drawn. */
    abstract int run(PrintWriter out, Comparison comparison, Progress progress) throws IOException, SQLException;

    @Override
    public final Integer call() throws IOException, SQLException {
        PrintWriter out = spec.commandLine().getOut();
        try (Progress progress = new Progress(out)) {
            return run(out, new Comparison(progress::compared), progress);
        }
    }

    ParameterException badUsage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** The database of {@code --db}, else the configured one of this name. */
    Connect database(String dataSource) throws IOException {
        return database.database(dataSource)::reach;
    }

    Connect source() throws IOException {
        return database.database("--source", source, "sourceDb")::reach;
    }

    Connect target() throws IOException {
        return database.database("--target", target, "targetDb")::reach;
    }

    ComparisonText text() {
        return new ComparisonText(limit);
    }

    Duration recheck() {
        if (recheck != null && recheck < 0) {
            throw badUsage("--recheck must be a number of seconds");
        }
        return recheck == null ? null : Duration.ofSeconds(recheck);
    }

    Request request(List<String> key) {
        if (table == null) {
            throw badUsage("--table is missing");
        }
        return new Request(table, columns, key);
    }
}
