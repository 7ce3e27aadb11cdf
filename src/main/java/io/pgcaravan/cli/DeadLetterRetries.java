package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.camel.DeadLetterRetry;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code caravan dead-letter retry}. */
@Command(
        name = "retry",
        mixinStandardHelpOptions = true,
        description = "Sends dead letters through their job's route again, each in a transaction of its own that also"
                + " takes it from the dead letters. The job may run meanwhile.",
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:all are loaded; also where there was none",
            "1:one could not be loaded and stays; the others are",
            "2:bad usage or configuration"
        })
final class DeadLetterRetries extends DeadLetterCommand.OnTarget {

    @Mixin
    private DeadLetterCommand.Choice choice;

    @Mixin
    private RoutesOption routes;

    @Option(
            names = "--force",
            description =
                    "In rowMode keep_latest and plain: apply an event even where the target has a row with its key,"
                            + " which later events may have written.")
    private boolean force;

    @Override
    int on(Connection target) throws SQLException, IOException {
        List<DeadLetter> letters = choice.letters(target, spec());
        if (letters.isEmpty()) {
            out().println("there are no dead letters to retry");
            return 0;
        }
        int failed = 0;
        try (Application application = Application.waiting(
                database().config(), routes.routes(), database().given())) {
            application.start();
            DeadLetterRetry retry = new DeadLetterRetry(application.context());
            for (DeadLetter letter : letters) {
                try {
                    retry.apply(letter, force);
                    out().println(letter + " is loaded");
                } catch (Exception e) {
                    failed++;
                    err().println(letter + " stays: " + e.getMessage()
                            + (e.getMessage().contains("later events may have written") ? "; --force applies it" : ""));
                }
            }
        }
        if (failed > 0) {
            err().println(failed + " of " + letters.size() + " could not be loaded");
        }
        return failed == 0 ? 0 : 1;
    }
}
