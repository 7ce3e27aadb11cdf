package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.ImportLedger.Position;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What lies in a drop directory for one table, and whether the import can take it.
 *
 * @param sets how many
 * @param missing number of the first set that is missing before the first one here; null for none
 * @param missingTo the last one missing
 * @param diverged why the first one can never be taken; null where it can
 */
public record WaitingSets(TableName table, int sets, Long missing, Long missingTo, String diverged) {

    /**
     * Looks at the markers in a directory, and changes nothing.
     *
     * @param connection to the database that they are for
     * @param here the receiver that sets must name; null where the database's name has to do
     * @return one for each table that has sets there
     */
    public static List<WaitingSets> of(Connection connection, DropDirectory directory, Target here)
            throws IOException, SQLException {
        Map<String, List<SetName>> byTable = new TreeMap<>();
        for (SetName set : directory.markers(SetPart.DONE)) {
            byTable.computeIfAbsent(set.table(), table -> new ArrayList<>()).add(set);
        }
        List<WaitingSets> waiting = new ArrayList<>();
        for (List<SetName> sets : byTable.values()) {
            WaitingSets found = of(new ImportLedger(connection), directory, here, sets);
            if (found != null) {
                waiting.add(found);
            }
        }
        return waiting;
    }

    /** The first that has not been applied decides: those after it wait for it. */
    private static WaitingSets of(ImportLedger ledger, DropDirectory directory, Target here, List<SetName> sets)
            throws IOException, SQLException {
        TableName table = null;
        for (SetName set : sets) {
            Manifest manifest;
            try {
                manifest = directory.manifest(set);
            } catch (MalformedException e) {
                // the import moves it to failed/
                continue;
            }
            if (manifest == null) {
                continue;
            }
            table = manifest.table();
            Position position = ledger.position(table);
            ImportDecision decision = ledger.decide(manifest, position, here);
            if (decision.result() == Result.GAP) {
                // the import may have taken a set between two of these lines: what is missing now is what counts
                long next = position.number() == null ? 1 : position.number() + 1;
                return next < manifest.number()
                        ? new WaitingSets(table, sets.size(), next, manifest.number() - 1, null)
                        : new WaitingSets(table, sets.size(), null, null, null);
            }
            if (decision.isNext() || decision.result() == Result.DIVERGED) {
                return new WaitingSets(table, sets.size(), null, null, decision.why());
            }
        }
        return table == null ? null : new WaitingSets(table, sets.size(), null, null, null);
    }
}
