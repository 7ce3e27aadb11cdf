package io.pgcaravan.status;

import io.pgcaravan.queue.Queues;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Looks at databases and drop directories, and says what everything is at. One that is away keeps nobody from seeing the others.
 *
 * <p>Remembers the look before, for what can only be seen over time. One thread at a time.
 */
public final class StatusReader {

    /** How long a database may take to answer at all, seconds. */
    private static final long PATIENCE = 10;

    private final Watch watch;
    private final Limits limits;
    private final Dispatched dispatched = new Dispatched();
    private final Shipped shipped = new Shipped();

    public StatusReader(Watch watch, Limits limits) {
        this.watch = watch;
        this.limits = limits;
    }

    /** Takes as long as the databases do, at most some ten seconds for one that does not answer. */
    public Status read() {
        Map<Place, Look> looks = connect();
        try {
            return read(looks);
        } finally {
            looks.values().forEach(Look::close);
        }
    }

    private Map<Place, Look> connect() {
        Set<Place> places = new LinkedHashSet<>(watch.places());
        watch.dispatches().forEach(dispatch -> {
            places.add(watch.place(dispatch.job().source()));
            places.add(watch.place(dispatch.job().target()));
        });
        watch.exports().forEach(export -> places.add(watch.place(export.database())));
        watch.imports().forEach(incoming -> places.add(watch.place(incoming.database())));
        Map<Place, FutureTask<Look>> tasks = new LinkedHashMap<>();
        for (Place place : places) {
            FutureTask<Look> task = new FutureTask<>(() -> Look.at(place));
            Thread thread = new Thread(task, "status of " + place.name());
            thread.setDaemon(true);
            thread.start();
            tasks.put(place, task);
        }
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE);
        Map<Place, Look> looks = new LinkedHashMap<>();
        tasks.forEach((place, task) -> looks.put(place, answer(place, task, until)));
        return looks;
    }

    private static Look answer(Place place, FutureTask<Look> task, long until) {
        try {
            return task.get(Math.max(1, until - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return Look.away(place, "it has not answered for " + PATIENCE + " s");
        } catch (ExecutionException e) {
            return Look.away(place, String.valueOf(e.getCause().getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Look.away(place, "the look at it was interrupted");
        }
    }

    private Status read(Map<Place, Look> looks) {
        Instant now = Instant.now();
        List<Problem> problems = new ArrayList<>();
        for (Look look : looks.values()) {
            if (!look.up() && watch.matters(look.name())) {
                problems.add(new Problem(
                        Problem.Kind.DATABASE_DOWN,
                        look.name(),
                        "the database " + look.database().address() + " cannot be reached: "
                                + look.database().error()));
            }
        }
        Looks all = new Looks(watch, looks, limits, now, problems);
        List<Status.Job> jobs = dispatched.read(all);
        Shipped.Seen seen = shipped.read(all);
        List<Status.Queue> queues = queues(all, jobs);
        problems.sort(Comparator.comparing(Problem::kind));
        return new Status(
                now,
                problems,
                looks.values().stream().map(Look::database).toList(),
                queues,
                jobs,
                seen.exports(),
                seen.imports(),
                seen.drops());
    }

    /** The queues that our jobs read, with whatever consumer keeps them from rotating. */
    private List<Status.Queue> queues(Looks all, List<Status.Job> jobs) {
        List<Status.Queue> queues = new ArrayList<>();
        for (Look look : all.looks()) {
            if (!look.up()) {
                continue;
            }
            try {
                String queue = null;
                for (Queues.Line line : look.queues(all.schema(look))) {
                    if (jobs.stream()
                            .noneMatch(job -> look.name().equals(job.source())
                                    && line.queue().equals(job.queue()))) {
                        continue;
                    }
                    if (!line.queue().equals(queue)) {
                        queue = line.queue();
                        queues.add(new Status.Queue(
                                look.name(),
                                queue,
                                line.eventsPerSecond(),
                                line.newEvents(),
                                line.tickAge(),
                                line.tickerProblem(all.schema(look)) == null,
                                line.rotationPeriod()));
                        checkTicker(all, look, line);
                    }
                    checkRotation(all, look, line);
                }
            } catch (SQLException e) {
                all.unreadable(look.name(), "its queues", e);
            }
        }
        return queues;
    }

    private static void checkTicker(Looks all, Look look, Queues.Line line) {
        String problem = line.tickerProblem(all.schema(look));
        if (problem != null) {
            all.problem(
                    Problem.Kind.TICKER_DOWN,
                    "queue " + line.queue(),
                    problem + " (the last tick in " + look.name() + ": "
                            + (line.tickAge() == null ? "none" : Words.age(line.tickAge()) + " ago") + ")");
        }
    }

    private static void checkRotation(Looks all, Look look, Queues.Line line) {
        Double share = share(line);
        if (share != null && share > all.limits().rotation()) {
            all.problem(
                    Problem.Kind.ROTATION,
                    "queue " + line.queue(),
                    "consumer \"" + line.consumer() + "\" is " + Words.age(line.lag()) + " behind and "
                            + (share >= 1 ? "holds up" : "is about to hold up")
                            + " the queue's rotation (every " + Words.age(line.rotationPeriod()) + ") in " + look.name()
                            + ", so that its tables grow; let it run, or take it off: caravan queue unregister "
                            + line.queue() + " " + line.consumer());
        }
    }

    /** A consumer's lag as a share of the rotation period; null where it is not known. */
    static Double share(Queues.Line line) {
        return line.lag() == null || line.rotationPeriod() == null || line.rotationPeriod() <= 0
                ? null
                : Double.valueOf(line.lag() / line.rotationPeriod());
    }
}
