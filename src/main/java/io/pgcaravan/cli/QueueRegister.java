package io.pgcaravan.cli;

import io.pgcaravan.batch.Consumers;
import java.sql.Connection;
import java.sql.SQLException;
import picocli.CommandLine.Command;

/** {@code caravan queue register}. */
@Command(
        name = "register",
        mixinStandardHelpOptions = true,
        description = "Registers a consumer: at the tick that its target stands at, else at the queue's latest.")
final class QueueRegister extends OnConsumer {

    @Override
    Consumers.Outcome move(Consumers consumers, Connection source, Connection target) throws SQLException {
        return consumers.register(source, target);
    }
}
