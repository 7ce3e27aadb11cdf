package io.pgcaravan.cli;

import io.pgcaravan.app.Progress;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.DmlImporter;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code caravan import}. */
@Command(
        name = "import",
        mixinStandardHelpOptions = true,
        description = "Applies the sets in a drop directory to a database, in their order.",
        exitCodeList = {
            "0:every set is applied, or was before; also where there is none",
            "1:one is missing, incomplete, damaged or continues something else, or could not be applied; those before it are",
            "2:bad usage or configuration"
        })
final class Import implements Callable<Integer> {

    @Mixin
    private DatabaseOption database;

    @Option(names = "--dir", required = true, paramLabel = "DIR", description = "The drop directory.")
    private Path directory;

    @Option(
            names = "--target",
            paramLabel = "HOST/DB",
            description = "Whom sets have to be for; default is any host, and the database's name.")
    private Target target;

    @ArgGroup(exclusive = false)
    private DmlTracking dmlTracking;

    /** What is to be known of files that no {@code .done} tells about. */
    static final class DmlTracking {

        @Option(
                names = "--dml-tracking-util",
                required = true,
                description = "Read the files of postgres-dml-tracking-util: dml.S.T.tab, S.T.tab and S.T-columns.txt.")
        private boolean wanted;

        @Option(
                names = "--table",
                split = ",",
                paramLabel = "SCHEMA.TABLE",
                converter = QualifiedTable.class,
                description =
                        "Only this table's, raw; its first dot separates the schema. Default is all that are there.")
        private List<TableName> tables = List.of();

        @Option(
                names = "--settle",
                paramLabel = "SECONDS",
                defaultValue = "10",
                description = "How long the files must have been left alone; default is ${DEFAULT-VALUE}.")
        private int settle;

        @Option(
                names = "--whole",
                description = "The files are whole, whatever their times say: nothing is waited for.")
        private boolean whole;

        @Option(
                names = "--encoding",
                paramLabel = "NAME",
                defaultValue = "UTF8",
                description = "Of the files, as PostgreSQL names it; default is ${DEFAULT-VALUE}.")
        private String encoding;

        @Option(
                names = "--date-style",
                paramLabel = "STYLE",
                description = "DateStyle of the session that exported, such as 'SQL, DMY'; default is ISO, and dates of"
                        + " another style are refused.")
        private String dateStyle;

        @Option(
                names = "--interval-style",
                paramLabel = "STYLE",
                description = "IntervalStyle of the session that exported, such as sql_standard; default is postgres,"
                        + " and intervals that may mean something else are refused.")
        private String intervalStyle;
    }

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        return dmlTracking == null ? importSets() : importDmlFiles();
    }

    private int importSets() throws IOException {
        List<Outcome> outcomes;
        try (Progress progress = new Progress(spec.commandLine().getOut())) {
            outcomes = new Importer(
                            database.database("targetDb")::reach,
                            new DropDirectory(directory),
                            target,
                            (set, part, bytes, of) -> progress.imported(
                                    set.name(), part, set.file(part).rows(), bytes, of))
                    .importAll();
        }
        return print(outcomes, outcome -> outcome.result().good(), "no sets to import in " + directory);
    }

    private int importDmlFiles() throws IOException {
        if (target != null) {
            throw badUsage("--target is for sets; files of postgres-dml-tracking-util name no target");
        }
        if (dmlTracking.settle < 0) {
            throw badUsage("--settle " + dmlTracking.settle + ": must be >= 0");
        }
        DmlImporter.Options options;
        try {
            options = new DmlImporter.Options(
                    directory,
                    dmlTracking.tables,
                    dmlTracking.whole ? null : Duration.ofSeconds(dmlTracking.settle),
                    dmlTracking.encoding,
                    dmlTracking.dateStyle,
                    dmlTracking.intervalStyle);
        } catch (IllegalArgumentException e) {
            throw badUsage("--date-style: " + e.getMessage());
        }
        List<DmlImporter.Outcome> outcomes;
        try (Progress progress = new Progress(spec.commandLine().getOut())) {
            outcomes = new DmlImporter(database.database("targetDb")::reach, options, progress::imported).importAll();
        }
        return print(
                outcomes,
                outcome -> outcome.result().good(),
                "no files of postgres-dml-tracking-util to import in " + directory);
    }

    /** @return the exit code */
    private <O> int print(List<O> outcomes, Predicate<O> good, String nothing) {
        if (outcomes.isEmpty()) {
            spec.commandLine().getOut().println(nothing);
        }
        for (O outcome : outcomes) {
            (good.test(outcome)
                            ? spec.commandLine().getOut()
                            : spec.commandLine().getErr())
                    .println(outcome);
        }
        return outcomes.stream().allMatch(good) ? 0 : 1;
    }

    private ParameterException badUsage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
