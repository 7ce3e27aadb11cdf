package io.pgcaravan.status;

import io.pgcaravan.ship.exporter.ExportLedger;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.WaitingSets;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Shipped tables: what the ledgers of both sides say, and what lies in the drop directories. */
final class Shipped {

    private static final String LAST_SETS = Sql.file("status/last-sets");
    private static final String OLDEST_CHANGE = Sql.file("status/oldest-change");
    private static final String IMPORTS = Sql.file("status/imports");

    record Seen(List<Status.Exported> exports, List<Status.Imported> imports, List<Status.Drop> drops) {}

    /** The oldest transaction without a set that was seen, and since when: by table and target. */
    private final Map<String, Since> oldest = new HashMap<>();

    private record Since(String transaction, Instant at, boolean exact) {}

    /** The next transaction at the look before, by database. */
    private final Map<String, Moment> moments = new HashMap<>();

    private record Moment(long nextTransaction, Instant at) {}

    private record LastSet(String target, TableName table, long number, String state, String snapshot) {}

    Seen read(Looks all) {
        Map<String, Long> published = new HashMap<>();
        Map<String, Problem> overdue = new LinkedHashMap<>();
        List<Status.Exported> exports = new ArrayList<>();
        Arrivals arrivals = new Arrivals(all);
        for (Look look : all.looks()) {
            for (TableName ledger : ledgers(all, look)) {
                try {
                    readExports(all, look, ledger, arrivals, exports, published, overdue);
                } catch (SQLException e) {
                    all.unreadable(look.name(), "the export ledger " + ledger, e);
                }
            }
            remember(all, look);
        }
        List<Status.Imported> imports = new ArrayList<>();
        for (Look look : all.looks()) {
            readImports(all, look, published, overdue, imports);
        }
        all.problems().addAll(overdue.values());
        return new Seen(exports, imports, drops(all));
    }

    // ---- exports

    private static Set<TableName> ledgers(Looks all, Look look) {
        Set<TableName> ledgers = new LinkedHashSet<>();
        if (look.up()) {
            ledgers.add(Tracking.LEDGER);
            all.watch().exports().stream()
                    .filter(export -> all.at(export.database()) == look)
                    .forEach(export -> ledgers.add(export.ledger()));
        }
        return ledgers;
    }

    private void readExports(
            Looks all,
            Look look,
            TableName ledger,
            Arrivals arrivals,
            List<Status.Exported> exports,
            Map<String, Long> published,
            Map<String, Problem> overdue)
            throws SQLException {
        if (!look.has(ledger.quoted())) {
            return;
        }
        Map<String, LastSet> last = lastSets(look.connection(), ledger);
        List<ExportLedger.TargetProgress> standings = new ExportLedger(look.connection(), ledger).targets();
        Set<Target> answering = Arrivals.answering(standings);
        for (ExportLedger.TargetProgress standing : standings) {
            if (standing.forgotten()) {
                continue;
            }
            LastSet set = last.get(standing.target() + "\0" + standing.table());
            String key = Arrivals.key(look, standing);
            Since since = set == null ? null : oldestChange(all, look, ledger, set);
            String route = all.watch().exports().stream()
                    .filter(export -> all.at(export.database()) == look
                            && export.target().equals(standing.target())
                            && export.tables().contains(standing.table()))
                    .map(Watch.Export::route)
                    .findFirst()
                    .orElse(null);
            Arrivals.OnTheirWay way = arrivals.of(
                    look,
                    ledger,
                    standing,
                    answering.contains(standing.target()),
                    all.limits().unacknowledged());
            published.put(key, standing.published());
            exports.add(new Status.Exported(
                    route,
                    look.name(),
                    standing.table().toString(),
                    standing.target().toString(),
                    set == null ? standing.published() : set.number,
                    set == null ? "published" : set.state,
                    standing.published(),
                    standing.publishedAt(),
                    standing.acknowledged(),
                    standing.acknowledgedAt(),
                    standing.waiting(),
                    way.since(),
                    way.late(),
                    since == null ? null : since.at,
                    since == null || since.exact));
            if (way.said() != null) {
                overdue.put(
                        key,
                        new Problem(Problem.Kind.SET_OVERDUE, standing.table().toString(), way.said()));
            }
            if (since != null && since.exact) {
                double age = Duration.between(since.at, all.now()).toMillis() / 1000.0;
                if (age > all.limits().unexported()) {
                    all.problem(
                            Problem.Kind.EXPORT_LATE,
                            standing.table().toString(),
                            "changes for " + standing.target() + " have waited for their export for " + Words.age(age)
                                    + "; does the export run? caravan export --table " + standing.table()
                                    + " --target " + standing.target() + " does it once");
                }
            }
        }
    }

    private static Map<String, LastSet> lastSets(Connection connection, TableName ledger) throws SQLException {
        Map<String, LastSet> sets = new HashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(LAST_SETS.replace("{ledger}", ledger.quoted()))) {
            while (row.next()) {
                LastSet set = new LastSet(
                        row.getString("target_host") + "/" + row.getString("target_database"),
                        new TableName(row.getString("table_schema"), row.getString("table_name")),
                        row.getLong("set_number"),
                        row.getString("state"),
                        row.getString("snapshot"));
                sets.put(set.target + "\0" + set.table, set);
            }
        }
        return sets;
    }

    /** The oldest change that no set has; null for none. */
    private Since oldestChange(Looks all, Look look, TableName ledger, LastSet set) throws SQLException {
        TableName tracking = Tracking.tracking(set.table);
        String key = look.name() + "\0" + set.target + "\0" + set.table;
        String transaction = oldestTransaction(look.connection(), tracking, set.snapshot);
        if (transaction == null) {
            oldest.remove(key);
            return null;
        }
        Since known = oldest.get(key);
        if (known == null || !known.transaction.equals(transaction)) {
            known = since(look, ledger, transaction);
            oldest.put(key, known);
        }
        return known;
    }

    private static String oldestTransaction(Connection connection, TableName tracking, String snapshot)
            throws SQLException {
        String column;
        try (PreparedStatement select = connection.prepareStatement("""
                select attname from pg_attribute
                 where attrelid = to_regclass(?) and attnum > 0 and not attisdropped order by attnum desc limit 1""")) {
            select.setString(1, tracking.quoted());
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    return null;
                }
                column = row.getString(1);
            }
        }
        try (PreparedStatement select = connection.prepareStatement(
                OLDEST_CHANGE.replace("{tracking}", tracking.quoted()).replace("{xid}", TableName.quote(column)))) {
            for (int i = 1; i <= 3; i++) {
                select.setString(i, snapshot);
            }
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }

    /**
     * When a transaction was, or what is known of it: PostgreSQL notes its time where it is told to; it came after the look
     * before where that did not know of it; after a tick of PgQ, and after a set, that did not.
     */
    private Since since(Look look, TableName ledger, String transaction) throws SQLException {
        Connection connection = look.connection();
        Instant committed = at(
                connection,
                "select case when current_setting('track_commit_timestamp')::boolean"
                        + " then pg_xact_commit_timestamp(cast(? as xid8)::xid) end",
                transaction);
        if (committed != null) {
            return new Since(transaction, committed, true);
        }
        Moment before = moments.get(look.name());
        if (before != null && Long.compareUnsigned(Long.parseUnsignedLong(transaction), before.nextTransaction) >= 0) {
            return new Since(transaction, before.at, true);
        }
        if (look.has("pgq.tick")) {
            Instant tick = at(
                    connection,
                    "select max(tick_time) from pgq.tick"
                            + " where pg_snapshot_xmax(tick_snapshot::text::pg_snapshot) <= cast(? as xid8)",
                    transaction);
            if (tick != null) {
                return new Since(transaction, tick, true);
            }
        }
        Instant set = at(
                connection,
                "select max(reserved_at) from " + ledger.quoted()
                        + " where pg_snapshot_xmax(to_snapshot) <= cast(? as xid8)",
                transaction);
        return new Since(transaction, set, false);
    }

    private static Instant at(Connection connection, String sql, String transaction) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(sql)) {
            select.setString(1, transaction);
            try (ResultSet row = select.executeQuery()) {
                OffsetDateTime time = row.next() ? row.getObject(1, OffsetDateTime.class) : null;
                return time == null ? null : time.toInstant();
            }
        }
    }

    private void remember(Looks all, Look look) {
        if (!look.up()) {
            return;
        }
        try (Statement statement = look.connection().createStatement();
                ResultSet row = statement.executeQuery("select pg_snapshot_xmax(pg_current_snapshot())::text")) {
            row.next();
            moments.put(look.name(), new Moment(Long.parseUnsignedLong(row.getString(1)), all.now()));
        } catch (SQLException e) {
            moments.remove(look.name());
        }
    }

    // ---- imports

    private static void readImports(
            Looks all,
            Look look,
            Map<String, Long> published,
            Map<String, Problem> overdue,
            List<Status.Imported> imports) {
        try {
            if (!look.up() || !look.has("caravan.import_set")) {
                return;
            }
            Map<TableName, WaitingSets> waiting = new HashMap<>();
            Map<TableName, String> routes = new HashMap<>();
            String onlyRoute = null;
            for (Watch.Import step : all.watch().imports()) {
                if (all.at(step.database()) == look) {
                    onlyRoute = step.route();
                    readDirectory(all, look, step, waiting, routes);
                }
            }
            try (Statement statement = look.connection().createStatement();
                    ResultSet row = statement.executeQuery(IMPORTS)) {
                while (row.next()) {
                    TableName table = new TableName(row.getString("table_schema"), row.getString("table_name"));
                    OffsetDateTime applied = row.getObject("applied_at", OffsetDateTime.class);
                    WaitingSets here = waiting.get(table);
                    String key = Arrivals.key(row, table);
                    if (here != null && (here.missing() != null || here.diverged() != null)) {
                        // why sets do not get in is known, and told already
                        overdue.remove(key);
                    }
                    imports.add(new Status.Imported(
                            routes.getOrDefault(table, onlyRoute),
                            look.name(),
                            table.toString(),
                            row.getObject("set_number", Long.class),
                            applied == null ? null : applied.toInstant(),
                            published.get(key),
                            here == null ? null : here.missing(),
                            here == null ? null : here.missingTo(),
                            here == null ? null : here.diverged(),
                            here == null ? 0 : here.sets()));
                }
            }
        } catch (SQLException e) {
            all.unreadable(look.name(), "the import ledger", e);
        }
    }

    private static void readDirectory(
            Looks all, Look look, Watch.Import step, Map<TableName, WaitingSets> waiting, Map<TableName, String> routes)
            throws SQLException {
        List<WaitingSets> found;
        try {
            found = Files.isDirectory(step.directory().path())
                    ? WaitingSets.of(look.connection(), step.directory(), step.here())
                    : List.of();
        } catch (IOException e) {
            all.problem(
                    Problem.Kind.UNREADABLE,
                    step.route(),
                    "the drop directory " + step.directory() + " cannot be read: " + e);
            return;
        }
        for (WaitingSets sets : found) {
            waiting.put(sets.table(), sets);
            routes.put(sets.table(), step.route());
            if (sets.missing() != null) {
                all.problem(
                        Problem.Kind.SET_MISSING,
                        sets.table().toString(),
                        (sets.missing().equals(sets.missingTo())
                                        ? "set " + sets.missing() + " is"
                                        : "sets " + sets.missing() + " to " + sets.missingTo() + " are")
                                + " missing in " + step.directory() + ", and "
                                + (sets.sets() == 1 ? "a later one waits" : sets.sets() + " later ones wait")
                                + "; caravan export --again " + sets.missing() + " publishes one that was lost");
            }
            if (sets.diverged() != null) {
                all.problem(Problem.Kind.SETS_DIVERGED, sets.table().toString(), sets.diverged());
            }
        }
    }

    // ---- drop directories

    private static List<Status.Drop> drops(Looks all) {
        Map<Path, String> directories = new LinkedHashMap<>();
        all.watch()
                .exports()
                .forEach(step -> directories.putIfAbsent(step.directory().path(), step.route()));
        all.watch()
                .imports()
                .forEach(step -> directories.putIfAbsent(step.directory().path(), step.route()));
        List<Status.Drop> drops = new ArrayList<>();
        directories.forEach((directory, route) -> drops.add(drop(all, route, directory)));
        return drops;
    }

    private static Status.Drop drop(Looks all, String route, Path directory) {
        try {
            FileStore disk = Files.getFileStore(directory);
            long free = disk.getUsableSpace();
            long total = disk.getTotalSpace();
            if (total > 0 && free < total * all.limits().free()) {
                all.problem(
                        Problem.Kind.DISK,
                        route,
                        "the disk of the drop directory " + directory + " is nearly full: " + Words.bytes((double) free)
                                + " of " + Words.bytes((double) total) + " are free");
            }
            return new Status.Drop(route, directory.toString(), free, total, null);
        } catch (IOException e) {
            String said = "the drop directory " + directory + " cannot be looked at: " + e;
            all.problem(Problem.Kind.UNREADABLE, route, said);
            return new Status.Drop(route, directory.toString(), null, null, said);
        }
    }
}
