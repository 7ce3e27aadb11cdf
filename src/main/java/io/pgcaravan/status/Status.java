package io.pgcaravan.status;

import java.time.Instant;
import java.util.List;

/**
 * What everything is at, at one moment. Numbers that are not known are null: the database is away, or has nothing yet.
 *
 * @param at by the clock of this host
 * @param problems what is wrong, the worst first
 * @param jobs by their routes; those without a route last
 */
public record Status(
        Instant at,
        List<Problem> problems,
        List<Database> databases,
        List<Queue> queues,
        List<Job> jobs,
        List<Exported> exports,
        List<Imported> imports,
        List<Drop> drops) {

    /**
     * A database.
     *
     * @param version of PostgreSQL; null where it is down
     * @param error why it cannot be reached; null where it can
     */
    public record Database(String name, String address, boolean up, String version, String error) {}

    /**
     * A queue of one of the databases.
     *
     * @param eventsPerSecond that come in
     * @param newEvents since the last tick
     * @param tickAge seconds since the last tick
     * @param ticker whether ticks come as they should
     * @param rotationPeriod seconds
     */
    public record Queue(
            String database,
            String queue,
            Double eventsPerSecond,
            Long newEvents,
            Double tickAge,
            boolean ticker,
            Double rotationPeriod) {}

    /** Who runs a job. */
    public enum Running {
        /** A process holds the job's lock. */
        ACTIVE,
        /** The same, and the job fails at every try. */
        FAILING,
        /** Nobody does. */
        NOBODY,
        /** The job takes no lock, or the target is away. */
        UNKNOWN
    }

    /**
     * A dispatch job.
     *
     * @param route null where no enabled route has this consumer
     * @param source the database's name; null where none of the known databases has that queue
     * @param holder who holds the job's lock
     * @param lag seconds between now and the tick up to which the consumer is through
     * @param pendingEvents between that tick and now
     * @param rotation lag as a share of the queue's rotation period
     * @param eventsPerSecond that the consumer took since the look before; null at the first look
     * @param tick the last batch's, as the target has it
     * @param rows of the last batch
     * @param appliedAt when the last batch was committed
     * @param account what became of the events of all batches
     * @param lost what a lost position means, in words; null where all is well
     * @param failure why the job does not get on; null where its last try went well
     */
    public record Job(
            String route,
            String queue,
            String consumer,
            String source,
            String target,
            Running running,
            String holder,
            Double lag,
            Long pendingEvents,
            Double rotation,
            Double eventsPerSecond,
            Long tick,
            Instant tickTime,
            Long eventSeq,
            Long rows,
            Instant appliedAt,
            List<Fate> account,
            long deadLetters,
            List<Letter> letters,
            List<Table> tables,
            String lost,
            Failure failure) {}

    /** Events that were loaded into a table, left out for a reason, refused by a table, or are dead letters. */
    public record Fate(String fate, long events) {}

    /**
     * A job's last error.
     *
     * @param sqlState null where it was none of a database
     * @param since when the first of these tries failed, and {@code at} when the last one did
     */
    public record Failure(String error, String sqlState, Instant since, Instant at, long tries) {}

    /** One of the latest dead letters. */
    public record Letter(long id, long event, Instant at, String error) {}

    /**
     * A table in partitions.
     *
     * @param newest the partition with the latest bound
     * @param nextDropped the one that retention takes away next; null where nothing does
     */
    public record Table(
            String table, int partitions, String newest, String nextDropped, Instant droppedAt, List<Part> parts) {}

    /**
     * A partition.
     *
     * @param rows an estimate
     */
    public record Part(String name, Instant from, Instant to, Long rows) {}

    /**
     * A table that is exported for one target.
     *
     * @param route null where no enabled route exports it
     * @param last number of the newest set, in whatever state
     * @param state of that set
     * @param waiting sets that are published and not acknowledged
     * @param onItsWaySince when the oldest set was published that has not arrived, as far as is known; null for none
     * @param overdue sets that should have arrived by now, going by how long they take as a rule; 0 for a target that never told of
     *     any
     * @param oldestChange when the oldest change that no set has was made: then, or later
     * @param exact false where that time is the last set's only, and the change may be much younger
     */
    public record Exported(
            String route,
            String database,
            String table,
            String target,
            long last,
            String state,
            long published,
            Instant publishedAt,
            long acknowledged,
            Instant acknowledgedAt,
            long waiting,
            Instant onItsWaySince,
            long overdue,
            Instant oldestChange,
            boolean exact) {}

    /**
     * A table that is imported.
     *
     * @param set number of the last set that was applied; null for none
     * @param publishedSets number of the last set that was published for it, where its source is one of the known databases
     * @param missing number of the first set that is missing although later ones are there; null for none
     * @param missingTo the last one
     * @param diverged what keeps the next set out for good, in words; null for nothing
     * @param here sets that lie in the drop directory
     */
    public record Imported(
            String route,
            String database,
            String table,
            Long set,
            Instant appliedAt,
            Long publishedSets,
            Long missing,
            Long missingTo,
            String diverged,
            int here) {}

    /** A drop directory. */
    public record Drop(String route, String directory, Long free, Long total, String error) {}

    public Status {
        problems = List.copyOf(problems);
        databases = List.copyOf(databases);
        queues = List.copyOf(queues);
        jobs = List.copyOf(jobs);
        exports = List.copyOf(exports);
        imports = List.copyOf(imports);
        drops = List.copyOf(drops);
    }

    /** Whether nothing is wrong. */
    public boolean isWell() {
        return problems.isEmpty();
    }

    /** As JSON, its names those of the records, times as ISO 8601. */
    public String json() {
        return Json.of(this);
    }
}
