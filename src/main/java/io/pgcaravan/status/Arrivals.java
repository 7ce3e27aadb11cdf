package io.pgcaravan.status;

import io.pgcaravan.ship.exporter.ExportLedger;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which published sets have arrived at their targets, and which are overdue: by what the targets have acknowledged, and by the
 * import ledgers of those whose databases are looked at too. A target of which neither ever told anything is not judged:
 * where acknowledgements do not travel, their absence says nothing.
 */
final class Arrivals {

    private static final String IMPORTS = Sql.file("status/imports");
    private static final String APPLIED = Sql.file("status/applied");
    private static final String ON_THEIR_WAY = Sql.file("status/on-their-way");

    /** What the import ledgers of all databases have, by source, target and table. */
    private final Map<String, Applied> applied = new HashMap<>();

    /** The last set of a table, and when the last hundred were applied, seconds since 1970. */
    private record Applied(long last, Map<Long, Double> at) {}

    /**
     * How the sets of one target and table do.
     *
     * @param since when the oldest that has not arrived was published; null for none
     * @param late sets that are overdue
     * @param said what that means, in words; null where none is
     */
    record OnTheirWay(Instant since, long late, String said) {}

    /** Reads the import ledgers. */
    Arrivals(Looks all) {
        for (Look look : all.looks()) {
            try {
                if (look.up() && look.has("caravan.import_set") && look.has("caravan.import_history")) {
                    read(look.connection());
                }
            } catch (SQLException e) {
                all.unreadable(look.name(), "the import ledger", e);
            }
        }
    }

    private void read(Connection connection) throws SQLException {
        Map<TableName, Map<Long, Double>> at = new HashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(APPLIED)) {
            while (row.next()) {
                at.computeIfAbsent(
                                new TableName(row.getString("table_schema"), row.getString("table_name")),
                                none -> new HashMap<>())
                        .put(row.getLong("set_number"), row.getDouble("applied"));
            }
        }
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(IMPORTS)) {
            while (row.next()) {
                TableName table = new TableName(row.getString("table_schema"), row.getString("table_name"));
                applied.put(key(row, table), new Applied(row.getLong("set_number"), at.getOrDefault(table, Map.of())));
            }
        }
    }

    /** Which source, target and table a row of an import ledger is about. */
    static String key(ResultSet row, TableName table) throws SQLException {
        return key(
                row.getString("source_system"),
                row.getString("source_database"),
                row.getString("target_host") + "/" + row.getString("target_database"),
                table);
    }

    /** The same of a row of an export ledger. */
    static String key(Look source, ExportLedger.TargetProgress standing) {
        return key(
                source.identity().system(),
                source.identity().database(),
                standing.target().toString(),
                standing.table());
    }

    private static String key(String system, String database, String target, TableName table) {
        return system + "\0" + database + "\0" + target + "\0" + table;
    }

    /** The targets of a ledger that have ever acknowledged a set of whichever table. */
    static Set<Target> answering(List<ExportLedger.TargetProgress> standings) {
        Set<Target> answering = new HashSet<>();
        standings.stream()
                .filter(standing -> standing.acknowledged() > 0)
                .forEach(standing -> answering.add(standing.target()));
        return answering;
    }

    /**
     * @param answers whether the target acknowledges sets
     * @param patience seconds that a set may take in any case
     */
    OnTheirWay of(Look source, TableName ledger, ExportLedger.TargetProgress standing, boolean answers, double patience)
            throws SQLException {
        Target target = standing.target();
        TableName table = standing.table();
        Applied there = applied.get(key(source, standing));
        List<Long> numbers = new ArrayList<>();
        List<Double> times = new ArrayList<>();
        if (there != null) {
            there.at.forEach((number, at) -> {
                numbers.add(number);
                times.add(at);
            });
        }
        try (PreparedStatement select =
                source.connection().prepareStatement(ON_THEIR_WAY.replace("{ledger}", ledger.quoted()))) {
            select.setArray(1, source.connection().createArrayOf("int8", numbers.toArray()));
            select.setArray(2, source.connection().createArrayOf("float8", times.toArray()));
            select.setString(3, target.host());
            select.setString(4, target.database());
            select.setString(5, table.schema());
            select.setString(6, table.name());
            select.setLong(7, Math.max(standing.acknowledged(), there == null ? 0 : there.last));
            select.setDouble(8, patience);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                OffsetDateTime since = row.getObject("since", OffsetDateTime.class);
                long late = answers || there != null ? row.getLong("late") : 0;
                return new OnTheirWay(
                        since == null ? null : since.toInstant(),
                        late,
                        late == 0 ? null : words(row, target, table, there != null));
            }
        }
    }

    private static String words(ResultSet row, Target target, TableName table, boolean seen) throws SQLException {
        long first = row.getLong("first_late");
        long last = row.getLong("last_late");
        double usual = row.getDouble("usual");
        String often = row.wasNull() ? "" : ", where " + Words.age(usual) + " is usual";
        boolean one = first == last;
        return (one
                        ? "set " + first + " for " + target + " is"
                        : "sets " + first + " to " + last + " for " + target + " are")
                + (seen ? " not imported" : " not acknowledged") + (one ? "; it was" : "; the first was")
                + " published "
                + Words.age(row.getDouble("age")) + " ago" + often + ": does the carrier run, and the import"
                + (seen ? "" : ", and does the acknowledgement come back") + "? caravan export --table " + table
                + " --target " + target + " --again " + first + " publishes " + (one ? "it" : "the first") + " again";
    }
}
