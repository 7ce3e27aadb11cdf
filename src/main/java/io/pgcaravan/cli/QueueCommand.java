package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.batch.Consumers;
import io.pgcaravan.queue.Queues.Feeder;
import io.pgcaravan.queue.Queues.Line;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code caravan queue}: the queues of a source. */
@Command(
        name = "queue",
        mixinStandardHelpOptions = true,
        description = "Makes, drops, lists and ticks PgQ queues, and moves their consumers.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = QueueCreate.class)
final class QueueCommand {

    @Command(mixinStandardHelpOptions = true, description = "Drops a queue with its events.")
    void drop(
            @Mixin PgqOptions pgq,
            @Parameters(paramLabel = "NAME", description = "The queue.") String queue,
            @Option(names = "--force", description = "Drop its consumers and the triggers that feed it too.")
                    boolean force)
            throws IOException {
        pgq.inTransaction((source, queues, out) -> {
            pgq.mustExist(source, queue);
            List<String> consumers = queues.consumers(source, queue);
            List<Feeder> feeders = queues.feeders(source, queue);
            if (!force) {
                mustBeUnused(queue, consumers, feeders);
            }
            // first, so that no write to those tables meets a trigger without its queue
            dropTriggers(source, feeders, out);
            queues.drop(source, queue, force);
            for (String consumer : consumers) {
                out.println("consumer \"" + consumer + "\" unregistered; its position in the target is still there");
            }
            out.println("queue \"" + queue + "\" dropped");
        });
    }

    private static void mustBeUnused(String queue, List<String> consumers, List<Feeder> feeders) {
        List<String> uses = new ArrayList<>();
        if (!consumers.isEmpty()) {
            uses.add("consumers \"" + String.join("\", \"", consumers) + "\" would lose their events");
        }
        if (!feeders.isEmpty()) {
            String tables = feeders.stream().map(Feeder::table).distinct().collect(Collectors.joining(", "));
            uses.add("writes to " + tables + " would fail in their triggers");
        }
        if (!uses.isEmpty()) {
            throw new CommandFailedException(
                    "queue \"" + queue + "\" is in use: " + String.join("; ", uses) + ". --force drops those too");
        }
    }

    private static void dropTriggers(Connection source, List<Feeder> feeders, PrintWriter out) throws SQLException {
        try (Statement statement = source.createStatement()) {
            for (Feeder feeder : feeders) {
                statement.execute("drop trigger " + feeder.trigger() + " on " + feeder.table());
                out.println("trigger " + feeder.trigger() + " on " + feeder.table() + " dropped");
            }
        }
    }

    @Command(mixinStandardHelpOptions = true, description = "Lists the queues and how far their consumers are.")
    void list(@Mixin PgqOptions pgq) throws IOException {
        pgq.inTransaction((source, queues, out) -> {
            List<Line> lines = queues.overview(source);
            if (lines.isEmpty()) {
                out.println("there are no queues in database \"" + source.getCatalog()
                        + "\"; caravan queue create NAME makes one");
            } else {
                print(lines, out);
            }
        });
    }

    private static void print(List<Line> lines, PrintWriter out) {
        TextTable table = new TextTable(
                "QUEUE | >EVENTS/S | >NEW EVENTS | >LAST TICK | TABLE | CONSUMER | >LAG | >LAST SEEN | >PENDING EVENTS");
        Set<String> withoutTicks = new LinkedHashSet<>();
        String queue = null;
        for (Line line : lines) {
            boolean first = !line.queue().equals(queue);
            queue = line.queue();
            if (first && line.lacksTicks()) {
                withoutTicks.add(queue);
            }
            boolean consumer = line.consumer() != null;
            table.add(
                    first ? queue : "",
                    first ? StatusText.rate(line.eventsPerSecond()) : "",
                    first ? StatusText.count(line.newEvents()) : "",
                    first
                            ? (line.tickAge() == null ? "-" : StatusText.age(line.tickAge()))
                                    + (line.ticker().equals("own") ? "" : " " + line.ticker())
                            : "",
                    first ? line.currentTable() + 1 + " of " + line.tables() : "",
                    consumer ? line.consumer() : "",
                    consumer ? StatusText.age(line.lag()) : "",
                    consumer ? StatusText.age(line.lastSeen()) : "",
                    consumer ? StatusText.count(line.pendingEvents()) : "");
        }
        table.print(out);
        if (!withoutTicks.isEmpty()) {
            out.println();
            out.println("no ticks come for " + String.join(", ", withoutTicks)
                    + ": run pgqd, or the ticker route (ticker.enabled = true)");
        }
    }

    @Command(
            mixinStandardHelpOptions = true,
            description =
                    "Makes a tick, whether or not one is due, so that consumers get what has been written up to now.")
    void tick(
            @Mixin PgqOptions pgq,
            @Parameters(paramLabel = "NAME", arity = "0..1", description = "The queue; default is all queues.")
                    String queue)
            throws IOException {
        pgq.inTransaction((source, queues, out) -> {
            List<String> names = queue == null ? queues.ticked(source) : List.of(queue);
            if (names.isEmpty()) {
                out.println("there are no queues to tick in database \"" + source.getCatalog() + "\"");
            }
            if (queue != null) {
                pgq.mustExist(source, queue);
                if (queues.isTickedElsewhere(source, queue)) {
                    throw new CommandFailedException(
                            "cannot tick queue \"" + queue + "\": it is paused or has an external ticker");
                }
            }
            for (String name : names) {
                out.println("queue \"" + name + "\": tick " + queues.tick(source, name));
            }
        });
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Registers a consumer: at the tick that its target stands at, else at the queue's latest.")
    void register(@Mixin ConsumerOptions consumer) throws IOException {
        consumer.move(Consumers::register);
    }

    @Command(mixinStandardHelpOptions = true, description = "Unregisters a consumer. What its target has of it stays.")
    void unregister(@Mixin ConsumerOptions consumer) throws IOException {
        consumer.unregister();
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Lets a target forget where a consumer stands, so that the next batch is taken as its first."
                    + " With its job stopped.")
    void reset(@Mixin ConsumerOptions consumer) throws IOException {
        consumer.move(Consumers::reset);
    }

    @Command(
            mixinStandardHelpOptions = true,
            description =
                    "Moves a consumer, in its queue, to the tick that its target stands at. With its job stopped.")
    void rewind(@Mixin ConsumerOptions consumer) throws IOException {
        consumer.move(Consumers::rewind);
    }
}
