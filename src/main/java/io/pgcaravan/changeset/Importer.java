package io.pgcaravan.changeset;

import io.pgcaravan.changeset.ImportLedger.Position;
import io.pgcaravan.changeset.ImportLedger.Standing;
import io.pgcaravan.changeset.Manifest.FileSum;
import io.pgcaravan.changeset.Manifest.Member;
import io.pgcaravan.changeset.SetName.Part;
import io.pgcaravan.table.TableName;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Applies the sets of a drop directory to a database: each set, or each group, in one transaction that also writes the ledger. A
 * set that is not the next one waits; one that is not what its {@code .done} says never touches a table.
 */
public final class Importer {

    private static final Duration TRY_WITH_LATER = Duration.ofMinutes(1);

    private static final List<Part> DATA = List.of(Part.COLUMNS, Part.IDS, Part.RECORDS);

    private final Connect target;
    private final DropDirectory directory;
    private final Target here;
    private final Progress progress;
    private final Map<UUID, Long> triedWithLater = new ConcurrentHashMap<>();

    /** @param here whom sets have to be for; null where the database's name has to do */
    public Importer(Connect target, DropDirectory directory, Target here, Progress progress) {
        this.target = target;
        this.directory = directory;
        this.here = here;
        this.progress = progress;
    }

    /** With nobody who watches, and sets for whichever host. */
    public Importer(Connect target, DropDirectory directory) {
        this(target, directory, null, Progress.NONE);
    }

    /** Hears how far an import has come. */
    @FunctionalInterface
    public interface Progress {

        Progress NONE = (set, part, bytes, of) -> {};

        /** Called every megabyte or so with the uncompressed bytes of one file that were sent, and those that it has. */
        void sent(Manifest set, Part part, long bytes, long of);
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
        /** It continues something else than what the table has; it waits for somebody to decide. */
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
            return directory.markers(Part.DONE);
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
            if (manifest == null) {
                return List.of();
            }
            if (manifest.group() == null) {
                return importTogether(List.of(manifest));
            }
            return importGroup(manifest);
        } catch (UnfinishedException e) {
            return List.of(
                    new Outcome(name, Result.INCOMPLETE, null, "it waits for the rest of " + name.file(Part.DONE), 0));
        } catch (MalformedException e) {
            return List.of(broken(name, null, null, name.file(Part.DONE) + " is refused: it " + e.getMessage()));
        } catch (IOException e) {
            return List.of(
                    new Outcome(name, Result.INCOMPLETE, null, "cannot be read: " + ChangeSetException.reason(e), 0));
        }
    }

    private List<Outcome> importGroup(Manifest first) throws IOException {
        List<Manifest> manifests = new ArrayList<>();
        for (Member member : first.group().members()) {
            Manifest manifest;
            try {
                manifest = member.setId().equals(first.setId()) ? first : directory.manifest(member);
            } catch (UnfinishedException e) {
                manifest = null;
            } catch (MalformedException e) {
                return all(List.of(first), Result.REFUSED, "another set of its group is damaged: " + member.name());
            }
            if (manifest == null) {
                // those that were applied leave one by one
                return wasApplied(first)
                        ? importTogether(List.of(first))
                        : all(
                                List.of(first),
                                Result.INCOMPLETE,
                                "it waits for " + member.name() + ", which goes with it");
            }
            if (!manifest.setId().equals(member.setId()) || !first.group().equals(manifest.group())) {
                return all(
                        List.of(first),
                        Result.DIVERGED,
                        "it goes with another " + member.name() + " than the one that is here");
            }
            manifests.add(manifest);
        }
        return importTogether(manifests);
    }

    private boolean wasApplied(Manifest set) {
        try (Connection connection = target.open()) {
            ImportLedger ledger = new ImportLedger(connection);
            return ledger.isInstalled() && ledger.wasApplied(set.setId());
        } catch (SQLException e) {
            return false;
        }
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
    private Outcome broken(SetName set, Manifest manifest, Part part, String why) {
        try {
            if (part == null) {
                directory.failed(set, why);
                return new Outcome(set, Result.DAMAGED, manifest, why + "; its files are in failed/", 0);
            }
            directory.failed(manifest, part, why);
            return new Outcome(
                    set, Result.DAMAGED, manifest, why + "; it is in failed/, and the set waits for the right one", 0);
        } catch (IOException e) {
            return new Outcome(
                    set,
                    Result.REFUSED,
                    manifest,
                    why + "; and it cannot be moved to failed/: " + ChangeSetException.reason(e),
                    0);
        }
    }

    // ---- one transaction

    private List<Outcome> importTogether(List<Manifest> sets) throws IOException {
        return importTogether(sets, false);
    }

    /** @param withLater whether together with the sets that continue these; then none is applied where there are no such */
    private List<Outcome> importTogether(List<Manifest> sets, boolean withLater) throws IOException {
        List<Outcome> outcomes;
        try (Connection connection = target.open()) {
            connection.setAutoCommit(false);
            try {
                outcomes = new Run(connection, sets).run(withLater);
            } finally {
                if (!connection.isClosed()) {
                    connection.rollback();
                    connection.setAutoCommit(true);
                }
            }
        } catch (SQLException | ChangeSetException e) {
            boolean lacks = !withLater && isOfConstraint(e);
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
        } catch (DamagedException e) {
            if (wasReplaced(e.set)) {
                return all(sets, Result.INCOMPLETE, "it was sent again while it was read; it waits for the new one");
            }
            return all(sets, Result.REFUSED, "another set of its group is damaged").stream()
                    .map(outcome -> outcome.set.equals(e.set.name())
                            ? broken(e.set.name(), e.set, e.part, e.getMessage())
                            : outcome)
                    .toList();
        }
        return outcomes.stream().map(this::finish).toList();
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

    /** Whoever sends a set once more takes its former marker away first: what was read may be of both. */
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
        if (!outcome.result.good) {
            return outcome;
        }
        try {
            directory.acknowledge(outcome.set, Acknowledgements.json(outcome.manifest));
            directory.forgetFailed(outcome.set);
            directory.done(outcome.set);
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

    /** A set that is not what its {@code .done} says. */
    private static final class DamagedException extends IOException {
        private static final long serialVersionUID = 1L;
        private final transient Manifest set;
        private final Part part;

        /** Of one file, which another one may replace. */
        DamagedException(Manifest set, Part part, String message) {
            super(message);
            this.set = set;
            this.part = part;
        }

        /** Of a set whose files are those that its {@code .done} means, and not what it says of them. */
        DamagedException(Manifest set, String message) {
            this(set, null, message);
        }
    }

    /** Files that are not all there yet. */
    private static final class WaitException extends Exception {
        private static final long serialVersionUID = 1L;

        WaitException(String message) {
            super(message);
        }
    }

    /** A set whose files were verified, and stay open. */
    private static final class Loaded implements AutoCloseable {
        private final Manifest set;
        private final int number;
        private final Map<Part, SeekableByteChannel> files = new EnumMap<>(Part.class);
        private ImportTable table;
        /** The set, an earlier one of the same table, with which this one goes; itself where there is none. */
        private Loaded onto = this;

        Loaded(Manifest set, int number) {
            this.set = set;
            this.number = number;
        }

        String ids() {
            return "pg_temp.caravan_ids_" + number;
        }

        String records() {
            return "pg_temp.caravan_records_" + number;
        }

        @Override
        public void close() throws IOException {
            for (SeekableByteChannel file : files.values()) {
                file.close();
            }
        }
    }

    private final class Run {

        private final Connection connection;
        private final List<Manifest> sets;
        private final ImportLedger ledger;
        private String rolesPath;

        Run(Connection connection, List<Manifest> sets) {
            this.connection = connection;
            this.sets = sets;
            this.ledger = new ImportLedger(connection);
        }

        List<Outcome> run(boolean withLater) throws SQLException, IOException {
            rolesPath = ReadSession.searchPath(connection, ReadSession.PINNED_PATH);
            ReadSession.settings(connection);
            execute("set local synchronous_commit = on");
            if (!ledger.isInstalled()) {
                return all(
                        sets,
                        Result.REFUSED,
                        "is refused: no table is accepted in this database; caravan ddl importer "
                                + sets.get(0).table().schema() + " "
                                + sets.get(0).table().name()
                                + " --apply permits this one");
            }
            ledger.upgrade(sets.get(0).table());
            Map<TableName, Position> positions = new LinkedHashMap<>();
            for (Manifest set : sets.stream()
                    .sorted(Comparator.comparing(set -> set.table().toString()))
                    .toList()) {
                positions.put(set.table(), ledger.lock(set.table()));
            }
            for (Manifest set : sets) {
                if (ledger.standing(set, positions.get(set.table()), here) instanceof Standing.AlreadyApplied) {
                    // known even where its group waits: by it the set before is recognised
                    ledger.replaced(set);
                }
            }
            List<Manifest> next = new ArrayList<>();
            List<Outcome> outcomes = new ArrayList<>();
            for (Manifest set : sets) {
                Standing standing = ledger.standing(set, positions.get(set.table()), here);
                if (standing instanceof Standing.Next) {
                    next.add(set);
                    positions.put(set.table(), Position.after(set));
                } else if (standing instanceof Standing.AlreadyApplied applied) {
                    outcomes.add(new Outcome(set.name(), Result.ALREADY_APPLIED, set, applied.why(), 0));
                } else if (standing instanceof Standing.Gap gap) {
                    connection.commit();
                    return all(sets, Result.GAP, gap.why() + of(set));
                } else if (standing instanceof Standing.Diverged diverged) {
                    return all(sets, Result.DIVERGED, diverged.why() + of(set));
                } else if (standing instanceof Standing.Refused refused) {
                    return all(sets, Result.REFUSED, "is refused: " + refused.why() + of(set));
                }
            }
            if (withLater && !addLater(next, positions)) {
                return List.of();
            }
            if (!next.isEmpty()) {
                try {
                    outcomes.addAll(apply(next));
                } catch (WaitException e) {
                    return all(sets, Result.INCOMPLETE, e.getMessage());
                }
            }
            connection.commit();
            return outcomes;
        }

        private String of(Manifest set) {
            return sets.size() == 1 ? "" : " (" + set.table() + ", in one group with it)";
        }

        /** Adds the sets that continue those of their tables, and are here with their groups. */
        private boolean addLater(List<Manifest> next, Map<TableName, Position> positions)
                throws SQLException, IOException {
            int before = next.size();
            boolean more = true;
            while (more) {
                more = false;
                for (SetName name : directory.markers(Part.DONE)) {
                    List<Manifest> together = together(name);
                    boolean fits = together.stream().anyMatch(set -> next.stream()
                            .anyMatch(one -> one.table().equals(set.table())));
                    for (Manifest set : together) {
                        if (fits && !positions.containsKey(set.table())) {
                            positions.put(set.table(), ledger.lock(set.table()));
                        }
                        fits = fits && ledger.standing(set, positions.get(set.table()), here) instanceof Standing.Next;
                    }
                    if (fits) {
                        next.addAll(together);
                        together.forEach(set -> positions.put(set.table(), Position.after(set)));
                        more = true;
                    }
                }
            }
            return next.size() > before;
        }

        /** A set with its group; none where something of it is missing. */
        private List<Manifest> together(SetName name) throws IOException {
            List<Manifest> together = new ArrayList<>();
            try {
                Manifest first = directory.manifest(name);
                if (first == null || first.group() == null) {
                    return first == null ? List.of() : List.of(first);
                }
                for (Member member : first.group().members()) {
                    Manifest set = directory.manifest(member);
                    if (set == null || !set.setId().equals(member.setId())) {
                        return List.of();
                    }
                    together.add(set);
                }
                return together;
            } catch (MalformedException e) {
                return List.of();
            }
        }

        private List<Outcome> apply(List<Manifest> next) throws SQLException, IOException, WaitException {
            List<Loaded> loaded = new ArrayList<>();
            try {
                for (Manifest set : next) {
                    Loaded one = new Loaded(set, loaded.size() + 1);
                    loaded.add(one);
                    open(one);
                }
                for (Loaded one : loaded) {
                    verify(one, Part.COLUMNS);
                    verify(one, Part.IDS);
                    one.table = ImportTable.read(connection, one.set.table(), one.set.key(), columns(one));
                }
                Map<TableName, Loaded> heads = heads(loaded);
                // sets of one table are made one
                boolean staged = heads.size() < loaded.size();
                // types and triggers of the table may rely on the path of this role
                ReadSession.searchPath(connection, rolesPath);
                // what goes into temporary tables may go there while the rest is still being verified
                Future<Void> verified = inBackground(() -> {
                    for (Loaded one : loaded) {
                        verify(one, Part.RECORDS);
                    }
                });
                try {
                    for (Loaded one : loaded) {
                        if (one.onto == heads.get(one.set.table())) {
                            stageIds(one);
                        }
                    }
                } finally {
                    await(verified);
                }
                for (Loaded one : loaded) {
                    if (one.onto == heads.get(one.set.table()) && (staged || one.table.keeps() != null)) {
                        stageRecords(one);
                    }
                }
                Map<Loaded, Replacement.Rows> rows = new LinkedHashMap<>();
                for (TableName table : order(loaded)) {
                    rows.put(heads.get(table), rows(heads.get(table), staged));
                }
                new Replacement(connection, List.copyOf(rows.values())).run();
                ReadSession.searchPath(connection, ReadSession.PINNED_PATH);
                List<Outcome> outcomes = new ArrayList<>();
                for (Loaded one : loaded) {
                    long deleted = rows.containsKey(one) ? rows.get(one).deleted() : 0;
                    ledger.applied(one.set, deleted);
                    outcomes.add(new Outcome(
                            one.set.name(),
                            Result.APPLIED,
                            one.set,
                            one.set.file(Part.RECORDS).rows() + " rows written, " + deleted + " deleted"
                                    + (staged ? ", in one transaction with the sets that continue it" : ""),
                            deleted));
                }
                return outcomes;
            } finally {
                for (Loaded one : loaded) {
                    one.close();
                }
            }
        }

        /** For each table the set that the later ones go with: the first, or the last that replaces all rows. */
        private static Map<TableName, Loaded> heads(List<Loaded> loaded) {
            Map<TableName, Loaded> heads = new LinkedHashMap<>();
            for (Loaded one : loaded) {
                Loaded before = heads.get(one.set.table());
                if (before == null || one.set.replacesEverything()) {
                    heads.put(one.set.table(), one);
                } else if (before.table.columns().equals(one.table.columns())) {
                    one.onto = before;
                } else {
                    throw new ChangeSetException(one.set.name() + " has other columns than " + before.set.name());
                }
            }
            return heads;
        }

        /** The tables in the order of their groups, where those that others refer to come first. */
        private static List<TableName> order(List<Loaded> loaded) {
            List<TableName> order = new ArrayList<>();
            for (int i = loaded.size() - 1; i >= 0; i--) {
                Manifest set = loaded.get(i).set;
                if (!order.contains(set.table())) {
                    Manifest behind = i + 1 < loaded.size() ? loaded.get(i + 1).set : null;
                    boolean grouped =
                            behind != null && set.group() != null && set.group().equals(behind.group());
                    order.add(grouped ? order.indexOf(behind.table()) : order.size(), set.table());
                }
            }
            return order;
        }

        // ---- the files

        private void open(Loaded one) throws IOException, WaitException {
            for (Part part : DATA) {
                String name = one.set.name().file(part, one.set.compression());
                SeekableByteChannel channel;
                try {
                    channel = openOrTakeBack(one.set, part);
                } catch (NoSuchFileException e) {
                    throw new WaitException("it waits for " + name
                            + (directory.hasFailed(one.set, part)
                                    ? "; the one that came is in failed/, where " + one.set.name()
                                            + ".error says what is wrong with it. caravan export --again writes the set once"
                                            + " more"
                                    : ""));
                } catch (DropDirectory.UnsafeFileException e) {
                    throw new DamagedException(one.set, part, name + " is refused: it " + e.getMessage());
                }
                one.files.put(part, channel);
                long bytes = one.set.file(part).bytes();
                if (channel.size() < bytes) {
                    throw new WaitException("it waits for the rest of " + name + ", of which " + channel.size() + " of "
                            + bytes + " bytes are here");
                }
                if (channel.size() > bytes) {
                    throw new DamagedException(
                            one.set, part, name + " has " + channel.size() + " bytes, and its .done says " + bytes);
                }
            }
        }

        private SeekableByteChannel openOrTakeBack(Manifest set, Part part) throws IOException {
            try {
                return directory.open(set, part);
            } catch (NoSuchFileException e) {
                if (directory.takeBack(set, part)) {
                    return directory.open(set, part);
                }
                throw e;
            }
        }

        private interface Verification {
            void run() throws IOException;
        }

        private static Future<Void> inBackground(Verification verification) {
            FutureTask<Void> task = new FutureTask<>(() -> {
                verification.run();
                return null;
            });
            Thread thread = new Thread(task, "verify");
            thread.setDaemon(true);
            thread.start();
            return task;
        }

        private static void await(Future<Void> verified) throws IOException {
            try {
                verified.get();
            } catch (ExecutionException e) {
                if (e.getCause() instanceof IOException cause) {
                    throw cause;
                }
                throw new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while verifying");
            }
        }

        private static void verify(Loaded one, Part part) throws IOException {
            String hash = DropDirectory.hash(one.files.get(part));
            if (!hash.equals(one.set.file(part).sha256())) {
                throw new DamagedException(
                        one.set,
                        part,
                        one.set.name().file(part, one.set.compression()) + " is damaged: its SHA-256 is " + hash
                                + ", and its .done says " + one.set.file(part).sha256());
            }
        }

        private List<String> columns(Loaded one) throws IOException {
            String line = new String(
                    DropDirectory.stream(one.files.get(Part.COLUMNS)).readAllBytes(), StandardCharsets.UTF_8);
            try {
                if (!line.endsWith("\n")) {
                    throw new IllegalArgumentException("its line has no end");
                }
                return ColumnLine.read(line.substring(0, line.length() - 1));
            } catch (IllegalArgumentException e) {
                throw new DamagedException(
                        one.set, one.set.name().file(Part.COLUMNS) + " is no list of columns: " + e.getMessage());
            }
        }

        // ---- the table

        private void stageIds(Loaded one) throws SQLException, IOException {
            ImportTable table = one.table;
            if (!one.set.replacesEverything()) {
                String key = TableName.quote(table.key());
                execute("create temp table " + one.ids().substring(8) + " on commit drop as select " + key + " from "
                        + table.name().quoted() + " with no data");
                copy(one, Part.IDS, one.ids() + " (" + key + ")");
                execute("analyze " + one.ids());
            }
        }

        private void stageRecords(Loaded one) throws SQLException, IOException {
            ImportTable table = one.table;
            Loaded onto = one.onto;
            String columns = TableName.quote(table.columns());
            if (onto == one) {
                execute("create temp table " + one.records().substring(8) + " on commit drop as select " + columns
                        + " from " + table.name().quoted() + " with no data");
            } else {
                execute("delete from " + onto.records() + " t using " + one.ids() + " k where " + table.sameKey());
                if (!onto.set.replacesEverything()) {
                    execute("insert into " + onto.ids() + " select * from " + one.ids());
                }
            }
            copy(one, Part.RECORDS, onto.records() + " (" + columns + ")");
            execute("analyze " + onto.records());
        }

        private Replacement.Rows rows(Loaded one, boolean staged) {
            ImportTable table = one.table;
            String ids = one.set.replacesEverything() ? null : one.ids();
            return table.keeps() == null && !staged
                    ? Replacement.Rows.streamed(table, ids, into -> copy(one, Part.RECORDS, into))
                    : Replacement.Rows.staged(table, ids, one.records());
        }

        private void copy(Loaded one, Part part, String into) throws SQLException, IOException {
            FileSum sum = one.set.file(part);
            String name = one.set.name().file(part, one.set.compression());
            CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI().copyIn("copy " + into + " from stdin");
            long bytes = 0;
            one.files.get(part).position(0);
            try (InputStream in = decompress(one, part)) {
                byte[] buffer = new byte[1 << 16];
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    bytes += n;
                    if (bytes > sum.plainBytes()) {
                        throw new DamagedException(
                                one.set,
                                name + " holds more than the " + sum.plainBytes() + " bytes that its .done says");
                    }
                    copy.writeToCopy(buffer, 0, n);
                    if ((bytes & 0xfffff) < n) {
                        progress.sent(one.set, part, bytes, sum.plainBytes());
                    }
                }
                long rows = copy.endCopy();
                if (bytes != sum.plainBytes() || rows != sum.rows()) {
                    throw new DamagedException(
                            one.set,
                            name + " holds " + rows + " rows in " + bytes + " bytes, and its .done says " + sum.rows()
                                    + " rows in " + sum.plainBytes() + " bytes");
                }
                progress.sent(one.set, part, bytes, sum.plainBytes());
            } catch (java.util.zip.ZipException | com.github.luben.zstd.ZstdIOException | java.io.EOFException e) {
                throw new DamagedException(
                        one.set, name + " is not what " + one.set.compression().word() + " writes: " + e.getMessage());
            } finally {
                if (copy.isActive()) {
                    copy.cancelCopy();
                }
            }
        }

        /** Does not close the file, which may be needed once more. */
        private InputStream decompress(Loaded one, Part part) throws IOException {
            InputStream file = new FilterInputStream(DropDirectory.stream(one.files.get(part))) {
                @Override
                public void close() {}
            };
            return one.set.compression().decompress(file);
        }

        private void execute(String sql) throws SQLException {
            try (Statement statement = connection.createStatement()) {
                statement.execute(sql);
            }
        }
    }
}
