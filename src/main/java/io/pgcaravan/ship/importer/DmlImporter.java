package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.importer.DmlFiles.Found;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Applies what postgres-dml-tracking-util has exported: for each table one transaction that deletes the changed ids and appends
 * the rows, each once. The numbers of the changes, which only grow, tell what a table has already; the newest one is kept in
 * {@code caravan.dml_import}.
 */
public final class DmlImporter {

    private static final Pattern DATE_STYLE =
            Pattern.compile("(iso|sql|postgres|german)(?:\\s*,\\s*(dmy|mdy|ymd))?", Pattern.CASE_INSENSITIVE);

    private final Connect target;
    private final Options options;
    private final Progress progress;

    public DmlImporter(Connect target, Options options, Progress progress) {
        this.target = target;
        this.options = options;
        this.progress = progress;
    }

    /**
     * What to import.
     *
     * @param tables schema and name of each; empty for all that are there
     * @param settle how long files must have rested, and that they are in order; null where the user says that they are complete
     * @param encoding of the files, as PostgreSQL names it
     * @param dateStyle of the session that wrote the files; null for ISO, and then other texts are refused
     * @param intervalStyle the same, null for postgres
     */
    public record Options(
            Path directory,
            List<TableName> tables,
            Duration settle,
            String encoding,
            String dateStyle,
            String intervalStyle) {
        public Options {
            directory = directory.toAbsolutePath().normalize();
            tables = List.copyOf(tables);
            if (dateStyle != null && !DATE_STYLE.matcher(dateStyle).matches()) {
                throw new IllegalArgumentException("unknown DateStyle \"" + dateStyle
                        + "\"; expected ISO, SQL, Postgres or German, with DMY, MDY or YMD behind a comma");
            }
        }

        String dateOrder() {
            Matcher style = DATE_STYLE.matcher(dateStyle);
            if (style.matches() && style.group(1).equalsIgnoreCase("german")) {
                return "DMY";
            }
            return style.group(2) == null ? "MDY" : style.group(2);
        }
    }

    /** Hears how far an import has come. */
    @FunctionalInterface
    public interface Progress {

        Progress NONE = (file, bytes, of) -> {};

        /** Called every megabyte or so with the bytes of a file that were sent, and those that it has. */
        void sent(String file, long bytes, long of);
    }

    /** What became of a table's files. */
    public record Outcome(String table, Result result, String message) {

        @Override
        public String toString() {
            return table + ": " + message;
        }
    }

    /**
     * Applies the files of each table, and once more what failed for want of another table's rows.
     *
     * @throws ChangeSetException where the directory cannot be read
     */
    public List<Outcome> importAll() {
        new DropDirectory(options.directory).mustTakeFiles();
        Map<String, Outcome> outcomes = new LinkedHashMap<>();
        boolean moved = true;
        while (moved) {
            moved = false;
            for (Found found : found()) {
                Outcome outcome = importTable(found);
                moved |= outcome.result == Result.APPLIED;
                outcomes.put(outcome.table, outcome);
            }
        }
        for (TableName table : options.tables) {
            outcomes.putIfAbsent(
                    table.toString(),
                    new Outcome(
                            table.toString(),
                            Result.INCOMPLETE,
                            "there is no dml." + table + ".tab in " + options.directory));
        }
        return List.copyOf(outcomes.values());
    }

    private List<Found> found() {
        try {
            return DmlFiles.find(options.directory).stream()
                    .filter(found -> options.tables.isEmpty() || options.tables.contains(found.table()))
                    .toList();
        } catch (IOException e) {
            throw new ChangeSetException(
                    "directory " + options.directory + " cannot be read: " + ChangeSetException.reason(e), e);
        }
    }

    private Outcome importTable(Found found) {
        if (found.table() == null) {
            return new Outcome(found.base(), Result.REFUSED, "has no valid name of a table, as PostgreSQL quotes it");
        }
        String table = found.table().toString();
        try (DmlFiles files = DmlFiles.open(found, options.settle)) {
            Connection connection = target.open();
            Outcome outcome;
            try {
                connection.setAutoCommit(false);
                outcome = new DmlTransaction(connection, found.table(), files, options, progress).run();
            } finally {
                Connect.close(connection);
            }
            if (outcome.result.good()) {
                files.done(Instant.now());
            }
            return outcome;
        } catch (NotImportedException e) {
            return new Outcome(table, e.result(), e.getMessage());
        } catch (ChangeSetException | SQLException e) {
            return new Outcome(table, Result.FAILED, "failed, and changed nothing: " + e.getMessage());
        } catch (IOException e) {
            return new Outcome(
                    table,
                    Result.FAILED,
                    "its files cannot be read or moved to done/: " + ChangeSetException.reason(e));
        }
    }
}
