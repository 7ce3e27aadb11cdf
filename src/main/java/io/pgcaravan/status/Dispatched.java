package io.pgcaravan.status;

import io.pgcaravan.batch.Consumers;
import io.pgcaravan.batch.Ledger;
import io.pgcaravan.batch.LostPositionException;
import io.pgcaravan.check.CheckedJob;
import io.pgcaravan.check.SourceValues;
import io.pgcaravan.partition.ListedPartition;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.Queues;
import io.pgcaravan.queue.RefusedException;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import io.pgcaravan.status.Status.Running;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Dispatch jobs: those of the routes, and whatever else has a position in a target. */
final class Dispatched {

    private static final String POSITIONS = Sql.file("status/positions");
    private static final String HOLDER = Sql.file("status/holder");
    private static final String FAILURE = "select error, sqlstate, since, at, tries from caravan.job"
            + " where error is not null and consumer operator(pg_catalog.=) cast(? as text)";
    private static final String LETTERS = Sql.file("status/letters");
    private static final String ROWS = Sql.file("status/rows");

    private static final int LATEST_LETTERS = 20;

    /** No calendar shows later times; PostgreSQL's infinity is one. */
    private static final Instant LATEST = Instant.parse("+9999999-01-01T00:00:00Z");

    /** What the look before saw of each job. */
    private final Map<String, Seen> before = new HashMap<>();

    private record Seen(long eventSeq, Double lag, Instant at) {}

    private record Position(
            String consumer,
            String queue,
            String system,
            String database,
            long tick,
            Instant tickTime,
            long eventSeq,
            long rows,
            Instant at,
            List<Status.Fate> account) {}

    List<Status.Job> read(Looks all) {
        List<Status.Job> jobs = new ArrayList<>();
        Map<Look, Map<String, Position>> positions = new LinkedHashMap<>();
        for (Look look : all.looks()) {
            positions.put(look, positions(all, look));
        }
        Set<String> known = new HashSet<>();
        for (Watch.Dispatch dispatch : all.watch().dispatches()) {
            CheckedJob job = dispatch.job();
            Look target = all.at(job.target());
            known.add(key(target, job.consumer()));
            jobs.add(job(
                    all,
                    dispatch,
                    all.at(job.source()),
                    target,
                    job.queue(),
                    job.consumer(),
                    positions.get(target).get(job.consumer())));
        }
        positions.forEach((target, found) -> found.values().stream()
                .filter(position -> !known.contains(key(target, position.consumer)))
                .forEach(position -> jobs.add(
                        job(all, null, source(all, position), target, position.queue, position.consumer, position))));
        return jobs;
    }

    private static String key(Look target, String consumer) {
        return target.name() + "\0" + consumer;
    }

    private static Look source(Looks all, Position position) {
        return all.looks().stream()
                .filter(Look::up)
                .filter(look -> look.identity().system().equals(position.system)
                        && look.identity().database().equals(position.database))
                .findFirst()
                .orElse(null);
    }

    private static Map<String, Position> positions(Looks all, Look look) {
        Map<String, Position> positions = new LinkedHashMap<>();
        try {
            if (!look.up() || !look.has("caravan.position")) {
                return positions;
            }
            try (Statement statement = look.connection().createStatement();
                    ResultSet row = statement.executeQuery(POSITIONS)) {
                while (row.next()) {
                    positions.put(
                            row.getString("consumer"),
                            new Position(
                                    row.getString("consumer"),
                                    row.getString("queue"),
                                    row.getString("source_system"),
                                    row.getString("source_database"),
                                    row.getLong("tick"),
                                    instant(row, "tick_time"),
                                    row.getLong("event_seq"),
                                    row.getLong("rows"),
                                    instant(row, "at"),
                                    account(row)));
                }
            }
        } catch (SQLException e) {
            all.unreadable(look.name(), "caravan.position", e);
        }
        return positions;
    }

    private static List<Status.Fate> account(ResultSet row) throws SQLException {
        Array fates = row.getArray("fates");
        if (fates == null) {
            return List.of();
        }
        String[] names = (String[]) fates.getArray();
        Long[] events = (Long[]) row.getArray("events").getArray();
        List<Status.Fate> account = new ArrayList<>(names.length);
        for (int i = 0; i < names.length; i++) {
            account.add(new Status.Fate(names[i], events[i]));
        }
        return account;
    }

    private static Instant instant(ResultSet row, String column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    /** @param dispatch null for a job without a route */
    private Status.Job job(
            Looks all,
            Watch.Dispatch dispatch,
            Look source,
            Look target,
            String queue,
            String consumer,
            Position position) {
        String subject = dispatch == null ? "consumer " + consumer : dispatch.route();
        Queues.Line line = line(all, subject, source, queue, consumer);
        Double lag = line == null ? null : line.lag();
        Status.Failure failure = failure(all, subject, target, consumer);
        Holder holder = holder(all, subject, dispatch, target, consumer);
        Running running =
                failure == null || holder.running == Running.NOBODY || !target.up() ? holder.running : Running.FAILING;
        Letters letters = letters(all, subject, target, consumer);
        String lost = lost(all, subject, dispatch, source, target, queue, consumer);
        Seen earlier = before.get(key(target, consumer));
        Double rate = null;
        if (position != null && earlier != null && all.now().isAfter(earlier.at)) {
            double seconds = Duration.between(earlier.at, all.now()).toNanos() / 1e9;
            rate = Math.max(0, position.eventSeq - earlier.eventSeq) / seconds;
        }
        if (position != null) {
            before.put(key(target, consumer), new Seen(position.eventSeq, lag, all.now()));
        }
        if (lost != null) {
            all.problem(Problem.Kind.POSITION_LOST, subject, lost);
        }
        if (dispatch != null && holder.running == Running.NOBODY) {
            all.problem(
                    Problem.Kind.JOB_DOWN,
                    subject,
                    "no process runs consumer \"" + consumer + "\" of queue \"" + queue
                            + "\"; start it with caravan run, or switch the route off"
                            + (failure == null ? "" : "; its last error: " + failure.error()));
        }
        if (running == Running.FAILING && lost == null) {
            all.problem(
                    Problem.Kind.JOB_FAILING,
                    subject,
                    "consumer \"" + consumer + "\" of queue \"" + queue + "\" has failed at "
                            + (failure.tries() == 1
                                    ? "its last try"
                                    : "each of its last " + Words.count(failure.tries()) + " tries, for "
                                            + Words.age(Duration.between(failure.since(), all.now())
                                                            .toMillis()
                                                    / 1000.0))
                            + ": " + failure.error());
        }
        checkValues(all, subject, dispatch, source);
        if (lag != null && lag > all.limits().lag()) {
            boolean grows = earlier != null && earlier.lag != null && lag > earlier.lag;
            all.problem(
                    Problem.Kind.LAG,
                    subject,
                    "consumer \"" + consumer + "\" is " + Words.age(lag) + " behind queue \"" + queue + "\""
                            + (line.pendingEvents() == null
                                    ? ""
                                    : ", about " + Words.count(line.pendingEvents()) + " events")
                            + (grows ? ", and it grows" : ""));
        }
        if (letters.count > 0) {
            all.problem(
                    Problem.Kind.DEAD_LETTERS,
                    subject,
                    letters.count + (letters.count == 1 ? " row" : " rows")
                            + " could not be loaded; the latest: "
                            + letters.latest.get(0).error()
                            + "; caravan dead-letter list --consumer " + consumer);
        }
        return new Status.Job(
                dispatch == null ? null : dispatch.route(),
                queue,
                consumer,
                source == null ? null : source.name(),
                target.name(),
                running,
                holder.said,
                lag,
                line == null ? null : line.pendingEvents(),
                line == null ? null : StatusReader.share(line),
                rate,
                position == null ? null : position.tick,
                position == null ? null : position.tickTime,
                position == null ? null : position.eventSeq,
                position == null ? null : position.rows,
                position == null ? null : position.at,
                position == null ? List.of() : position.account,
                letters.count,
                letters.latest,
                tables(all, subject, dispatch, target),
                lost,
                failure);
    }

    private static Status.Failure failure(Looks all, String subject, Look target, String consumer) {
        try {
            if (target.up() && target.has("caravan.job")) {
                try (PreparedStatement select = target.connection().prepareStatement(FAILURE)) {
                    select.setString(1, consumer);
                    try (ResultSet row = select.executeQuery()) {
                        return row.next()
                                ? new Status.Failure(
                                        row.getString("error"),
                                        row.getString("sqlstate"),
                                        instant(row, "since"),
                                        instant(row, "at"),
                                        row.getLong("tries"))
                                : null;
                    }
                }
            }
        } catch (SQLException e) {
            all.unreadable(subject, "caravan.job", e);
        }
        return null;
    }

    private static void checkValues(Looks all, String subject, Watch.Dispatch dispatch, Look source) {
        if (dispatch == null || source == null || !source.up()) {
            return;
        }
        CheckedJob job = dispatch.job();
        try {
            if (source.has(job.schema() + ".queue")) {
                SourceValues.problems(source.connection(), job.schema(), job.queue(), job.encoding())
                        .forEach(said -> all.problem(Problem.Kind.SOURCE_VALUES, subject, said));
            }
        } catch (SQLException e) {
            all.unreadable(subject, "the triggers of queue \"" + job.queue() + "\"", e);
        }
    }

    private static Queues.Line line(Looks all, String subject, Look source, String queue, String consumer) {
        if (source == null || !source.up()) {
            return null;
        }
        try {
            return source.queues(all.schema(source)).stream()
                    .filter(line -> line.queue().equals(queue) && consumer.equals(line.consumer()))
                    .findFirst()
                    .orElse(null);
        } catch (SQLException e) {
            all.unreadable(subject, "queue \"" + queue + "\"", e);
            return null;
        }
    }

    // ---- who runs it

    private record Holder(Running running, String said) {}

    private static Holder holder(Looks all, String subject, Watch.Dispatch dispatch, Look target, String consumer) {
        if (!target.up()) {
            return new Holder(Running.UNKNOWN, null);
        }
        try (PreparedStatement select = target.connection().prepareStatement(HOLDER)) {
            select.setString(1, consumer);
            try (ResultSet row = select.executeQuery()) {
                if (row.next()) {
                    String address = row.getString("address");
                    Instant since = instant(row, "backend_start");
                    return new Holder(
                            Running.ACTIVE,
                            "session " + row.getInt("pid") + (address == null ? "" : " from " + address)
                                    + (since == null ? "" : " since " + since));
                }
            }
        } catch (SQLException e) {
            all.unreadable(subject, "who runs it", e);
            return new Holder(Running.UNKNOWN, null);
        }
        return new Holder(dispatch == null || dispatch.locks() ? Running.NOBODY : Running.UNKNOWN, null);
    }

    // ---- dead letters

    private record Letters(long count, List<Status.Letter> latest) {}

    private static Letters letters(Looks all, String subject, Look target, String consumer) {
        List<Status.Letter> latest = new ArrayList<>();
        long count = 0;
        try {
            if (!target.up() || !target.has("caravan.dead_letter")) {
                return new Letters(0, latest);
            }
            try (PreparedStatement select = target.connection().prepareStatement(LETTERS)) {
                select.setString(1, consumer);
                select.setInt(2, LATEST_LETTERS);
                try (ResultSet row = select.executeQuery()) {
                    while (row.next()) {
                        count = row.getLong("letters");
                        latest.add(new Status.Letter(
                                row.getLong("id"),
                                row.getLong("ev_id"),
                                instant(row, "at"),
                                row.getString("error").lines().findFirst().orElse("")));
                    }
                }
            }
        } catch (SQLException e) {
            all.unreadable(subject, "caravan.dead_letter", e);
        }
        return new Letters(count, latest);
    }

    // ---- whether source and target fit together

    /** Why the job could not go on; null where it can, or nobody can tell. */
    private static String lost(
            Looks all,
            String subject,
            Watch.Dispatch dispatch,
            Look source,
            Look target,
            String queue,
            String consumer) {
        if (source == null || !source.up() || !target.up()) {
            return null;
        }
        Pgq pgq = new Pgq(dispatch == null ? all.schema(source) : dispatch.job().schema());
        try {
            Connection queues = source.connection();
            if (!Ledger.isComplete(target.connection()) || !pgq.isInstalled(queues) || !pgq.hasQueue(queues, queue)) {
                return null;
            }
            // a job that runs goes on between two looks: what is read of the target counts where the source stood still
            // around it
            Pgq.Registration stood = pgq.registration(queues, queue, consumer);
            String said;
            try {
                Ledger.Applied applied = Ledger.tryOut(target.connection(), consumer, source.identity())
                        .applied(target.connection(), queue);
                new Consumers(pgq, queue, consumer).compare(queues, source.identity(), applied);
                return null;
            } catch (LostPositionException e) {
                said = e.getMessage();
            }
            Pgq.Registration stands = pgq.registration(queues, queue, consumer);
            return java.util.Objects.equals(stood, stands) ? said : null;
        } catch (RefusedException e) {
            return null;
        } catch (SQLException e) {
            all.unreadable(subject, "its position", e);
            return null;
        }
    }

    // ---- partitions

    private static List<Status.Table> tables(Looks all, String subject, Watch.Dispatch dispatch, Look target) {
        if (dispatch == null || !target.up()) {
            return List.of();
        }
        Map<TableName, PartitionSettings> settings = new LinkedHashMap<>();
        dispatch.job().loads().stream()
                .filter(load -> load.partition() != null)
                .forEach(load -> settings.putIfAbsent(load.partition().destTable(), load.partition()));
        List<Status.Table> tables = new ArrayList<>();
        settings.forEach((table, setting) -> {
            try {
                tables.add(target.byRolesPath(connection -> table(connection, setting)));
            } catch (SQLException e) {
                all.unreadable(subject, "the partitions of " + table, e);
            }
        });
        return tables;
    }

    private static Status.Table table(Connection target, PartitionSettings settings) throws SQLException {
        List<ListedPartition> listed = ListedPartition.list(target, settings, false).stream()
                .filter(partition -> !partition.defaultPartition())
                .toList();
        Map<Long, Long> rows = rows(target, listed);
        ListedPartition newest = listed.stream()
                .filter(partition -> bounded(partition.to()))
                .max(Comparator.comparing(ListedPartition::to))
                .orElse(null);
        ListedPartition oldest = settings.retention() == null
                ? null
                : listed.stream()
                        .filter(partition -> bounded(partition.to()))
                        .min(Comparator.comparing(ListedPartition::to))
                        .orElse(null);
        ZoneId zone = settings.timeZone();
        Instant dropped = oldest == null ? null : settings.retention().period().after(oldest.to(), zone);
        return new Status.Table(
                settings.destTable().toString(),
                listed.size(),
                newest == null ? null : newest.table().toString(),
                oldest == null ? null : oldest.table().toString(),
                bounded(dropped) ? dropped : null,
                listed.stream()
                        .map(partition -> new Status.Part(
                                partition.table().toString(),
                                bounded(partition.from()) ? partition.from() : null,
                                bounded(partition.to()) ? partition.to() : null,
                                rows.get(partition.oid())))
                        .toList());
    }

    private static boolean bounded(Instant time) {
        return time != null && time.isBefore(LATEST) && time.isAfter(Instant.parse("-9999999-01-01T00:00:00Z"));
    }

    private static Map<Long, Long> rows(Connection target, List<ListedPartition> listed) throws SQLException {
        Map<Long, Long> rows = new HashMap<>();
        try (PreparedStatement select = target.prepareStatement(ROWS)) {
            select.setArray(
                    1,
                    target.createArrayOf(
                            "int8", listed.stream().map(ListedPartition::oid).toArray()));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    rows.put(row.getLong(1), row.getLong(2));
                }
            }
        }
        return rows;
    }
}
