package io.pgcaravan.batch;

import io.pgcaravan.queue.Batch;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.RefusedException;
import io.pgcaravan.queue.Source;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;

/**
 * A consumer's place in its queue and in its target, as an administrator moves them: Skytools' {@code --register}, {@code
 * --unregister}, {@code --reset} and {@code --rewind}.
 *
 * <p>Every connection has autocommit on. Each call throws {@link RefusedException} where it cannot be done, {@link
 * LostPositionException} where source and target do not fit together; nothing is changed then.
 *
 * @param queue in the source
 * @param consumer its name in the source, and in the target's ledger
 */
public record Consumers(Pgq pgq, String queue, String consumer) {

    /**
     * What a call did.
     *
     * @param changed false where everything was as wanted already
     * @param said a sentence for people, without its full stop
     */
    public record Outcome(boolean changed, String said) {

        @Override
        public String toString() {
            return said;
        }
    }

    /** What people type to register the consumer. */
    public String registerCommand() {
        return Ledger.command("register", queue, consumer);
    }

    /**
     * Registers the consumer: at the tick that the target stands at, or where the target knows nothing, at the queue's
     * latest tick, which the target then notes as the start. A registration that is there stays as it is. Never clears a
     * ledger.
     */
    public Outcome register(Connection source, Connection target) throws SQLException {
        Source identity = identity(source);
        Ledger ledger = Ledger.open(target, consumer, identity);
        Ledger.Applied applied = ledger.applied(target, queue);
        Pgq.Registration registered = pgq.registration(source, queue, consumer);
        if (registered != null) {
            checkFit(source, identity, registered, applied);
            return new Outcome(
                    false,
                    called() + " is registered already, at tick " + registered.tick()
                            + (applied == null
                                    ? "; the target knows nothing of it: "
                                            + Ledger.command("reset", queue, consumer)
                                            + " makes that tick its start"
                                    : "; the target stands at tick " + applied.tick()));
        }
        if (applied == null) {
            Pgq.Tick latest = pgq.tick(source, queue, null);
            if (latest == null) {
                throw new RefusedException(
                        "queue \"" + queue + "\" has no tick; caravan queue tick " + queue + " makes one");
            }
            // the target first: where this ends in between, the next call registers at the tick that is noted
            target.setAutoCommit(false);
            try {
                ledger.start(target, queue, latest);
                target.commit();
            } finally {
                target.rollback();
                target.setAutoCommit(true);
            }
            pgq.register(source, queue, consumer, latest.id(), false);
            return new Outcome(
                    true,
                    called() + " registered at the queue's latest tick, " + latest.id()
                            + ": earlier events are not seen");
        }
        checkTick(source, identity, applied);
        pgq.register(source, queue, consumer, applied.tick(), false);
        return new Outcome(true, called() + " registered at tick " + applied.tick() + ", where the target stands");
    }

    /** Unregisters the consumer. The target is not asked: its ledger stays. */
    public Outcome unregister(Connection source) throws SQLException {
        identity(source);
        boolean was = pgq.unregister(source, queue, consumer);
        return new Outcome(
                was,
                was
                        ? called()
                                + " unregistered; the target's ledger keeps its tick, so that registering goes on there"
                                + " while the source still has that tick (" + Ledger.command("reset", queue, consumer)
                                + " forgets it)"
                        : called() + " is not registered");
    }

    /**
     * Clears the consumer's tick and position in the target, and notes the source's tick as its start, so that the next batch
     * of the source is taken as its first.
     * A batch that is open and in the target already is finished before, or it would be applied again.
     */
    public Outcome reset(Connection source, Connection target) throws SQLException {
        Source identity = identity(source);
        if (!Ledger.isThere(target) && pgq.registration(source, queue, consumer) == null) {
            return nothingToReset();
        }
        return withJobStopped(target, "clearing its position", () -> {
            Ledger ledger = Ledger.open(target, consumer, identity);
            target.setAutoCommit(false);
            try {
                Batch finished = finishApplied(source, target, ledger);
                String cleared = ledger.clear(target);
                Pgq.Registration registered = pgq.registration(source, queue, consumer);
                if (cleared == null && registered == null) {
                    return nothingToReset();
                }
                if (registered != null) {
                    ledger.start(target, queue, pgq.tick(source, queue, registered.tick()));
                }
                target.commit();
                return new Outcome(
                        true,
                        (finished == null ? "" : finished + " was in the target already and is finished; ")
                                + (cleared == null
                                        ? "the target knew nothing of consumer \"" + consumer + "\"; "
                                        : "the target has forgotten that consumer \"" + consumer + "\" stood at "
                                                + cleared + "; ")
                                + (registered == null
                                        ? "it is not registered on queue \"" + queue + "\""
                                        : "what the source offers next, after tick " + registered.tick()
                                                + ", is taken as its first batch"));
            } finally {
                target.rollback();
                target.setAutoCommit(true);
            }
        });
    }

    /** Moves the source's consumer to the tick that the target stands at, registering it where it is not. */
    public Outcome rewind(Connection source, Connection target) throws SQLException {
        Source identity = identity(source);
        if (!Ledger.isThere(target)) {
            throw nothingToRewindTo();
        }
        return withJobStopped(target, "moving it in the source", () -> {
            Ledger.Applied applied = Ledger.open(target, consumer, identity).applied(target, queue);
            if (applied == null) {
                throw nothingToRewindTo();
            }
            checkTick(source, identity, applied);
            Pgq.Registration before = pgq.registration(source, queue, consumer);
            if (before != null && before.tick() == applied.tick() && before.batch() == null) {
                return new Outcome(
                        false, called() + " stands at tick " + applied.tick() + " already, as the target does");
            }
            pgq.register(source, queue, consumer, applied.tick(), true);
            return new Outcome(
                    true,
                    called() + (before == null ? " registered at" : " moved from tick " + before.tick() + " to")
                            + " the target's tick " + applied.tick()
                            + (applied.tickTime() == null
                                    ? "; only its number could be compared, since the target does not know when it was made"
                                    : ""));
        });
    }

    /**
     * Compares where the source and the target stand, changing neither.
     *
     * @param applied what the target stands at, null where it knows nothing
     * @return where the consumer stands in the source, null where it is not registered
     * @throws LostPositionException where a job could not go on; says what to do
     */
    public Pgq.Registration compare(Connection source, Source identity, Ledger.Applied applied) throws SQLException {
        Pgq.Registration registered = pgq.registration(source, queue, consumer);
        if (registered != null) {
            checkFit(source, identity, registered, applied);
        } else if (applied != null) {
            checkTick(source, identity, applied);
        }
        return registered;
    }

    /** The source, which must have PgQ and the queue. */
    private Source identity(Connection source) throws SQLException {
        Source identity = Source.of(source);
        if (!pgq.isInstalled(source)) {
            throw new RefusedException("there is no PgQ in the source " + identity + " (no table " + pgq.schema()
                    + ".queue); as a superuser: create extension pgq");
        }
        if (!pgq.hasQueue(source, queue)) {
            throw new RefusedException("queue \"" + queue + "\" does not exist in the source " + identity
                    + "; caravan queue list shows those there are");
        }
        return identity;
    }

    /** Does what no running job may meet. */
    private Outcome withJobStopped(Connection target, String what, Work work) throws SQLException {
        if (!Ledger.tryLock(target, consumer)) {
            throw new RefusedException("a job with consumer \"" + consumer
                    + "\" is running on this target; stop it (and its standby) before " + what);
        }
        try {
            return work.run();
        } finally {
            Ledger.unlock(target, consumer);
        }
    }

    @FunctionalInterface
    private interface Work {
        Outcome run() throws SQLException;
    }

    private Batch finishApplied(Connection source, Connection target, Ledger ledger) throws SQLException {
        Pgq.Registration registered = pgq.registration(source, queue, consumer);
        if (registered == null || registered.batch() == null) {
            return null;
        }
        Batch open = pgq.nextBatch(source, queue, consumer);
        boolean applied = open != null && ledger.standing(target, open) instanceof Standing.AlreadyApplied;
        return applied && pgq.finish(source, open) ? open : null;
    }

    /** A registration fits where the target stands at its tick, or at the end of its open batch. */
    private void checkFit(Connection source, Source identity, Pgq.Registration registered, Ledger.Applied applied)
            throws SQLException {
        if (applied == null) {
            return;
        }
        boolean fits = applied.tick() == registered.tick()
                || registered.nextTick() != null && applied.tick() == registered.nextTick();
        if (!fits) {
            throw new LostPositionException("lost position: " + called() + " is registered at tick " + registered.tick()
                    + ", but the target stands at tick " + applied.tick() + "; to move it to the target's tick: "
                    + Ledger.command("rewind", queue, consumer) + "; if the target is to start anew from the source's, "
                    + Ledger.howToReset(queue, consumer));
        }
        checkTick(source, identity, applied);
    }

    /** The tick that the target stands at must be there, and be the very same. */
    private void checkTick(Connection source, Source identity, Ledger.Applied applied) throws SQLException {
        Pgq.Tick tick = pgq.tick(source, queue, applied.tick());
        Instant made = tick == null ? null : tick.time();
        if (made != null && (applied.tickTime() == null || applied.tickTime().equals(made))) {
            return;
        }
        throw new LostPositionException("lost position: " + called() + " of " + identity + " stands at tick "
                + applied.tick() + (applied.tickTime() == null ? "" : ", made at " + applied.tickTime() + ",")
                + " in the target, and "
                + (made == null
                        ? whyGone(source, applied)
                        : "the source's tick of that number" + " was made at " + made
                                + ": this is another queue of that name, or one created again")
                + ". If the target is to start anew from the source's position, "
                + Ledger.howToReset(queue, consumer));
    }

    private String whyGone(Connection source, Ledger.Applied applied) throws SQLException {
        Pgq.Ticks ticks = pgq.ticks(source, queue);
        if (ticks == null) {
            return "the queue has no ticks at all";
        }
        if (applied.tick() > ticks.newest()) {
            return "the source has come to tick " + ticks.newest()
                    + " only (was it restored, or the queue created again?)";
        }
        return "that tick is no longer there: the queue has rotated, its oldest tick is " + ticks.oldest()
                + ", made at "
                + ticks.oldestTime() + ". The events between those two are lost to this consumer; copy their rows by"
                + " other means";
    }

    private Outcome nothingToReset() {
        return new Outcome(
                false, "the target knows nothing of consumer \"" + consumer + "\"; there is nothing to clear");
    }

    private RefusedException nothingToRewindTo() {
        return new RefusedException("the target knows nothing of consumer \"" + consumer
                + "\", so there is no tick to move to (is this the right target, and the right name?)");
    }

    private String called() {
        return "consumer \"" + consumer + "\" of queue \"" + queue + "\"";
    }
}
