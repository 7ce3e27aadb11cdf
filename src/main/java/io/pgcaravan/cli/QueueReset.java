package io.pgcaravan.cli;

import io.pgcaravan.batch.Consumers;
import java.sql.Connection;
import java.sql.SQLException;
import picocli.CommandLine.Command;

/** {@code caravan queue reset}. */
@Command(
        name = "reset",
        mixinStandardHelpOptions = true,
        description =
                "Lets a target forget where a consumer stands, so that the next batch is taken as its first. With its job"
                        + " stopped.")
final class QueueReset extends OnConsumer {

    @Override
    Consumers.Outcome move(Consumers consumers, Connection source, Connection target) throws SQLException {
        return consumers.reset(source, target);
    }
}
