package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.format.Acknowledgements;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.format.UnfinishedException;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Applies the sets of a drop directory to a database: each set, or each group, in one transaction that also writes the ledger. A
 * set that is not the next one waits; one that is not what its {@code .done} says never touches a table.
 */
public final class Importer {

    private static final Duration TRY_WITH_LATER = Duration.ofMinutes(1);

    private final Connect target;
    private final DropDirectory directory;
    private final Target here;
    private final Progress progress;
    private final Map<UUID, Long> triedWithLater = new ConcurrentHashMap<>();

    /** @param here the receiver that sets must name; null where the database's name has to do */
    public Importer(Connect target, DropDirectory directory, Target here, Progress progress) {
        this.target = target;
        this.directory = directory;
        this.here = here;
        this.progress = progress;
    }

    /** Without progress, and for sets of any host name. */
    public Importer(Connect target, DropDirectory directory) {
        this(target, directory, null, Progress.NONE);
    }

    /** Hears how far an import has come. */
    @FunctionalInterface
    public interface Progress {

        Progress NONE = (set, part, bytes, of) -> {};

        /** Called every megabyte or so with the uncompressed bytes of one file that were sent, and those that it has. */
        void sent(Manifest set, SetPart part, long bytes, long of);
    }

    /** What became of a set. */
    public enum Result {
        /** It is in the table. */
        APPLIED(true),
        /** It was in the table before. */
        ALREADY_APPLIED(true),
        /** Sets before it are missing; it waits. */
        GAP(false),
        /** Some of its files are missing or short; it waits. */
        INCOMPLETE(false),
        /** It continues something else than what the table has; it waits for a decision of the user. */
        DIVERGED(false),
        /** It, or a file of it, is not what its {@code .done} says, and lies in {@code failed/}. */
        DAMAGED(false),
        /** It is for a table or a target that is not accepted here; it waits. */
        REFUSED(false),
        /** The database refused it, and nothing was changed; it waits for another attempt. */
        FAILED(false);

        private final boolean good;

        Result(boolean good) {
            this.good = good;
        }

        /** Whether the table has the set. */
        public boolean good() {
            return good;
        }
    }

    /**
     * What became of a set.
     *
     * @param manifest null where its {@code .done} could not be read
     * @param message a sentence for people
     * @param deleted rows that were deleted, 0 unless it was applied
     */
    public record Outcome(SetName set, Result result, Manifest manifest, String message, long deleted) {

        @Override
        public String toString() {
            return set + ": " + message;
        }
    }

    /**
     * Applies whatever can be applied, in the order of the sets' numbers, until nothing more can.
     *
     * @return what became of each set whose {@code .done} is (or was) here, by table and number
     * @throws ChangeSetException where the directory cannot be read
     */
    public List<Outcome> importAll() {
        directory.mustTakeFiles();
        Map<SetName, Outcome> outcomes = new TreeMap<>();
        boolean moved = true;
        while (moved) {
            moved = false;
            for (SetName set : markers()) {
                Outcome known = outcomes.get(set);
                if (known != null && (known.result.good || known.result == Result.DAMAGED)) {
                    continue;
                }
                for (Outcome outcome : importSet(set)) {
                    outcomes.put(outcome.set, outcome);
                    moved |= outcome.result.good;
                }
            }
        }
        return List.copyOf(outcomes.values());
    }

    private List<SetName> markers() {
        try {
            return directory.markers(SetPart.DONE);
        } catch (IOException e) {
            throw new ChangeSetException(
                    "the drop directory " + directory + " cannot be read: " + ChangeSetException.reason(e), e);
        }
    }

    /**
     * Applies one set, or the group that it belongs to, if it can be.
     *
     * @return what became of it, and of the other sets of its group; nothing where it has gone meanwhile
     */
    public List<Outcome> importSet(SetName name) {
        try {
            Manifest manifest = directory.manifest(name);
            return manifest == null ? List.of() : importWithGroup(manifest);
        } catch (UnfinishedException e) {
            return List.of(new Outcome(
                    name, Result.INCOMPLETE, null, "it waits for the rest of " + name.file(SetPart.DONE), 0));
        } catch (MalformedException e) {
            return List.of(broken(name, null, null, name.file(SetPart.DONE) + " is refused: it " + e.getMessage()));
        } catch (IOException e) {
            return List.of(
                    new Outcome(name, Result.INCOMPLETE, null, "cannot be read: " + ChangeSetException.reason(e), 0));
        }
    }

    private List<Outcome> importWithGroup(Manifest set) throws IOException {
        List<Manifest> together;
        try {
            together = ImportTransaction.together(directory, set);
        } catch (NotImportedException e) {
            if (e.result() != Result.INCOMPLETE || !wasApplied(set)) {
                return all(List.of(set), e.result(), e.getMessage());
            }
            // sets of a group that were applied leave one by one
            together = List.of(set);
        }
        return importTogether(together, false);
    }

    private boolean wasApplied(Manifest set) {
        try (Connection connection = target.open()) {
            ImportLedger ledger = new ImportLedger(connection);
            return ledger.isInstalled() && ledger.wasApplied(set.setId());
        } catch (SQLException e) {
            return false;
        }
    }

    /** @param withLater whether together with the sets that continue these; then none is applied where there are no such */
    private List<Outcome> importTogether(List<Manifest> sets, boolean withLater) throws IOException {
        try {
            Connection connection = target.open();
            List<Outcome> outcomes;
            try {
                connection.setAutoCommit(false);
                outcomes = new ImportTransaction(connection, directory, here, progress).run(sets, withLater);
            } finally {
                Connect.close(connection);
            }
            return outcomes.stream().map(this::finish).toList();
        } catch (NotImportedException e) {
            return all(sets, e.result(), e.getMessage());
        } catch (SQLException | ChangeSetException e) {
            return failed(sets, !withLater && isOfConstraint(e), e);
        } catch (DamagedException e) {
            if (wasReplaced(e.set)) {
                return all(sets, Result.INCOMPLETE, "it was sent again while it was read; it waits for the new one");
            }
            return all(sets, Result.INCOMPLETE, ImportTransaction.waitsForDamaged(e.set.name())).stream()
                    .map(outcome -> outcome.set.equals(e.set.name())
                            ? broken(e.set.name(), e.set, e.part, e.getMessage())
                            : outcome)
                    .toList();
        }
    }

    /** @param lacks whether rows of these sets may need what later sets have */
    private List<Outcome> failed(List<Manifest> sets, boolean lacks, Exception e) throws IOException {
        if (lacks && mayTryWithLater(sets.get(0).setId())) {
            List<Outcome> all = importTogether(sets, true);
            if (!all.isEmpty() && all.stream().allMatch(outcome -> outcome.result.good)) {
                return all;
            }
        }
        return all(
                sets,
                Result.FAILED,
                "failed, and changed nothing: " + e.getMessage()
                        + (lacks
                                ? ". If the set was exported again, its rows are newer than it, and need what later sets"
                                        + " have: caravan export brings them, or caravan export --full all rows"
                                : ""));
    }

    private static List<Outcome> all(List<Manifest> sets, Result result, String message) {
        return sets.stream()
                .map(set -> new Outcome(set.name(), result, set, message, 0))
                .toList();
    }

    /**
     * Says why, and puts the damaged file out of the way: the set waits for the right one.
     *
     * @param part null where the set itself is at fault; then all of its files go
     */
    private Outcome broken(SetName set, Manifest manifest, SetPart part, String why) {
        try {
            if (part == null) {
                directory.failed().take(set, why);
                return new Outcome(set, Result.DAMAGED, manifest, why + "; its files are in failed/", 0);
            }
            directory.failed().take(manifest, part, why);
            return new Outcome(
                    set, Result.DAMAGED, manifest, why + "; it is in failed/, and the set waits for the right one", 0);
        } catch (IOException e) {
            String cannot = "; and it cannot be moved to failed/: " + ChangeSetException.reason(e);
            return new Outcome(set, Result.REFUSED, manifest, why + cannot, 0);
        }
    }

    /** Not at every look at the directory: there may be many later sets. */
    private boolean mayTryWithLater(UUID set) {
        long now = System.nanoTime();
        Long before = triedWithLater.get(set);
        if (before != null && now - before < TRY_WITH_LATER.toNanos()) {
            return false;
        }
        triedWithLater.put(set, now);
        return true;
    }

    /** Of a foreign key, or of a unique or exclusion constraint. */
    private static boolean isOfConstraint(Exception e) {
        Throwable cause = e instanceof ChangeSetException ? e.getCause() : e;
        return cause instanceof SQLException sql
                && Set.of("23503", "23505", "23P01").contains(String.valueOf(sql.getSQLState()));
    }

    /** Where a set is sent once more, its former marker goes first: what was read may be of both. */
    private boolean wasReplaced(Manifest set) throws IOException {
        try {
            return !set.equals(directory.manifest(set.name()));
        } catch (UnfinishedException e) {
            return true;
        } catch (MalformedException e) {
            return false;
        }
    }

    /** Files leave only after the commit. What a crash keeps from leaving is found to be applied the next time. */
    private Outcome finish(Outcome outcome) {
        try {
            directory.done(outcome.set, Acknowledgements.json(outcome.manifest));
            return outcome;
        } catch (IOException e) {
            return new Outcome(
                    outcome.set,
                    Result.FAILED,
                    outcome.manifest,
                    "is in the table, but its files cannot be moved to done/: " + ChangeSetException.reason(e),
                    outcome.deleted);
        }
    }
}
