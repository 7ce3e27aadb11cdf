package io.pgcaravan.cli;

import io.pgcaravan.status.Status;
import io.pgcaravan.status.Words;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

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
        StatusText text = new StatusText(status, out);
        out.println(AT.format(status.at()));
        text.problems();
        text.databases();
        text.queues();
        text.jobs();
        text.accounts();
        text.partitions();
        text.exports();
        text.imports();
        text.drops();
    }

    private void problems() {
        if (status.isWell()) {
            out.println("nothing is wrong");
            return;
        }
        status.problems().forEach(problem -> out.println("WRONG  " + problem));
    }

    private void databases() {
        out.println();
        TextTable table = new TextTable("DATABASE", "STATE", "POSTGRESQL", "ADDRESS");
        for (Status.Database database : status.databases()) {
            table.add(database.name(), database.up() ? "up" : "DOWN", or(database.version()), database.address());
        }
        table.print(out);
    }

    private void queues() {
        if (status.queues().isEmpty()) {
            return;
        }
        out.println();
        TextTable table = new TextTable("QUEUE", "IN", ">EVENTS/S", ">NEW EVENTS", ">LAST TICK", "TICKER");
        for (Status.Queue queue : status.queues()) {
            table.add(
                    queue.queue(),
                    queue.database(),
                    rate(queue.eventsPerSecond()),
                    count(queue.newEvents()),
                    age(queue.tickAge()),
                    queue.ticker() ? "ok" : "MISSING");
        }
        table.print(out);
    }

    private void jobs() {
        if (status.jobs().isEmpty()) {
            return;
        }
        out.println();
        TextTable table = new TextTable(
                "JOB",
                "QUEUE",
                "CONSUMER",
                "RUNS",
                ">LAG",
                ">PENDING EVENTS",
                ">EVENTS/S",
                ">LAST BATCH",
                ">TICK",
                ">ROWS",
                ">DEAD LETTERS");
        for (Status.Job job : status.jobs()) {
            table.add(
                    or(job.route()),
                    job.queue(),
                    job.consumer(),
                    job.running().name().toLowerCase(Locale.ROOT),
                    age(job.lag()),
                    count(job.pendingEvents()),
                    rate(job.eventsPerSecond()),
                    ago(job.appliedAt()),
                    job.tick() == null ? "-" : job.tick().toString(),
                    count(job.rows()),
                    Words.count(job.deadLetters()));
        }
        table.print(out);
    }

    private void accounts() {
        if (status.jobs().stream().allMatch(job -> job.account().isEmpty())) {
            return;
        }
        out.println();
        TextTable table = new TextTable("JOB", "CONSUMER", "WHAT BECAME OF EVENTS", ">EVENTS");
        for (Status.Job job : status.jobs()) {
            job.account()
                    .forEach(fate ->
                            table.add(or(job.route()), job.consumer(), fate.fate(), Words.count(fate.events())));
        }
        table.print(out);
    }

    private void partitions() {
        if (status.jobs().stream().allMatch(job -> job.tables().isEmpty())) {
            return;
        }
        out.println();
        TextTable table = new TextTable("TABLE", "JOB", ">PARTITIONS", "NEWEST", "NEXT TO BE DROPPED", "FROM");
        for (Status.Job job : status.jobs()) {
            for (Status.Table parts : job.tables()) {
                table.add(
                        parts.table(),
                        or(job.route()),
                        Integer.toString(parts.partitions()),
                        or(parts.newest()),
                        or(parts.nextDropped()),
                        parts.droppedAt() == null ? "-" : DAY.format(parts.droppedAt()));
            }
        }
        table.print(out);
    }

    private void exports() {
        if (status.exports().isEmpty()) {
            return;
        }
        out.println();
        TextTable table = new TextTable(
                "EXPORTED",
                "FOR",
                ">LAST SET",
                "STATE",
                ">PUBLISHED",
                ">AGO",
                ">ACKNOWLEDGED",
                ">AGO",
                ">WAITING",
                ">OVERDUE",
                ">OLDEST CHANGE WITHOUT A SET");
        for (Status.Exported exported : status.exports()) {
            table.add(
                    exported.table(),
                    exported.target(),
                    Long.toString(exported.last()),
                    exported.state(),
                    Long.toString(exported.published()),
                    ago(exported.publishedAt()),
                    Long.toString(exported.acknowledged()),
                    ago(exported.acknowledgedAt()),
                    Long.toString(exported.waiting()),
                    exported.overdue() == 0 ? "none" : Long.toString(exported.overdue()),
                    exported.oldestChange() == null
                            ? "none"
                            : (exported.exact() ? "" : "at most ") + ago(exported.oldestChange()));
        }
        table.print(out);
    }

    private void imports() {
        if (status.imports().isEmpty()) {
            return;
        }
        out.println();
        TextTable table =
                new TextTable("IMPORTED", "IN", ">LAST SET", ">AGO", ">PUBLISHED", ">MISSING", ">HERE", "STATE");
        for (Status.Imported imported : status.imports()) {
            table.add(
                    imported.table(),
                    imported.database(),
                    count(imported.set()),
                    ago(imported.appliedAt()),
                    count(imported.publishedSets()),
                    imported.missing() == null
                            ? "none"
                            : imported.missing().equals(imported.missingTo())
                                    ? imported.missing().toString()
                                    : imported.missing() + "-" + imported.missingTo(),
                    Integer.toString(imported.here()),
                    imported.diverged() != null
                            ? "DIVERGED"
                            : imported.missing() != null
                                    ? "GAP"
                                    : imported.set() == null ? "waits for a full set" : "ok");
        }
        table.print(out);
    }

    private void drops() {
        if (status.drops().isEmpty()) {
            return;
        }
        out.println();
        TextTable table = new TextTable("DROP DIRECTORY", "ROUTE", ">FREE", ">OF");
        for (Status.Drop drop : status.drops()) {
            table.add(drop.directory(), drop.route(), size(drop.free()), size(drop.total()));
        }
        table.print(out);
    }

    // ---- words

    private String ago(Instant then) {
        return then == null
                ? "-"
                : Words.age(Duration.between(then, status.at()).toMillis() / 1000.0);
    }

    private static String age(Double seconds) {
        return seconds == null ? "-" : Words.age(seconds);
    }

    private static String count(Long number) {
        return number == null ? "-" : Words.count(number);
    }

    private static String rate(Double perSecond) {
        return perSecond == null ? "-" : String.format(Locale.ROOT, "%,.1f", perSecond);
    }

    private static String size(Long bytes) {
        return bytes == null ? "-" : Words.bytes(bytes.doubleValue());
    }

    private static String or(String text) {
        return text == null ? "-" : text;
    }
}
