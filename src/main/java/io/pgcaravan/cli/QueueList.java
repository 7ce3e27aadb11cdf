package io.pgcaravan.cli;

import io.pgcaravan.queue.Queues;
import io.pgcaravan.queue.Queues.Line;
import io.pgcaravan.status.Words;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import picocli.CommandLine.Command;

/** {@code caravan queue list}. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = "Lists the queues and how far their consumers are.")
final class QueueList extends QueueCommand.OnQueues {

    @Override
    void on(Connection source, Queues queues) throws SQLException {
        List<Line> lines = queues.overview(source);
        if (lines.isEmpty()) {
            out().println("there are no queues in database \"" + source.getCatalog()
                    + "\"; caravan queue create NAME makes one");
            return;
        }
        TextTable table = new TextTable(
                "QUEUE",
                ">EVENTS/S",
                ">NEW EVENTS",
                ">LAST TICK",
                "TABLE",
                "CONSUMER",
                ">LAG",
                ">LAST SEEN",
                ">PENDING EVENTS");
        Set<String> withoutTicks = new LinkedHashSet<>();
        String queue = null;
        for (Line line : lines) {
            boolean first = !line.queue().equals(queue);
            queue = line.queue();
            if (first && line.lacksTicks()) {
                withoutTicks.add(queue);
            }
            table.add(
                    first ? queue : "",
                    first ? rate(line.eventsPerSecond()) : "",
                    first ? count(line.newEvents()) : "",
                    first ? age(line.tickAge()) + (line.ticker().equals("own") ? "" : " " + line.ticker()) : "",
                    first ? line.currentTable() + 1 + " of " + line.tables() : "",
                    line.consumer() == null ? "" : line.consumer(),
                    line.consumer() == null ? "" : age(line.lag()),
                    line.consumer() == null ? "" : age(line.lastSeen()),
                    line.consumer() == null ? "" : count(line.pendingEvents()));
        }
        table.print(out());
        if (!withoutTicks.isEmpty()) {
            out().println();
            out().println("no ticks come for " + String.join(", ", withoutTicks)
                    + ": run pgqd, or the ticker route (ticker.enabled = true)");
        }
    }

    private static String rate(Double eventsPerSecond) {
        return eventsPerSecond == null ? "-" : String.format(Locale.ROOT, "%.1f", eventsPerSecond);
    }

    private static String count(Long number) {
        return number == null ? "-" : String.format(Locale.ROOT, "%,d", number);
    }

    private static String age(Double seconds) {
        return seconds == null ? "-" : Words.age(seconds);
    }
}
