package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.queue.Queues;
import io.pgcaravan.queue.Queues.Feeder;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code caravan queue drop}. */
@Command(name = "drop", mixinStandardHelpOptions = true, description = "Drops a queue with its events.")
final class QueueDrop extends QueueCommand.OnQueues {

    @Parameters(paramLabel = "NAME", description = "The queue.")
    private String queue;

    @Option(names = "--force", description = "Drop its consumers and the triggers that feed it too.")
    private boolean force;

    @Override
    void on(Connection source, Queues queues) throws SQLException {
        mustExist(source, queue);
        List<String> consumers = queues.consumers(source, queue);
        List<Feeder> feeders = queues.feeders(source, queue);
        if (!force && !(consumers.isEmpty() && feeders.isEmpty())) {
            List<String> attached = new ArrayList<>();
            if (!consumers.isEmpty()) {
                attached.add("consumers \"" + String.join("\", \"", consumers) + "\" would lose their events");
            }
            if (!feeders.isEmpty()) {
                attached.add("writes to "
                        + String.join(
                                ", ",
                                feeders.stream().map(Feeder::table).distinct().toList())
                        + " would fail in their triggers");
            }
            throw new CommandFailedException(
                    "queue \"" + queue + "\" is in use: " + String.join("; ", attached) + ". --force drops those too");
        }
        try (Statement statement = source.createStatement()) {
            // first, so that no write to those tables meets a trigger without its queue
            for (Feeder feeder : feeders) {
                statement.execute("drop trigger " + feeder.trigger() + " on " + feeder.table());
                out().println("trigger " + feeder.trigger() + " on " + feeder.table() + " dropped");
            }
        }
        queues.drop(source, queue, force);
        for (String consumer : consumers) {
            out().println("consumer \"" + consumer + "\" unregistered; its position in the target is still there");
        }
        out().println("queue \"" + queue + "\" dropped");
    }
}
