package io.pgcaravan.cli;

import io.pgcaravan.changeset.ChangeSetException;
import io.pgcaravan.changeset.DropDirectory;
import io.pgcaravan.changeset.Importer;
import io.pgcaravan.changeset.Importer.Outcome;
import io.pgcaravan.changeset.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
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
        description = "Applies the sets in a drop directory to a database, in their order.")
final class Import implements Callable<Integer> {

    @Mixin
    private DatabaseOption database;

    @Option(names = "--dir", required = true, paramLabel = "DIR", description = "The drop directory.")
    private Path directory;

    @Option(
            names = "--target",
            paramLabel = "HOST/DB",
            description = "Whom sets have to be for; default is any host, and the database's name.")
    private String target;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        ShipProgress progress = new ShipProgress(out);
        List<Outcome> outcomes;
        try {
            outcomes = new Importer(
                            database.opener("targetDb"),
                            new DropDirectory(directory),
                            here(),
                            (set, part, bytes, of) -> progress.imported(set.name(), part, bytes, of))
                    .importAll();
        } catch (ChangeSetException e) {
            progress.clear();
            throw new CommandFailedException(e.getMessage());
        }
        progress.clear();
        if (outcomes.isEmpty()) {
            out.println("no sets to import in " + directory);
        }
        boolean good = true;
        for (Outcome outcome : outcomes) {
            good &= outcome.result().good();
            (outcome.result().good() ? out : err).println(outcome);
        }
        out.flush();
        err.flush();
        return good ? 0 : 1;
    }

    private Target here() {
        try {
            return target == null ? null : Target.parse(target);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--target: " + e.getMessage());
        }
    }
}
