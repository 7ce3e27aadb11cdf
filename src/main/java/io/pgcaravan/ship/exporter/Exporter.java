package io.pgcaravan.ship.exporter;

import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
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

    private final Connect source;
    private final TableName ledger;
    private final Progress progress;

    /** @param ledger {@link Tracking#LEDGER}, or the one that {@code caravan ddl export-table} made */
    public Exporter(Connect source, TableName ledger, Progress progress) {
        this.source = source;
        this.ledger = ledger;
        this.progress = progress;
    }

    /** {@link #Exporter(Connect, TableName, Progress)} with the default ledger, and no progress. */
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
        void written(TableName table, SetPart part, long rows, long bytes, long expectedRows);
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

        private String names() {
            return tables.stream().map(TableName::toString).collect(Collectors.joining(", "));
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
        return run(request, null);
    }

    /**
     * Publishes a set once more, for a target that lost it: the same window under the same number and id, with the rows as
     * they are now. The sets of its group come with it.
     *
     * @param number of the set of the request's first table
     */
    public List<Exported> again(Request request, long number) {
        return run(request, number);
    }

    private List<Exported> run(Request request, Long again) {
        request.directory.mustTakeFiles();
        try (ExportRun run = new ExportRun(request, source, ledger, progress)) {
            run.begin();
            List<Exported> published = new ArrayList<>(run.finishOpenSets());
            published.addAll(again == null ? run.exportNew() : run.again(again));
            return published;
        } catch (IOException e) {
            throw failed("into " + request.directory, ChangeSetException.reason(e), e);
        } catch (SQLException e) {
            throw failed("of " + request.names() + " for " + request.target, e.getMessage(), e);
        }
    }

    private static ChangeSetException failed(String what, String why, Exception e) {
        return new ChangeSetException(
                "the export " + what + " failed: " + why + "; nothing is lost, the next export writes the set again",
                e);
    }
}
