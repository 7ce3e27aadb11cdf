package io.pgcaravan.cli;

import java.sql.Connection;
import java.sql.SQLException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code caravan dead-letter show}. */
@Command(name = "show", mixinStandardHelpOptions = true, description = "Shows all of one dead letter.")
final class DeadLetterShow extends DeadLetterCommand.OnTarget {

    @Parameters(paramLabel = "ID", description = "The letter's number, as list shows it.")
    private long id;

    @Override
    int on(Connection target) throws SQLException {
        DeadLetterList.fields(DeadLetterCommand.find(target, id)).forEach((name, value) -> {
            if (value != null) {
                // further lines of a value stand below its first, so that none looks like a field of its own
                out().printf("%-9s  %s%n", name, String.valueOf(value).replace("\n", "\n           "));
            }
        });
        return 0;
    }
}
