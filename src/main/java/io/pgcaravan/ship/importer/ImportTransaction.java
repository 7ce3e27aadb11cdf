package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.ReadSession;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.Manifest.Member;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.format.UnfinishedException;
import io.pgcaravan.ship.importer.ImportLedger.Position;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.SearchPath;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** The transaction that applies one set, or the sets of a group, and writes the ledger. */
final class ImportTransaction {

    private final Connection connection;
    private final DropDirectory directory;
    private final Target here;
    private final Importer.Progress progress;
    private final ImportLedger ledger;
    private final Map<TableName, Position> positions = new LinkedHashMap<>();
    private final List<Manifest> next = new ArrayList<>();

    /**
     * @param connection without autocommit
     * @param here the receiver that sets must name; null where the database's name has to do
     */
    ImportTransaction(Connection connection, DropDirectory directory, Target here, Importer.Progress progress) {
        this.connection = connection;
        this.directory = directory;
        this.here = here;
        this.progress = progress;
        this.ledger = new ImportLedger(connection);
    }

    /**
     * A set with the others of its group.
     *
     * @throws NotImportedException where one of them is missing, damaged, or of another group
     */
    static List<Manifest> together(DropDirectory directory, Manifest first) throws IOException, NotImportedException {
        List<Manifest> together = new ArrayList<>();
        for (Member member :
                first.group() == null ? List.<Member>of() : first.group().tables()) {
            Manifest set;
            try {
                set = member.setId().equals(first.setId()) ? first : directory.manifest(member);
            } catch (UnfinishedException e) {
                set = null;
            } catch (MalformedException e) {
                throw NotImportedException.incomplete(waitsForDamaged(member.set()));
            }
            if (set == null) {
                throw NotImportedException.incomplete("it waits for " + member.set() + ", which goes with it");
            }
            if (!set.setId().equals(member.setId()) || !first.group().equals(set.group())) {
                throw new NotImportedException(
                        Result.DIVERGED, "it goes with another " + member.set() + " than the one that is here");
            }
            together.add(set);
        }
        return together.isEmpty() ? List.of(first) : together;
    }

    static String waitsForDamaged(Object member) {
        return "it waits for the right " + member + ", which goes with it and is damaged";
    }

    /**
     * Applies the sets, and commits.
     *
     * @param withLater whether together with the sets that continue these; then none is applied where there are no such
     * @throws NotImportedException where one of them cannot be imported now, and so none is
     */
    List<Outcome> run(List<Manifest> sets, boolean withLater) throws SQLException, IOException, NotImportedException {
        String rolesPath = SearchPath.change(connection, SearchPath.PINNED, true);
        ReadSession.settings(connection);
        Query.execute(connection, "set local synchronous_commit = on");
        TableName first = sets.get(0).table();
        if (!ledger.isInstalled()) {
            throw new NotImportedException(
                    Result.REFUSED,
                    "is refused: no table is accepted in this database; " + ImportLedger.permits(first)
                            + " permits this one");
        }
        ledger.upgrade(first);
        for (Manifest set : sets.stream()
                .sorted(Comparator.comparing(set -> set.table().toString()))
                .toList()) {
            lock(set.table());
        }
        List<Outcome> outcomes = new ArrayList<>();
        ImportDecision waits = null;
        Manifest waiting = null;
        for (Manifest set : sets) {
            ImportDecision decision = decide(set);
            if (decision.isNext()) {
                add(set);
            } else if (decision.result() == Result.ALREADY_APPLIED) {
                // known even where its group waits: by it the set before is recognised
                ledger.replaced(set);
                outcomes.add(new Outcome(set.name(), decision.result(), set, decision.why(), 0));
            } else if (waits == null) {
                waits = decision;
                waiting = set;
            }
        }
        if (waits != null) {
            if (waits.result() == Result.GAP) {
                connection.commit();
            }
            throw new NotImportedException(
                    waits.result(),
                    waits.why() + (sets.size() == 1 ? "" : " (" + waiting.table() + ", in one group with it)"));
        }
        if (withLater && !addLater()) {
            return List.of();
        }
        if (!next.isEmpty()) {
            outcomes.addAll(apply(rolesPath));
        }
        connection.commit();
        return outcomes;
    }

    private void lock(TableName table) throws SQLException {
        if (!positions.containsKey(table)) {
            positions.put(table, ledger.lock(table));
        }
    }

    private ImportDecision decide(Manifest set) throws SQLException {
        return ledger.decide(set, positions.get(set.table()), here);
    }

    private void add(Manifest set) {
        next.add(set);
        positions.put(set.table(), Position.after(set));
    }

    /** Adds the sets that continue those of their tables, and are here with their groups. */
    private boolean addLater() throws SQLException, IOException {
        int before = next.size();
        int size;
        do {
            size = next.size();
            for (SetName name : directory.markers(SetPart.DONE)) {
                List<Manifest> together = together(name);
                boolean fits = together.stream().anyMatch(set -> next.stream()
                        .anyMatch(one -> one.table().equals(set.table())));
                for (int i = 0; fits && i < together.size(); i++) {
                    lock(together.get(i).table());
                    fits = decide(together.get(i)).isNext();
                }
                if (fits) {
                    together.forEach(this::add);
                }
            }
        } while (next.size() > size);
        return next.size() > before;
    }

    /** None where something is missing. */
    private List<Manifest> together(SetName name) throws IOException {
        try {
            Manifest first = directory.manifest(name);
            return first == null ? List.of() : together(directory, first);
        } catch (MalformedException | NotImportedException e) {
            return List.of();
        }
    }

    private List<Outcome> apply(String rolesPath) throws SQLException, IOException, NotImportedException {
        List<OpenSet> open = new ArrayList<>();
        try {
            for (Manifest set : next) {
                OpenSet one = new OpenSet(set, connection, open.size(), progress);
                open.add(one);
                one.open(directory);
            }
            for (OpenSet one : open) {
                one.verify(SetPart.COLUMNS);
                one.verify(SetPart.IDS);
                one.readTable();
            }
            // types and triggers of the table may rely on the path of this role
            SearchPath.change(connection, rolesPath, true);
            Map<OpenSet, Replacement.Rows> rows = stage(open);
            Replacement replacement = new Replacement(connection, List.copyOf(rows.values()));
            replacement.run();
            SearchPath.change(connection, SearchPath.PINNED, true);
            return applied(open, rows, replacement);
        } finally {
            for (OpenSet one : open) {
                one.close();
            }
        }
    }

    /** Puts into temporary tables what has to go there; sets of one table are made one. */
    private Map<OpenSet, Replacement.Rows> stage(List<OpenSet> open) throws SQLException, IOException {
        Map<TableName, OpenSet> heads = heads(open);
        boolean merged = heads.size() < open.size();
        List<OpenSet> needed = open.stream()
                .filter(one -> one.onto == heads.get(one.set.table()))
                .toList();
        // what goes into temporary tables may go there while the rest is still being verified
        FutureTask<Void> verified = new FutureTask<>(() -> {
            for (OpenSet one : open) {
                one.verify(SetPart.RECORDS);
            }
            return null;
        });
        Thread thread = new Thread(verified, "verify");
        thread.setDaemon(true);
        thread.start();
        try {
            for (OpenSet one : needed) {
                one.stageIds();
            }
        } finally {
            await(verified);
        }
        for (OpenSet one : needed) {
            if (merged || one.table.keeps() != null) {
                one.stageRecords();
            }
        }
        Map<OpenSet, Replacement.Rows> rows = new LinkedHashMap<>();
        for (TableName table : order(next)) {
            OpenSet head = heads.get(table);
            rows.put(head, head.rows(merged || head.table.keeps() != null));
        }
        return rows;
    }

    private List<Outcome> applied(List<OpenSet> open, Map<OpenSet, Replacement.Rows> rows, Replacement replacement)
            throws SQLException {
        List<Outcome> outcomes = new ArrayList<>();
        for (OpenSet one : open) {
            long deleted = rows.containsKey(one) ? replacement.deleted(rows.get(one)) : 0;
            ledger.applied(one.set, deleted);
            outcomes.add(new Outcome(
                    one.set.name(),
                    Result.APPLIED,
                    one.set,
                    one.set.file(SetPart.RECORDS).rows() + " rows written, " + deleted + " deleted"
                            + (rows.size() < open.size() ? ", in one transaction with the sets that continue it" : ""),
                    deleted));
        }
        return outcomes;
    }

    /** For each table the set that the later ones go with: the first, or the last that replaces all rows. */
    private static Map<TableName, OpenSet> heads(List<OpenSet> open) {
        Map<TableName, OpenSet> heads = new LinkedHashMap<>();
        for (OpenSet one : open) {
            OpenSet before = heads.get(one.set.table());
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
    private static List<TableName> order(List<Manifest> sets) {
        List<TableName> order = new ArrayList<>();
        for (int i = sets.size() - 1; i >= 0; i--) {
            Manifest set = sets.get(i);
            if (!order.contains(set.table())) {
                Manifest behind = i + 1 < sets.size() ? sets.get(i + 1) : null;
                boolean grouped =
                        behind != null && set.group() != null && set.group().equals(behind.group());
                order.add(grouped ? order.indexOf(behind.table()) : order.size(), set.table());
            }
        }
        return order;
    }

    private static void await(FutureTask<Void> verified) throws IOException {
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
}
