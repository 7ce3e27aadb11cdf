package io.pgcaravan.ship.exporter;

import io.pgcaravan.queue.Source;
import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.exporter.ExportSet.State;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.format.Acknowledgements;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.Manifest.Group;
import io.pgcaravan.ship.format.Manifest.Member;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** One export, with its connection to the ledger and the locks that keep other exports of these tables out. */
final class ExportRun implements AutoCloseable {

    private static final Duration LOCK_PATIENCE = Duration.ofSeconds(3);

    private final Exporter.Request request;
    private final Target target;
    private final DropDirectory directory;
    private final Connect source;
    private final Exporter.Progress progress;
    private final TableName ledgerName;
    private final Connection connection;
    private final ExportLedger ledger;
    private final Set<TableName> locked = new LinkedHashSet<>();
    private final Set<TableName> pruningLocked = new LinkedHashSet<>();
    private Source system;
    private LiftedTimeouts timeouts;

    ExportRun(Exporter.Request request, Connect source, TableName ledgerName, Exporter.Progress progress)
            throws SQLException {
        this.request = request;
        this.target = request.target();
        this.directory = request.directory();
        this.source = source;
        this.progress = progress;
        this.ledgerName = ledgerName;
        this.connection = source.open();
        this.ledger = new ExportLedger(connection, ledgerName);
    }

    void begin() throws SQLException, IOException {
        connection.setAutoCommit(false);
        timeouts = new LiftedTimeouts(connection);
        if (Query.flag(connection, "select pg_is_in_recovery()")) {
            throw new ChangeSetException(
                    "this server is a standby, and exports write to their ledger: run them on" + " the primary");
        }
        ledger.mustBeInstalled();
        system = Source.of(connection);
        for (TableName table : request.tables()) {
            if (table.schema() == null) {
                throw new ChangeSetException("table " + table + " needs its schema, as in public." + table);
            }
        }
        for (TableName table : request.tables().stream()
                .sorted(Comparator.comparing(TableName::toString))
                .toList()) {
            lock(table);
        }
        connection.commit();
        Acknowledgements.read(directory, ledger::acknowledged);
        connection.commit();
    }

    private void lock(TableName table) throws SQLException {
        // the session of an export that was killed a moment ago may still be about to end
        long end = System.nanoTime() + LOCK_PATIENCE.toNanos();
        while (!locked.contains(table)) {
            if (ledger.lock(target, table)) {
                locked.add(table);
            } else if (System.nanoTime() - end >= 0) {
                throw new ChangeSetException(
                        "another export of " + table + " for " + target + " is at work; this one leaves it to that");
            } else {
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(100);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChangeSetException("interrupted while waiting for another export", e);
        }
    }

    @Override
    public void close() throws SQLException {
        try (connection) {
            if (connection.isClosed()) {
                return;
            }
            connection.rollback();
            unlockPruning();
            for (TableName table : locked) {
                ledger.unlock(target, table);
            }
            connection.commit();
            if (timeouts != null) {
                timeouts.close();
            }
            connection.setAutoCommit(true);
        }
    }

    private void unlockPruning() throws SQLException {
        for (TableName table : pruningLocked) {
            ledger.unlockPruning(table);
        }
        connection.commit();
        pruningLocked.clear();
    }

    // ---- what an earlier export left

    List<Exported> finishOpenSets() throws SQLException, IOException {
        List<Exported> finished = new ArrayList<>();
        for (TableName table : request.tables()) {
            ExportSet open = ledger.last(target, table);
            if (open == null || open.state() == State.PUBLISHED) {
                continue;
            }
            List<ExportSet> together = withGroup(open);
            if (together.stream().anyMatch(set -> set.state() == State.RESERVED)) {
                // nothing of it was visible
                for (ExportSet set : together) {
                    directory.discard(set.name());
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
        List<ExportSet> together = set.groupId() == null ? List.of(set) : ledger.group(set.groupId());
        for (ExportSet member : together) {
            lock(member.table());
        }
        return together;
    }

    private List<Exported> finish(List<ExportSet> together) throws SQLException, IOException {
        List<Manifest> manifests = new ArrayList<>();
        List<Manifest> unpublished = new ArrayList<>();
        for (ExportSet set : together) {
            Manifest manifest = manifest(set);
            boolean published = manifest != null && (set.state() == State.PUBLISHED || directory.isPublished(manifest));
            if (manifest == null || !published && !directory.hasBytes(manifest)) {
                return writeAgain(together, true);
            }
            manifests.add(manifest);
            if (!published) {
                unpublished.add(manifest);
            }
        }
        for (Manifest manifest : unpublished) {
            directory.publish(manifest);
        }
        return published(manifests, List.of(), true);
    }

    /** Null where an earlier version wrote it in a way that is read no more: the set is written again. */
    private static Manifest manifest(ExportSet set) {
        try {
            return Manifest.read(set.name(), set.manifest().getBytes(StandardCharsets.UTF_8));
        } catch (MalformedException e) {
            return null;
        }
    }

    // ---- a set once more

    List<Exported> again(long number) throws SQLException, IOException {
        TableName table = request.tables().get(0);
        ExportSet set = ledger.set(target, table, number);
        if (set == null || set.state() != State.PUBLISHED) {
            throw new ChangeSetException("set " + number + " of " + table + " for " + target
                    + " cannot be written again: " + whyNot(set, number, ledger.last(target, table)));
        }
        List<ExportSet> together = withGroup(set);
        for (ExportSet member : together) {
            if (member.pruned()) {
                throw new ChangeSetException(member
                        + " cannot be written again: the keys of its rows were deleted, as a later set of every target"
                        + " that is still listed was acknowledged. A full set puts everything right: caravan export"
                        + " --full");
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
            directory.discard(set.name());
        }
        List<Manifest> manifests;
        try (SourceSnapshot reader = new SourceSnapshot(source)) {
            Map<TableName, SourceTable> tables =
                    reader.begin(together.stream().map(ExportSet::table).toList());
            List<PlannedSet> planned = new ArrayList<>();
            for (ExportSet set : together) {
                ExportSet before = ledger.set(set.target(), set.table(), set.number() - 1);
                planned.add(PlannedSet.again(reader, tables.get(set.table()), set, before, system));
            }
            manifests = write(reader, planned);
        }
        publish(manifests);
        return published(manifests, List.of(), finished);
    }

    // ---- a new set

    List<Exported> exportNew() throws SQLException, IOException {
        for (TableName table : request.tables()) {
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
        directory.mustBeOnlyFor(target);
        List<PlannedSet> planned;
        List<Manifest> manifests;
        try (SourceSnapshot reader = new SourceSnapshot(source)) {
            planned = plan(reader);
            for (PlannedSet one : planned) {
                directory.discard(one.set().name());
                directory.mustBeFree(one.set().name());
                ledger.reserve(one.set());
            }
            connection.commit();
            unlockPruning();
            manifests = write(reader, planned);
        } catch (IOException | RuntimeException | SQLException e) {
            discardQuietly();
            throw e;
        }
        publish(manifests);
        List<Exported> exported = published(manifests, planned, false);
        for (PlannedSet one : planned) {
            ledger.prune(one.table().name(), one.table().xidColumn());
            connection.commit();
        }
        return exported;
    }

    /** Where this user may not, or the table is too busy just now, its triggers note all but what replication writes. */
    private void upgrade(TableName table) throws SQLException {
        connection.commit();
        try {
            Query.execute(connection, new Tracking(ledgerName, null, null, false).upgrade(table));
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
            for (TableName table : request.tables()) {
                ExportSet open = ledger.last(target, table);
                if (open != null && open.state() == State.RESERVED) {
                    directory.discard(open.name());
                }
            }
            connection.rollback();
        } catch (IOException | SQLException e) {
            // the failure before this one is what counts
        }
    }

    private List<PlannedSet> plan(SourceSnapshot reader) throws SQLException {
        Map<TableName, SourceTable> tables = reader.begin(request.tables());
        List<PlannedSet> planned = new ArrayList<>();
        for (TableName name : request.tables()) {
            PlannedSet one = PlannedSet.next(reader, tables.get(name), ledger.last(target, name), request, system);
            if (one != null) {
                planned.add(one);
            }
        }
        UUID group = planned.size() > 1 ? UUID.randomUUID() : null;
        return PlannedSet.inOrder(planned).stream()
                .map(one -> one.inGroup(group))
                .toList();
    }

    // ---- what all of them end with

    private List<Manifest> write(SourceSnapshot reader, List<PlannedSet> planned) throws SQLException, IOException {
        SetWriter writer = new SetWriter(reader, system, request, progress);
        Group group = group(planned);
        List<Manifest> manifests = new ArrayList<>();
        for (PlannedSet one : planned) {
            manifests.add(writer.write(one, group));
        }
        return manifests;
    }

    private static Group group(List<PlannedSet> planned) {
        UUID id = planned.isEmpty() ? null : planned.get(0).set().groupId();
        return id == null
                ? null
                : new Group(
                        id,
                        PlannedSet.inOrder(planned).stream()
                                .map(PlannedSet::set)
                                .map(set -> new Member(set.table(), set.number(), set.setId()))
                                .toList());
    }

    /** The hashes are in the ledger before a file gets its name. */
    private void publish(List<Manifest> manifests) throws SQLException, IOException {
        for (Manifest manifest : manifests) {
            ledger.written(manifest);
        }
        connection.commit();
        for (Manifest manifest : manifests) {
            directory.publish(manifest);
        }
    }

    /** @param planned what is new of the sets; none where an earlier export had planned them */
    private List<Exported> published(List<Manifest> manifests, List<PlannedSet> planned, boolean finished)
            throws SQLException {
        List<Exported> exported = new ArrayList<>();
        for (Manifest manifest : manifests) {
            ledger.published(manifest);
            String reason = planned.isEmpty()
                    ? null
                    : planned.get(exported.size()).set().window().reason();
            exported.add(new Exported(manifest, reason, finished));
        }
        connection.commit();
        return exported;
    }
}
