package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.load.DeadLetters;
import io.pgcaravan.sql.SearchPath;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code caravan dead-letter}: the rows of a target that could not be loaded. */
@Command(
        name = "dead-letter",
        mixinStandardHelpOptions = true,
        description = "Shows, retries and discards rows that could not be loaded (onError=dead-letter).",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {DeadLetterList.class, DeadLetterShow.class, DeadLetterRetries.class, DeadLetterDiscard.class})
final class DeadLetterCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "which of list, show, retry and discard?");
    }

    /** What each of them does: something with the letters of one target. */
    abstract static class OnTarget implements Callable<Integer> {

        @Mixin
        private DatabaseOption database;

        @Spec
        private CommandSpec spec;

        /** The work; the exit code. */
        abstract int on(Connection target) throws SQLException, IOException;

        @Override
        public final Integer call() throws IOException {
            try (Connection target = database.connect("targetDb")) {
                SearchPath.pin(target);
                if (!DeadLetters.exist(target)) {
                    throw new CommandFailedException("there is no table caravan.dead_letter in database \""
                            + target.getCatalog() + "\": no job has run with this target yet");
                }
                return on(target);
            } catch (SQLException e) {
                throw new CommandFailedException(
                        e.getMessage().lines().findFirst().orElse("the target failed"));
            } finally {
                out().flush();
            }
        }

        DatabaseOption database() {
            return database;
        }

        PrintWriter out() {
            return spec.commandLine().getOut();
        }

        PrintWriter err() {
            return spec.commandLine().getErr();
        }

        CommandSpec spec() {
            return spec;
        }
    }

    /** Which letters a command is about. */
    static final class Choice {

        @Parameters(paramLabel = "ID", arity = "0..*", description = "The letters' numbers, as list shows them.")
        private List<Long> ids = List.of();

        @Option(names = "--all", description = "All letters.")
        private boolean all;

        @Option(names = "--consumer", paramLabel = "NAME", description = "With --all: only those of this consumer.")
        private String consumer;

        /** The chosen letters, in the order they came. */
        List<DeadLetter> letters(Connection target, CommandSpec spec) throws SQLException {
            if (all != ids.isEmpty()) {
                throw new ParameterException(spec.commandLine(), "give either the letters' IDs or --all");
            }
            if (consumer != null && !all) {
                throw new ParameterException(spec.commandLine(), "--consumer goes with --all");
            }
            if (all) {
                return DeadLetters.list(target, consumer);
            }
            List<DeadLetter> letters = new ArrayList<>();
            for (long id : ids.stream().sorted().distinct().toList()) {
                letters.add(find(target, id));
            }
            return letters;
        }
    }

    static DeadLetter find(Connection target, long id) throws SQLException {
        DeadLetter letter = DeadLetters.find(target, id);
        if (letter == null) {
            throw new CommandFailedException(
                    "there is no dead letter " + id + "; caravan dead-letter list shows those there are");
        }
        return letter;
    }
}
