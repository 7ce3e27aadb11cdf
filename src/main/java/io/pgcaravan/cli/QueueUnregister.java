package io.pgcaravan.cli;

import io.pgcaravan.batch.Consumers;
import java.sql.Connection;
import java.sql.SQLException;
import picocli.CommandLine.Command;

/** {@code caravan queue unregister}. */
@Command(
        name = "unregister",
        mixinStandardHelpOptions = true,
        description = "Unregisters a consumer. What its target has of it stays.")
final class QueueUnregister extends OnConsumer {

    @Override
    Consumers.Outcome move(Consumers consumers, Connection source, Connection target) throws SQLException {
        return consumers.unregister(source);
    }

    @Override
    boolean usesTarget() {
        return false;
    }
}
