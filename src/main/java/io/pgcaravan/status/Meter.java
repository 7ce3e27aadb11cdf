package io.pgcaravan.status;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Our own meters, as they stand at {@code /observe/metrics}: names and labels that dashboards and alerts may rely on. The
 * reference page is checked against this.
 */
public enum Meter {
    JOB_UP(
            "pgcaravan_job_up",
            Type.GAUGE,
            Source.PROCESS,
            "1 while the job's route runs and its last attempt did not fail; 0 where it fails or was stopped.",
            Labels.JOB),
    JOB_ACTIVE(
            "pgcaravan_job_active",
            Type.GAUGE,
            Source.PROCESS,
            "1 where this process applies the job's batches; 0 where it stands by, or is not connected.",
            Labels.JOB),
    BATCHES("pgcaravan_batches_total", Type.COUNTER, Source.PROCESS, "Batches applied.", Labels.JOB),
    EVENTS("pgcaravan_events_total", Type.COUNTER, Source.PROCESS, "Events of the batches applied.", Labels.JOB),
    ROWS("pgcaravan_rows_total", Type.COUNTER, Source.PROCESS, "Rows written by the batches applied.", Labels.JOB),
    BATCH_DURATION(
            "pgcaravan_batch_duration_seconds",
            Type.HISTOGRAM,
            Source.PROCESS,
            "Time from a batch's number to its end in the source, commit included.",
            Labels.JOB),
    BATCH_FAILURES(
            "pgcaravan_batch_failures_total",
            Type.COUNTER,
            Source.PROCESS,
            "Attempts of the job that failed, for whatever reason.",
            Labels.JOB),
    QUEUE_LAG(
            "pgcaravan_queue_lag_seconds",
            Type.GAUGE,
            Source.STATUS,
            "Seconds between now and the tick up to which the consumer is through. A quiet queue ticks once a minute.",
            Labels.JOB),
    QUEUE_LAG_EVENTS(
            "pgcaravan_queue_lag_events",
            Type.GAUGE,
            Source.STATUS,
            "Events between that tick and now, about.",
            Labels.JOB),
    QUEUE_ROTATION(
            "pgcaravan_queue_rotation_ratio",
            Type.GAUGE,
            Source.STATUS,
            "Lag as a share of the queue's rotation period: at 1 the consumer holds up the rotation, and the queue grows.",
            Labels.JOB),
    POSITION_LOST(
            "pgcaravan_position_lost",
            Type.GAUGE,
            Source.STATUS,
            "1 where source and target do not fit together, so that the job cannot go on.",
            Labels.JOB),
    JOB_FAILING(
            "pgcaravan_job_failing_seconds",
            Type.GAUGE,
            Source.STATUS,
            "Seconds since the first of the tries in a row that failed, as caravan.job in the target has it, whichever process"
                    + " runs the job; 0 where the last try went well.",
            Labels.JOB),
    DEAD_LETTERS(
            "pgcaravan_dead_letters",
            Type.GAUGE,
            Source.STATUS,
            "Rows in caravan.dead_letter that could not be loaded.",
            Labels.JOB),
    PARTITIONS(
            "pgcaravan_partitions",
            Type.GAUGE,
            Source.STATUS,
            "Partitions of a job's table.",
            List.of("route", "table")),
    TICKER_UP(
            "pgcaravan_ticker_up",
            Type.GAUGE,
            Source.STATUS,
            "1 where ticks of the queue come as they should, 0 where no ticker runs.",
            List.of("database", "queue")),
    SETS_WRITTEN(
            "pgcaravan_sets_written",
            Type.GAUGE,
            Source.STATUS,
            "Number of the last set whose files are complete.",
            Labels.EXPORT),
    SETS_PUBLISHED(
            "pgcaravan_sets_published",
            Type.GAUGE,
            Source.STATUS,
            "Number of the last set that was published.",
            Labels.EXPORT),
    SETS_ACKNOWLEDGED(
            "pgcaravan_sets_acknowledged",
            Type.GAUGE,
            Source.STATUS,
            "Number of the last set that the target has acknowledged.",
            Labels.EXPORT),
    SETS_OVERDUE(
            "pgcaravan_sets_overdue",
            Type.GAUGE,
            Source.STATUS,
            "Sets that were published and should have arrived by now; 0 for a target that never told of any.",
            Labels.EXPORT),
    UNACKNOWLEDGED_AGE(
            "pgcaravan_unacknowledged_age_seconds",
            Type.GAUGE,
            Source.STATUS,
            "Age of the oldest set that was published and has not arrived, as far as is known; 0 where there is none.",
            Labels.EXPORT),
    UNEXPORTED_AGE(
            "pgcaravan_unexported_age_seconds",
            Type.GAUGE,
            Source.STATUS,
            "Age of the oldest change that no set has, at most; 0 where there is none.",
            Labels.EXPORT),
    SETS_IMPORTED(
            "pgcaravan_sets_imported",
            Type.GAUGE,
            Source.STATUS,
            "Number of the last set that was imported.",
            Labels.IMPORT),
    SETS_MISSING(
            "pgcaravan_sets_missing",
            Type.GAUGE,
            Source.STATUS,
            "Sets that are missing although later ones are in the drop directory.",
            Labels.IMPORT),
    SETS_DIVERGED(
            "pgcaravan_sets_diverged",
            Type.GAUGE,
            Source.STATUS,
            "1 where the next set continues something else than what the table has.",
            Labels.IMPORT),
    DROP_FREE(
            "pgcaravan_drop_free_bytes",
            Type.GAUGE,
            Source.STATUS,
            "Bytes free on the disk of a drop directory.",
            Labels.DROP),
    DROP_SIZE(
            "pgcaravan_drop_size_bytes",
            Type.GAUGE,
            Source.STATUS,
            "Bytes of the disk of a drop directory.",
            Labels.DROP),
    DATABASE_UP(
            "pgcaravan_database_up",
            Type.GAUGE,
            Source.STATUS,
            "1 where the database can be reached.",
            List.of("database")),
    PROBLEMS(
            "pgcaravan_problems",
            Type.GAUGE,
            Source.STATUS,
            "What caravan status would call wrong, by kind.",
            List.of("kind")),
    STATUS_AGE(
            "pgcaravan_status_age_seconds",
            Type.GAUGE,
            Source.PROCESS,
            "Seconds since the last look at the databases, which the other gauges are as old as.",
            List.of());

    /** What stands in a label. */
    public static String label(String label) {
        return switch (label) {
            case "route" -> "Id of the route; empty for a consumer that no enabled route has.";
            case "queue" -> "Name of the queue.";
            case "consumer" -> "Name of the consumer.";
            case "table" -> "Schema and name of the table, as in `public.orders`.";
            case "database" -> "Name of the database in `config/application.properties`, as in `sourceDb`.";
            case "target" -> "Host and database that sets are for, as in `branch/shop`.";
            case "directory" -> "Path of the drop directory.";
            case "kind" -> "Kind of problem, as in [monitoring.md](../monitoring.md#caravan-status).";
            default -> throw new IllegalArgumentException(label);
        };
    }

    /** As Prometheus has them. */
    public enum Type {
        GAUGE,
        COUNTER,
        HISTOGRAM
    }

    /** Where the values are from. */
    public enum Source {
        /** This process: they start anew with it. */
        PROCESS,
        /** The databases, which are looked at every status.period. */
        STATUS
    }

    private static final class Labels {
        static final List<String> JOB = List.of("route", "queue", "consumer");
        static final List<String> EXPORT = List.of("database", "table", "target");
        static final List<String> IMPORT = List.of("database", "table");
        static final List<String> DROP = List.of("directory");
    }

    private final String meterName;
    private final Type type;
    private final Source source;
    private final String help;
    private final List<String> labels;

    Meter(String meterName, Type type, Source source, String help, List<String> labels) {
        this.meterName = meterName;
        this.type = type;
        this.source = source;
        this.help = help;
        this.labels = labels;
    }

    /** As it stands in the metrics; a histogram has _bucket, _sum and _count behind it. */
    public String meterName() {
        return meterName;
    }

    public Type type() {
        return type;
    }

    public Source source() {
        return source;
    }

    public String help() {
        return help;
    }

    public List<String> labels() {
        return labels;
    }

    /** The values of a gauge that is read from the databases. */
    public record Value(List<String> labels, double value) {}

    /** What a status says of this meter; empty for one that has other values. */
    public List<Value> values(Status status) {
        return switch (this) {
            case QUEUE_LAG -> jobs(status, Status.Job::lag);
            case QUEUE_LAG_EVENTS -> jobs(status, Status.Job::pendingEvents);
            case QUEUE_ROTATION -> jobs(status, Status.Job::rotation);
            case POSITION_LOST -> jobs(status, job -> flag(job.lost() != null));
            case JOB_FAILING ->
                jobs(
                        status,
                        job -> job.failure() == null ? 0 : seconds(job.failure().since(), status.at()));
            case DEAD_LETTERS -> jobs(status, Status.Job::deadLetters);
            case PARTITIONS ->
                status.jobs().stream()
                        .flatMap(job -> job.tables().stream()
                                .map(table -> value(table.partitions(), or(job.route()), table.table())))
                        .toList();
            case TICKER_UP ->
                status.queues().stream()
                        .map(queue -> value(flag(queue.ticker()), queue.database(), queue.queue()))
                        .toList();
            case SETS_WRITTEN -> exports(status, set -> "reserved".equals(set.state()) ? set.last() - 1 : set.last());
            case SETS_PUBLISHED -> exports(status, Status.Exported::published);
            case SETS_ACKNOWLEDGED -> exports(status, Status.Exported::acknowledged);
            case SETS_OVERDUE -> exports(status, Status.Exported::overdue);
            case UNACKNOWLEDGED_AGE -> exports(status, set -> seconds(set.onItsWaySince(), status.at()));
            case UNEXPORTED_AGE -> exports(status, set -> seconds(set.oldestChange(), status.at()));
            case SETS_IMPORTED -> imports(status, set -> set.set() == null ? 0 : set.set());
            case SETS_MISSING ->
                imports(status, set -> set.missing() == null ? 0 : set.missingTo() - set.missing() + 1);
            case SETS_DIVERGED -> imports(status, set -> flag(set.diverged() != null));
            case DROP_FREE -> drops(status, Status.Drop::free);
            case DROP_SIZE -> drops(status, Status.Drop::total);
            case DATABASE_UP ->
                status.databases().stream()
                        .map(database -> value(flag(database.up()), database.name()))
                        .toList();
            case PROBLEMS ->
                java.util.Arrays.stream(Problem.Kind.values())
                        .map(kind -> value(
                                status.problems().stream()
                                        .filter(problem -> problem.kind() == kind)
                                        .count(),
                                kind.toString()))
                        .toList();
            default -> List.of();
        };
    }

    private interface NumberOf<T> {
        Number apply(T value);
    }

    private static List<Value> jobs(Status status, NumberOf<Status.Job> number) {
        return status.jobs().stream()
                .filter(job -> number.apply(job) != null)
                .map(job -> value(number.apply(job), or(job.route()), job.queue(), job.consumer()))
                .toList();
    }

    private static List<Value> exports(Status status, NumberOf<Status.Exported> number) {
        return status.exports().stream()
                .map(set -> value(number.apply(set), set.database(), set.table(), set.target()))
                .toList();
    }

    private static List<Value> imports(Status status, NumberOf<Status.Imported> number) {
        return status.imports().stream()
                .map(set -> value(number.apply(set), set.database(), set.table()))
                .toList();
    }

    private static List<Value> drops(Status status, NumberOf<Status.Drop> number) {
        return status.drops().stream()
                .filter(drop -> number.apply(drop) != null)
                .map(drop -> value(number.apply(drop), drop.directory()))
                .toList();
    }

    private static Value value(Number number, String... labels) {
        return new Value(List.of(labels), number.doubleValue());
    }

    /** Since then; 0 for never, and where the clocks differ. */
    private static double seconds(Instant then, Instant now) {
        return then == null ? 0 : Math.max(0, Duration.between(then, now).toMillis() / 1000.0);
    }

    private static int flag(boolean set) {
        return set ? 1 : 0;
    }

    private static String or(String text) {
        return text == null ? "" : text;
    }
}
