package io.pgcaravan.cli;

import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.load.DeadLetters;
import java.sql.Connection;
import java.sql.SQLException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code caravan dead-letter discard}. */
@Command(
        name = "discard",
        mixinStandardHelpOptions = true,
        description = "Deletes dead letters for good; their rows never reach the target.")
final class DeadLetterDiscard extends DeadLetterCommand.OnTarget {

    @Mixin
    private DeadLetterCommand.Choice choice;

    @Override
    int on(Connection target) throws SQLException {
        target.setAutoCommit(false);
        int discarded = 0;
        for (DeadLetter letter : choice.letters(target, spec())) {
            if (DeadLetters.delete(target, letter.id())) {
                discarded++;
            }
        }
        target.commit();
        out().println(discarded + (discarded == 1 ? " dead letter" : " dead letters") + " discarded");
        return 0;
    }
}
