package io.pgcaravan.ship;

import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.exporter.Exporter.Request;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.TableName;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A source, a target and a drop directory between them. */
public final class Shipping implements AutoCloseable {

    public static final String ODD = "public.Odd, Name";

    public final String sourceUrl;
    public final String targetUrl;
    public final Connection source;
    public final Connection target;
    public final Path directory;
    public final DropDirectory drop;
    public final Target to;

    public Shipping(Path directory) throws Exception {
        this(
                directory,
                PgServer.get().createDatabase("ship_source"),
                PgServer.get().createDatabase("ship_target"));
    }

    /** Between databases that are there already. */
    public Shipping(Path directory, String sourceUrl, String targetUrl) throws Exception {
        this.sourceUrl = sourceUrl;
        this.targetUrl = targetUrl;
        source = DriverManager.getConnection(sourceUrl);
        target = DriverManager.getConnection(targetUrl);
        this.directory = Files.createDirectories(directory);
        drop = new DropDirectory(directory);
        to = new Target("branch", target.getCatalog());
    }

    /** With the first set of a table that has an odd name, {@link #ODD}, and records that take many packets. */
    public static Shipping ofOddTable(Path directory) throws Exception {
        Shipping ship = new Shipping(directory);
        ship.table(ODD, "create table public.\"Odd, Name\" (id bigint primary key, note text)");
        execute(
                ship.source,
                "insert into \"Odd, Name\" select g, repeat(md5(g::text), 10) from generate_series(1, 5000) g");
        ship.export(ODD);
        return ship;
    }

    public static TableName table(String name) {
        return name.contains(".") ? TableName.parse(name) : new TableName("public", name);
    }

    /** Makes a table in both databases, tracked here and accepted there. */
    public void table(String name, String ddl) throws SQLException {
        execute(source, ddl);
        execute(target, ddl);
        track(name);
        accept(name);
    }

    public void track(String name) throws SQLException {
        execute(source, new Tracking(Tracking.LEDGER, null, null, false).exporter(table(name)));
    }

    public void accept(String name) throws SQLException {
        execute(target, new Tracking(Tracking.LEDGER, null, null, false).importer(table(name)));
    }

    public Connect sourceConnect() {
        return () -> DriverManager.getConnection(sourceUrl);
    }

    public Connect targetConnect() {
        return () -> DriverManager.getConnection(targetUrl);
    }

    public Request request(String... tables) {
        return new Request(to, Arrays.stream(tables).map(Shipping::table).toList(), drop, Compression.NONE, false);
    }

    public List<Exported> export(String... tables) {
        return new Exporter(sourceConnect()).export(request(tables));
    }

    public Manifest exportOne(String table) {
        List<Exported> exported = export(table);
        assertThat(exported).hasSize(1);
        return exported.get(0).manifest();
    }

    public List<Outcome> importAll() {
        return new Importer(targetConnect(), drop).importAll();
    }

    /** Imports, and wants every set to be applied. */
    public void importWell() {
        List<Outcome> outcomes = importAll();
        assertThat(outcomes).allMatch(outcome -> outcome.result() == Result.APPLIED);
    }

    /** Exports, imports and compares. */
    public void ship(String... tables) throws SQLException {
        export(tables);
        importWell();
        for (String table : tables) {
            assertEqual(table);
        }
    }

    public void assertEqual(String table) throws SQLException {
        assertThat(rows(target, table)).isEqualTo(rows(source, table));
    }

    public static List<String> rows(Connection connection, String table) throws SQLException {
        return query(connection, "select t::text from " + table(table).quoted() + " t order by 1");
    }

    public static List<String> query(Connection connection, String sql) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                rows.add(row.getString(1));
            }
        }
        return rows;
    }

    /** The names of the files in the drop directory or below. */
    public List<String> files(String below) throws Exception {
        Path place = directory.resolve(below);
        if (!Files.exists(place)) {
            return List.of();
        }
        try (var files = Files.list(place)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }

    @Override
    public void close() throws SQLException {
        source.close();
        target.close();
    }
}
