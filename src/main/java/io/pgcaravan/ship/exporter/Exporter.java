package io.pgcaravan.ship.exporter;

import io.pgcaravan.queue.Source;
import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.exporter.ExportSet.State;
import io.pgcaravan.ship.exporter.ExportSet.Window;
import io.pgcaravan.ship.format.Acknowledgements;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.Manifest.Group;
import io.pgcaravan.ship.format.Manifest.Kind;
import io.pgcaravan.ship.format.Manifest.Member;
import io.pgcaravan.ship.format.SetName.Part;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * Writes what has changed in tables since the last time, for one target, into its drop directory. Several tables go together:
 * one snapshot, and one transaction where they are imported.
 *
 * <p>The order in which things are made to last is what keeps changes safe: the window is reserved before a file is written,
 * the hashes are in the ledger before a file gets its name, and the set counts as published when its {@code .done} is in place.
 * Whatever an export finds half done, it finishes or undoes first.
 */
public final class Exporter {

    /** Below this part of a table, its changed rows are looked up one by one; above it, the table is read through. */
    private static final int FEW = 20;

    private static final Duration LOCK_PATIENCE = Duration.ofSeconds(3);

    private final Connect source;
    private final TableName ledgerName;
    private final Progress progress;

    /** @param ledger {@link Tracking#LEDGER}, or the one that {@code caravan ddl export-table} made */
    public Exporter(Connect source, TableName ledger, Progress progress) {
        this.source = source;
        this.ledgerName = ledger;
        this.progress = progress;
    }

    /** {@link #Exporter(Connect, TableName, Progress)} with the default ledger, and nobody who watches. */
    public Exporter(Connect source) {
        this(source, Tracking.LEDGER, Progress.NONE);
    }

    /** Hears how far an export has come. */
    @FunctionalInterface
    public interface Progress {

        Progress NONE = (table, part, rows, bytes, expected) -> {};

        /**
         * Called every few thousand rows.
         *
         * @param part which of the table's files is being written
         * @param bytes without compression
         * @param expectedRows an estimate; 0 where there is none
         */
        void written(TableName table, Part part, long rows, long bytes, long expectedRows);
    }

    /**
     * What to export.
     *
     * @param tables schema and name of each; several make a group
     * @param full whether to write all rows even where the changes would do
     * @param after a number that the set's has to be above; 0 for none
     */
    public record Request(
            Target target,
            List<TableName> tables,
            DropDirectory directory,
            Compression compression,
            boolean full,
            long after) {

        /** With the number that comes next. */
        public Request(
                Target target, List<TableName> tables, DropDirectory directory, Compression compression, boolean full) {
            this(target, tables, directory, compression, full, 0);
        }

        public Request {
            tables = List.copyOf(new LinkedHashSet<>(tables));
            if (tables.isEmpty()) {
                throw new IllegalArgumentException("an export needs a table");
            }
        }
    }

    /**
     * A set that was published.
     *
     * @param reason why it is a full one; null for changes, and for one that an earlier export had begun
     * @param finished whether an earlier export had begun it
     */
    public record Exported(Manifest manifest, String reason, boolean finished) {}

    /**
     * Finishes what an earlier export left half done, then exports what has changed since.
     *
     * @return the sets that were published, none where nothing has changed
     * @throws ChangeSetException where it cannot be done; nothing is lost then, the next export does it
     */
    public List<Exported> export(Request request) {
        return run(request, run -> {
            List<Exported> published = new ArrayList<>(run.finishOpenSets());
            published.addAll(run.exportNew());
            return published;
        });
    }

    /**
     * Publishes a set once more, for a target that lost it: the same window under the same number and id, with the rows as
     * they are now. The sets of its group come with it.
     *
     * @param number of the set of the request's first table
     */
    public List<Exported> again(Request request, long number) {
        return run(request, run -> {
            List<Exported> published = new ArrayList<>(run.finishOpenSets());
            published.addAll(run.again(number));
            return published;
        });
    }

    private interface Work {
        List<Exported> on(Run run) throws SQLException, IOException;
    }

    private List<Exported> run(Request request, Work work) {
        request.directory.mustTakeFiles();
        try (Connection connection = source.open()) {
            Run run = new Run(request, connection);
            try {
                return run.under(work);
            } finally {
                run.release();
            }
        } catch (IOException e) {
            throw new ChangeSetException(
                    "the export into " + request.directory + " failed: " + ChangeSetException.reason(e)
                            + "; nothing is lost, the next export writes the set again",
                    e);
        } catch (SQLException e) {
            throw new ChangeSetException(
                    "the export of " + names(request.tables) + " for " + request.target + " failed: " + e.getMessage()
                            + "; nothing is lost, the next export writes the set again",
                    e);
        }
    }

    private static String names(List<TableName> tables) {
        return tables.stream().map(TableName::toString).collect(Collectors.joining(", "));
    }

    /** One export, with its connection to the ledger. */
    private final class Run {

        private final Request request;
        private final Connection connection;
        private final ExportLedger ledger;
        private final Set<TableName> locked = new LinkedHashSet<>();
        private final Set<TableName> pruningLocked = new LinkedHashSet<>();
        private Source system;
        private LiftedTimeouts timeouts;

        Run(Request request, Connection connection) {
            this.request = request;
            this.connection = connection;
            this.ledger = new ExportLedger(connection, ledgerName);
        }

        List<Exported> under(Work work) throws SQLException, IOException {
            connection.setAutoCommit(false);
            timeouts = new LiftedTimeouts(connection);
            mustBePrimary();
            ledger.mustBeInstalled();
            system = Source.of(connection);
            request.tables.forEach(this::mustHaveSchema);
            for (TableName table : request.tables.stream()
                    .sorted(Comparator.comparing(TableName::toString))
                    .toList()) {
                lock(table);
            }
            connection.commit();
            Acknowledgements.read(request.directory, ledger::acknowledged);
            connection.commit();
            return work.on(this);
        }

        private void mustHaveSchema(TableName table) {
            if (table.schema() == null) {
                throw new ChangeSetException("table " + table + " needs its schema, as in public." + table);
            }
        }

        private void mustBePrimary() throws SQLException {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("select pg_is_in_recovery()")) {
                row.next();
                if (row.getBoolean(1)) {
                    throw new ChangeSetException(
                            "this server is a standby, and exports write to their ledger: run them on"
                                    + " the primary");
                }
            }
        }

        private void lock(TableName table) throws SQLException {
            if (locked.contains(table)) {
                return;
            }
            // the session of an export that was killed a moment ago may still be about to end
            long patience = System.nanoTime() + LOCK_PATIENCE.toNanos();
            boolean mine = ledger.lock(request.target, table);
            while (!mine && System.nanoTime() - patience < 0) {
                pause();
                mine = ledger.lock(request.target, table);
            }
            if (!mine) {
                throw new ChangeSetException("another export of " + table + " for " + request.target
                        + " is at work; this one leaves it to that");
            }
            locked.add(table);
        }

        private static void pause() {
            try {
                Thread.sleep(100);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ChangeSetException("interrupted while waiting for another export", e);
            }
        }

        void release() throws SQLException {
            if (connection.isClosed()) {
                return;
            }
            connection.rollback();
            for (TableName table : pruningLocked) {
                ledger.unlockPruning(table);
            }
            for (TableName table : locked) {
                ledger.unlock(request.target, table);
            }
            connection.commit();
            if (timeouts != null) {
                timeouts.close();
            }
            connection.setAutoCommit(true);
        }

        // ---- what an earlier export left

        List<Exported> finishOpenSets() throws SQLException, IOException {
            List<Exported> finished = new ArrayList<>();
            for (TableName table : request.tables) {
                ExportSet open = ledger.last(request.target, table);
                if (open == null || open.state() == State.PUBLISHED) {
                    continue;
                }
                List<ExportSet> together = withGroup(open);
                for (ExportSet set : together) {
                    lock(set.table());
                }
                if (together.stream().anyMatch(set -> set.state() == State.RESERVED)) {
                    // nobody has seen anything of it
                    for (ExportSet set : together) {
                        request.directory.discard(set.name());
                        ledger.giveUp(set);
                    }
                    connection.commit();
                } else {
                    connection.rollback();
                    finished.addAll(finish(together));
                }
            }
            return finished;
        }

        private List<ExportSet> withGroup(ExportSet set) throws SQLException {
            return set.groupId() == null ? List.of(set) : ledger.group(set.groupId());
        }

        private List<Exported> finish(List<ExportSet> together) throws SQLException, IOException {
            List<Manifest> manifests = new ArrayList<>();
            boolean here = true;
            for (ExportSet set : together) {
                Manifest manifest = manifest(set);
                manifests.add(manifest);
                here &= manifest != null
                        && (set.state() == State.PUBLISHED
                                || request.directory.isPublished(manifest)
                                || request.directory.bytes(manifest) == DropDirectory.Bytes.HERE);
            }
            if (!here) {
                return writeAgain(together, true);
            }
            for (int i = 0; i < together.size(); i++) {
                if (together.get(i).state() != State.PUBLISHED && !request.directory.isPublished(manifests.get(i))) {
                    request.directory.publish(manifests.get(i));
                }
            }
            return notePublished(manifests, null, true);
        }

        /** Null where an earlier version wrote it in a way that is read no more: the set is written again. */
        private static Manifest manifest(ExportSet set) {
            try {
                return Manifest.read(set.name(), set.manifest().getBytes(StandardCharsets.UTF_8));
            } catch (MalformedException e) {
                return null;
            }
        }

        private List<Exported> notePublished(List<Manifest> manifests, List<ExportSet> sets, boolean finished)
                throws SQLException {
            List<Exported> exported = new ArrayList<>();
            for (int i = 0; i < manifests.size(); i++) {
                ledger.published(manifests.get(i));
                exported.add(new Exported(
                        manifests.get(i),
                        sets == null ? null : sets.get(i).window().reason(),
                        finished));
            }
            connection.commit();
            return exported;
        }

        // ---- a set once more

        List<Exported> again(long number) throws SQLException, IOException {
            TableName table = request.tables.get(0);
            ExportSet set = ledger.set(request.target, table, number);
            if (set == null || set.state() != State.PUBLISHED) {
                throw new ChangeSetException("set " + number + " of " + table + " for " + request.target
                        + " cannot be written again: " + whyNot(set, number, ledger.last(request.target, table)));
            }
            List<ExportSet> together = withGroup(set);
            for (ExportSet member : together) {
                lock(member.table());
                if (member.pruned()) {
                    throw new ChangeSetException(member
                            + " cannot be written again: which rows it held is known no more, as a later set of every"
                            + " target that is still listed was acknowledged. A full set puts everything right: caravan"
                            + " export --full");
                }
            }
            connection.rollback();
            return writeAgain(together, false);
        }

        private static String whyNot(ExportSet set, long number, ExportSet last) {
            if (last == null) {
                return "the ledger has no set of this table for this target; caravan target list shows those it has";
            }
            if (set != null || number > last.number()) {
                return "it is not published; the last one that the ledger has is " + last.number();
            }
            return "the ledger no longer has it, only later ones, up to " + last.number()
                    + ". A full set puts everything right: caravan export --full";
        }

        /** The same windows, numbers and ids: a target that has the former sets passes over these, and misses nothing. */
        private List<Exported> writeAgain(List<ExportSet> together, boolean finished) throws SQLException, IOException {
            for (ExportSet set : together) {
                request.directory.discard(set.name());
            }
            List<Manifest> manifests;
            try (SourceSnapshot reader = new SourceSnapshot(source)) {
                Map<TableName, SourceTable> tables =
                        reader.begin(together.stream().map(ExportSet::table).toList());
                List<PlannedSet> planned = new ArrayList<>();
                for (ExportSet set : together) {
                    SourceTable table = tables.get(set.table());
                    planned.add(again(reader, table, set));
                }
                manifests = write(reader, planned);
            }
            publish(manifests);
            return notePublished(manifests, null, finished);
        }

        private PlannedSet again(SourceSnapshot reader, SourceTable table, ExportSet set) throws SQLException {
            Window window = set.window();
            boolean full = window.kind() == Kind.FULL
                    || !window.sourceSystem().equals(system.system())
                    || window.tableOid() != table.oid()
                    || !window.columns().equals(table.described());
            boolean truncated = !full && reader.truncated(table, window.from(), window.to());
            ExportSet before = full ? null : ledger.set(set.target(), set.table(), set.number() - 1);
            full |= table.partitioned() && (truncated || before == null);
            return new PlannedSet(
                    table,
                    set,
                    full,
                    truncated && !full,
                    full || before == null ? List.of() : PlannedSet.newPartitions(table, before));
        }

        // ---- a new set

        List<Exported> exportNew() throws SQLException, IOException {
            for (TableName table : request.tables) {
                // says what is missing, before a lock on it fails
                SourceTable found = SourceTable.read(connection, table);
                if (found.outdated()) {
                    upgrade(table);
                }
                ledger.discardForeign(table, found.xidColumn(), system);
                connection.commit();
                ledger.lockPruning(table);
                pruningLocked.add(table);
            }
            connection.commit();
            request.directory.mustBeOnlyFor(request.target);
            List<PlannedSet> planned;
            List<Manifest> manifests;
            try (SourceSnapshot reader = new SourceSnapshot(source)) {
                planned = plan(reader, reader.begin(request.tables));
                for (PlannedSet one : planned) {
                    request.directory.discard(one.set().name());
                    request.directory.mustBeFree(one.set().name());
                    ledger.reserve(one.set());
                }
                connection.commit();
                for (TableName table : pruningLocked) {
                    ledger.unlockPruning(table);
                }
                connection.commit();
                pruningLocked.clear();
                manifests = write(reader, planned);
            } catch (IOException | RuntimeException | SQLException e) {
                discardQuietly();
                throw e;
            }
            publish(manifests);
            List<Exported> exported = notePublished(
                    manifests, planned.stream().map(PlannedSet::set).toList(), false);
            prune(planned.stream().map(PlannedSet::table).toList());
            return exported;
        }

        /** Where this user may not, or the table is too busy just now, its triggers note all but what replication writes. */
        private void upgrade(TableName table) throws SQLException {
            connection.commit();
            try (Statement statement = connection.createStatement()) {
                statement.execute(new Tracking(ledgerName, null, null, false).upgrade(table));
                connection.commit();
            } catch (SQLException e) {
                connection.rollback();
                if (!Set.of("42501", "55P03", "40P01").contains(e.getSQLState())) {
                    throw e;
                }
            }
        }

        /** Frees the disk that may be full; where this fails as well, the next export does it. */
        private void discardQuietly() {
            try {
                connection.rollback();
                for (TableName table : request.tables) {
                    ExportSet open = ledger.last(request.target, table);
                    if (open != null && open.state() == State.RESERVED) {
                        request.directory.discard(open.name());
                    }
                }
                connection.rollback();
            } catch (IOException | SQLException e) {
                // the failure before this one is what counts
            }
        }

        private List<PlannedSet> plan(SourceSnapshot reader, Map<TableName, SourceTable> tables) throws SQLException {
            List<PlannedSet> planned = new ArrayList<>();
            for (TableName name : request.tables) {
                SourceTable table = tables.get(name);
                ExportSet last = ledger.last(request.target, name);
                String reason = reasonForFull(last, table, reader.snapshot());
                boolean truncated = false;
                if (reason == null) {
                    truncated = reader.truncated(table, last.window().to(), reader.snapshot());
                    if (truncated && table.partitioned()) {
                        // which rows a partition had is known to nobody any more
                        reason = "it or a partition of it was truncated";
                    } else if (!truncated) {
                        reason = FullSet.rewritten(last, table);
                    }
                    if (reason == null
                            && !truncated
                            && !reader.anyChange(table, last.window().to(), PlannedSet.newPartitions(table, last))) {
                        continue;
                    }
                }
                boolean full = reason != null;
                planned.add(new PlannedSet(
                        table,
                        ExportSet.after(
                                last,
                                request.after,
                                request.target,
                                name,
                                window(table, last, reason, reader.snapshot())),
                        full,
                        truncated && !full,
                        full ? List.of() : PlannedSet.newPartitions(table, last)));
            }
            if (planned.size() > 1) {
                UUID group = UUID.randomUUID();
                return PlannedSet.inOrder(planned).stream()
                        .map(one -> one.inGroup(group))
                        .toList();
            }
            return planned;
        }

        private String reasonForFull(ExportSet last, SourceTable table, String snapshot) {
            return last != null && request.full ? "it was asked for" : FullSet.reason(last, table, snapshot, system);
        }

        private Window window(SourceTable table, ExportSet last, String reason, String snapshot) {
            return new Window(
                    reason == null ? Kind.CHANGES : Kind.FULL,
                    reason,
                    reason == null ? last.window().to() : null,
                    snapshot,
                    system.system(),
                    system.database(),
                    table.oid(),
                    table.described(),
                    table.triggers(),
                    table.partitionsText(),
                    table.layout());
        }

        private Group group(List<PlannedSet> planned) {
            UUID id = planned.isEmpty() ? null : planned.get(0).set().groupId();
            return id == null
                    ? null
                    : new Group(
                            id,
                            PlannedSet.inOrder(planned).stream()
                                    .map(one -> new Member(
                                            one.table().name(),
                                            one.set().number(),
                                            one.set().setId()))
                                    .toList());
        }

        private List<Manifest> write(SourceSnapshot reader, List<PlannedSet> planned) throws SQLException, IOException {
            SetWriter writer = new SetWriter(reader, system, request, progress);
            Group group = group(planned);
            List<Manifest> manifests = new ArrayList<>();
            for (PlannedSet one : planned) {
                manifests.add(writer.write(one, group));
            }
            return manifests;
        }

        /** The hashes are in the ledger before a file gets its name. */
        private void publish(List<Manifest> manifests) throws SQLException, IOException {
            for (Manifest manifest : manifests) {
                ledger.written(manifest);
            }
            connection.commit();
            for (Manifest manifest : manifests) {
                request.directory.publish(manifest);
            }
        }

        private void prune(List<SourceTable> tables) throws SQLException {
            for (SourceTable table : tables) {
                ledger.prune(table.name(), table.xidColumn());
                connection.commit();
            }
        }
    }
}
