package io.pgcaravan.partition.retention;

import io.pgcaravan.partition.NewPartitions;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Partitioner;
import io.pgcaravan.partition.Retention;
import io.pgcaravan.sql.LockWaits;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.Query;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a job does for its partitions beside its batches, from time to time and on a connection of its own: makes those of
 * the time ahead, and takes away those that are too old. Nothing of it is ever needed for loading.
 */
public final class Upkeep {

    /**
     * What came of one round.
     *
     * @param done what was made, dropped or detached, in sentences
     * @param problems what could not be done, in sentences; the next round tries again
     * @param kept old partitions that cannot go until an operator does something, in sentences
     * @param early whether something was left for a time that comes soon: the job has not applied a batch yet
     */
    public record Round(List<String> done, List<String> problems, List<String> kept, boolean early) {}

    private final PartitionSettings settings;
    private final Partitioner partitioner;
    private final Clock clock;
    private final NewPartitions newPartitions;

    /** @param partitioner the job's own, which has to learn which partitions are gone */
    public Upkeep(PartitionSettings settings, Partitioner partitioner) {
        this(settings, partitioner, Clock.systemUTC());
    }

    public Upkeep(PartitionSettings settings, Partitioner partitioner, Clock clock) {
        this.settings = settings;
        this.partitioner = partitioner;
        this.clock = clock;
        this.newPartitions = new NewPartitions(settings);
    }

    /** Whether a job with these settings has anything to do here. */
    public static boolean isNeeded(PartitionSettings settings) {
        return settings.ahead() > 0 || settings.retention() != null;
    }

    /**
     * One round. What fails for one partition is among the problems; the others are done.
     *
     * @param target with autocommit on and no transaction open; stays so
     * @param consumer the job's, whose position tells how far it is
     */
    public Round round(Connection target, String consumer) throws SQLException {
        Round round = new Round(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), false);
        boolean early = settings.ahead() > 0 && !makeAhead(target, round);
        if (settings.retention() != null) {
            early |= !retire(target, consumer, round);
        }
        return new Round(round.done, round.problems, round.kept, early);
    }

    // ---- ahead

    /** False where an event has to come first. */
    private boolean makeAhead(Connection target, Round round) {
        List<String> key = partitioner.lastKey();
        if (key == null
                && Stream.of(settings.partTemplate(), settings.prePart(), settings.postPart())
                        .anyMatch(template -> template != null && template.usesKey())) {
            return false;
        }
        try {
            LockWaits.retrying(() -> {
                List<Partition> made =
                        newPartitions.make(target, clock.instant(), settings.ahead(), key == null ? List.of() : key);
                if (!made.isEmpty()) {
                    round.done.add("made "
                            + made.stream().map(Partition::toString).collect(Collectors.joining(", ")) + " ahead");
                }
            });
        } catch (SQLException e) {
            round.problems.add(e.getMessage());
        }
        return true;
    }

    // ---- retention

    /** False where the job has to apply a batch first. */
    private boolean retire(Connection target, String consumer, Round round) throws SQLException {
        Instant tick = lastTick(target, consumer);
        if (tick == null) {
            return false;
        }
        Instant now = now(target, clock);
        // A clock that jumps ahead would make everything old. The source's clock, which made the tick, is a third
        // witness.
        if (tick.isBefore(settings.retention().period().before(now, settings.timeZone()))) {
            round.problems.add("No partition of " + settings.destTable() + " goes: the last batch of consumer \""
                    + consumer + "\" was made at " + tick + " by the source's clock, and by the clocks here and on the"
                    + " target that is longer ago than retentionPeriod = "
                    + settings.retention().period()
                    + ". Either a clock is wrong, or the job is that far behind; retention continues when it has"
                    + " caught up");
            return true;
        }
        OldPartitions old = new OldPartitions(settings, settings.retention());
        // another process that has it does the same
        if (old.lock(target)) {
            try {
                retireAll(target, old, now, round);
            } finally {
                old.unlock(target);
            }
        }
        return true;
    }

    private void retireAll(Connection target, OldPartitions old, Instant now, Round round) {
        try {
            OldPartitions.Plan plan = old.plan(target, now);
            for (OldPartitions.Kept kept : plan.kept()) {
                round.kept.add("Partition " + kept.table() + " is older than retentionPeriod = "
                        + settings.retention().period() + " and stays: " + kept.reason());
            }
            for (OldPartition partition : plan.old()) {
                if (Thread.currentThread().isInterrupted()) {
                    return;
                }
                try {
                    partition.retire(target);
                    round.done.add((settings.retention().action() == Retention.Action.DROP ? "dropped " : "detached ")
                            + partition.table() + ", which ended at " + partition.to());
                } catch (SQLException e) {
                    round.problems.add(e.getMessage());
                    if (target.isClosed() || partition.way() == OldPartition.Way.CONCURRENTLY && LockWaits.passes(e)) {
                        // one partition of a table at a time can be on its way out
                        return;
                    }
                } finally {
                    partitioner.forgetSoon();
                }
            }
        } catch (SQLException e) {
            round.problems.add("Cannot look for old partitions of " + settings.destTable() + ": " + e.getMessage());
        }
    }

    /** The earlier of this host's clock and the target's: one that runs ahead makes nothing older than it is. */
    public static Instant now(Connection target, Clock clock) throws SQLException {
        Instant there = Query.first(target, "select pg_catalog.clock_timestamp()", Upkeep::instant);
        Instant here = clock.instant();
        return here.isBefore(there) ? here : there;
    }

    /** The earlier of this host's clock and the target's. */
    public static Instant now(Connection target) throws SQLException {
        return now(target, Clock.systemUTC());
    }

    /** When the last tick that the job has applied was made; null for none. */
    private static Instant lastTick(Connection target, String consumer) throws SQLException {
        return OwnTables.exists(target, "caravan.position")
                ? Query.first(
                        target,
                        "select tick_time from caravan.position where consumer = ?::text",
                        Upkeep::instant,
                        consumer)
                : null;
    }

    private static Instant instant(ResultSet row) throws SQLException {
        return row.getObject(1, OffsetDateTime.class).toInstant();
    }
}
