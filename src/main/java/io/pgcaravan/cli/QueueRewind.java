package io.pgcaravan.cli;

import io.pgcaravan.batch.Consumers;
import java.sql.Connection;
import java.sql.SQLException;
import picocli.CommandLine.Command;

/** {@code caravan queue rewind}. */
@Command(
        name = "rewind",
        mixinStandardHelpOptions = true,
        description = "Moves a consumer, in its queue, to the tick that its target stands at. With its job stopped.")
final class QueueRewind extends OnConsumer {

    @Override
    Consumers.Outcome move(Consumers consumers, Connection source, Connection target) throws SQLException {
        return consumers.rewind(source, target);
    }
}
