package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.queue.Queues;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code caravan queue tick}. */
@Command(
        name = "tick",
        mixinStandardHelpOptions = true,
        description = "Makes a tick, whether or not one is due, so that consumers get what has been written up to now.")
final class QueueTick extends QueueCommand.OnQueues {

    @Parameters(paramLabel = "NAME", arity = "0..1", description = "The queue; default is all queues.")
    private String queue;

    @Override
    void on(Connection source, Queues queues) throws SQLException {
        if (queue == null) {
            List<String> all = queues.ticked(source);
            if (all.isEmpty()) {
                out().println("there are no queues to tick in database \"" + source.getCatalog() + "\"");
            }
            for (String name : all) {
                tick(source, queues, name);
            }
            return;
        }
        mustExist(source, queue);
        if (queues.isTickedElsewhere(source, queue)) {
            throw new CommandFailedException(
                    "queue \"" + queue + "\" is paused or gets its ticks from outside, so that none can be made here");
        }
        tick(source, queues, queue);
    }

    private void tick(Connection source, Queues queues, String name) throws SQLException {
        out().println("queue \"" + name + "\": tick " + queues.tick(source, name));
    }
}
