package io.pgcaravan.cli;

import io.pgcaravan.status.Status;
import io.pgcaravan.status.Words;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Stream;

/** A status for a terminal. */
final class StatusText {

    private static final DateTimeFormatter AT =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss xxx").withZone(ZoneId.systemDefault());
    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("uuuu-MM-dd").withZone(ZoneOffset.UTC);

    private final Status status;
    private final PrintWriter out;

    private StatusText(Status status, PrintWriter out) {
        this.status = status;
        this.out = out;
    }

    static void print(Status status, PrintWriter out) {
        out.println(AT.format(status.at()));
        if (status.isWell()) {
            out.println("nothing is wrong");
        }
        status.problems().forEach(problem -> out.println("WRONG  " + problem));
        StatusText text = new StatusText(status, out);
        text.databasesAndQueues();
        text.jobs();
        text.ships();
    }

    /** Nothing where there are no rows. */
    private <T> void table(String headings, Stream<T> rows, Function<T, Object[]> cells) {
        TextTable table = new TextTable(headings);
        List<T> all = rows.toList();
        if (!all.isEmpty()) {
            all.forEach(row -> table.add(cells.apply(row)));
            out.println();
            table.print(out);
        }
    }

    private static Object[] row(Object... cells) {
        return cells;
    }

    private void databasesAndQueues() {
        table(
                "DATABASE | STATE | POSTGRESQL | ADDRESS",
                status.databases().stream(),
                database ->
                        row(database.name(), database.up() ? "up" : "DOWN", database.version(), database.address()));
        table(
                "QUEUE | IN | >EVENTS/S | >NEW EVENTS | >LAST TICK | TICKER",
                status.queues().stream(),
                queue -> row(
                        queue.queue(),
                        queue.database(),
                        rate(queue.eventsPerSecond()),
                        count(queue.newEvents()),
                        age(queue.tickAge()),
                        queue.ticker() ? "ok" : "MISSING"));
    }

    private void jobs() {
        table(
                "JOB | QUEUE | CONSUMER | RUNS | >LAG | >PENDING EVENTS | >EVENTS/S | >LAST BATCH | >TICK | >ROWS"
                        + " | >DEAD LETTERS",
                status.jobs().stream(),
                job -> row(
                        job.route(),
                        job.queue(),
                        job.consumer(),
                        job.running().name().toLowerCase(Locale.ROOT),
                        age(job.lag()),
                        count(job.pendingEvents()),
                        rate(job.eventsPerSecond()),
                        ago(job.appliedAt()),
                        job.tick(),
                        count(job.rows()),
                        count(job.deadLetters())));
        table(
                "JOB | CONSUMER | WHAT BECAME OF EVENTS | >EVENTS",
                status.jobs().stream().flatMap(job -> job.account().stream()
                        .map(fate -> row(job.route(), job.consumer(), fate.fate(), count(fate.events())))),
                Function.identity());
        table(
                "TABLE | JOB | >PARTITIONS | NEWEST | NEXT TO BE DROPPED | FROM",
                status.jobs().stream().flatMap(job -> job.tables().stream()
                        .map(parts -> row(
                                parts.table(),
                                job.route(),
                                parts.partitions(),
                                parts.newest(),
                                parts.nextDropped(),
                                parts.droppedAt() == null ? null : DAY.format(parts.droppedAt())))),
                Function.identity());
    }

    private void ships() {
        table(
                "EXPORTED | FOR | >LAST SET | STATE | >PUBLISHED | >AGO | >ACKNOWLEDGED | >AGO | >WAITING | >OVERDUE"
                        + " | >OLDEST CHANGE WITHOUT A SET",
                status.exports().stream(),
                exported -> row(
                        exported.table(),
                        exported.target(),
                        exported.last(),
                        exported.state(),
                        exported.published(),
                        ago(exported.publishedAt()),
                        exported.acknowledged(),
                        ago(exported.acknowledgedAt()),
                        exported.waiting(),
                        exported.overdue() == 0 ? "none" : exported.overdue(),
                        exported.oldestChange() == null
                                ? "none"
                                : (exported.exact() ? "" : "at most ") + ago(exported.oldestChange())));
        table(
                "IMPORTED | IN | >LAST SET | >AGO | >PUBLISHED | >MISSING | >HERE | STATE",
                status.imports().stream(),
                imported -> row(
                        imported.table(),
                        imported.database(),
                        count(imported.set()),
                        ago(imported.appliedAt()),
                        count(imported.publishedSets()),
                        missing(imported),
                        imported.here(),
                        state(imported)));
        table(
                "DROP DIRECTORY | ROUTE | >FREE | >OF",
                status.drops().stream(),
                drop -> row(drop.directory(), drop.route(), size(drop.free()), size(drop.total())));
    }

    private static String missing(Status.Imported imported) {
        if (imported.missing() == null) {
            return "none";
        }
        return imported.missing() + (imported.missing().equals(imported.missingTo()) ? "" : "-" + imported.missingTo());
    }

    private static String state(Status.Imported imported) {
        if (imported.diverged() != null) {
            return "DIVERGED";
        }
        return imported.missing() != null ? "GAP" : imported.set() == null ? "waits for a full set" : "ok";
    }

    // ---- null is printed as a dash

    private String ago(Instant then) {
        return then == null
                ? null
                : Words.age(Duration.between(then, status.at()).toMillis() / 1000.0);
    }

    static String age(Double seconds) {
        return seconds == null ? null : Words.age(seconds);
    }

    static String count(Long number) {
        return number == null ? null : Words.count(number);
    }

    static String rate(Double perSecond) {
        return perSecond == null ? null : String.format(Locale.ROOT, "%,.1f", perSecond);
    }

    private static String size(Long bytes) {
        return bytes == null ? null : Words.bytes(bytes.doubleValue());
    }
}
