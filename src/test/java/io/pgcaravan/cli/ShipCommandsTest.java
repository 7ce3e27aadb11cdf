package io.pgcaravan.cli;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.app.Progress;
import io.pgcaravan.ship.Shipping;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.sql.TableName;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan ddl}, {@code export}, {@code import} and {@code target}, as people run them. */
class ShipCommandsTest {

    @TempDir
    Path directory;

    private Shipping ship;
    private String to;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory.resolve("drop"));
        execute(ship.source, "create table t (id int primary key, v text)");
        execute(ship.target, "create table t (id int primary key, v text)");
        to = ship.to.toString();
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private static CommandRun well(String... args) {
        CommandRun run = CommandRun.of(args);
        assertThat(run.status()).as(run.toString()).isZero();
        assertThat(run.err()).isEmpty();
        return run;
    }

    private static CommandRun fails(int status, String message, String... args) {
        CommandRun run = CommandRun.of(args);
        assertThat(run.status()).as(run.toString()).isEqualTo(status);
        assertThat(run.err()).contains(message).doesNotContain("\tat ");
        return run;
    }

    private String[] export(String... more) {
        return with(
                more,
                "export",
                "--db",
                ship.sourceUrl,
                "--table",
                "public.t",
                "--target",
                to,
                "--dir",
                ship.directory.toString());
    }

    private String[] imports(String... more) {
        return with(more, "import", "--db", ship.targetUrl, "--dir", ship.directory.toString());
    }

    private static String[] with(String[] more, String... args) {
        List<String> all = new ArrayList<>(List.of(args));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private void prepare() {
        well("ddl", "exporter", "public", "t", "--apply", "--db", ship.sourceUrl);
        well("ddl", "importer", "public", "t", "--apply", "--db", ship.targetUrl);
    }

    /** Runs what a command prints, with whatever reads it in the way that psql does: one text, as it is. */
    private static void psql(String url, String sql) throws Exception {
        try (Connection connection = DriverManager.getConnection(url)) {
            execute(connection, sql);
        }
    }

    private static List<String> everything(Connection connection) throws Exception {
        return query(
                connection,
                "select 'c ' || oid || ' ' || relname from pg_class where relnamespace::regnamespace::text in ('public', 'caravan')"
                        + " union all select 'p ' || oid || proname from pg_proc where pronamespace::regnamespace::text in ('public', 'caravan')"
                        + " union all select 't ' || oid || tgname from pg_trigger where not tgisinternal"
                        + " union all select 'n ' || nspname from pg_namespace where nspname !~ '^pg_' order by 1");
    }

    @Test
    void what_ddl_prints_runs_as_it_is_twice_and_reset_removes_all_of_it() throws Exception {
        List<String> source = everything(ship.source);
        List<String> target = everything(ship.target);
        for (int i = 0; i < 2; i++) {
            psql(ship.sourceUrl, well("ddl", "export-table").out());
            psql(ship.sourceUrl, well("ddl", "exporter", "public", "t").out());
            psql(ship.targetUrl, well("ddl", "importer", "public", "t").out());
        }
        assertThat(everything(ship.source)).hasSizeGreaterThan(source.size());
        execute(ship.source, "insert into t values (1, 'a')");
        well(export());
        well(imports());
        for (int i = 0; i < 2; i++) {
            psql(ship.sourceUrl, well("ddl", "reset", "public", "t").out());
            psql(ship.targetUrl, well("ddl", "reset", "public", "t").out());
        }
        assertThat(everything(ship.source)).isEqualTo(source);
        assertThat(everything(ship.target)).isEqualTo(target);
    }

    @Test
    void ddl_applied_says_what_is_there_now_or_why_nothing_changed() throws Exception {
        for (int i = 0; i < 2; i++) {
            assertThat(well("ddl", "exporter", "public", "t", "--apply", "--db", ship.sourceUrl)
                            .out())
                    .contains("public.t")
                    .contains(ship.source.getCatalog());
            well("ddl", "export-table", "own", "sets", "--apply", "--db", ship.sourceUrl);
        }
        assertThat(query(ship.source, "select count(*) from own.sets")).containsExactly("0");
        fails(
                1,
                "there is no table public.nowhere",
                "ddl",
                "exporter",
                "public",
                "nowhere",
                "--apply",
                "--db",
                ship.sourceUrl);
        fails(
                1,
                "there is no table public.nowhere",
                "ddl",
                "importer",
                "public",
                "nowhere",
                "--apply",
                "--db",
                ship.targetUrl);
        fails(2, "Missing required subcommand", "ddl");
        fails(2, "TABLE", "ddl", "exporter", "public");
        fails(2, "'--ledger': \"sets\" needs its schema", "ddl", "exporter", "public", "t", "--ledger", "sets");
        well("ddl", "reset", "public", "t", "--apply", "--db", ship.sourceUrl);
    }

    @Test
    void sets_go_out_and_in_and_exit_codes_tell_how() throws Exception {
        fails(1, "ddl export-table", export());
        prepare();
        execute(ship.source, "insert into t select g, 'a' from generate_series(1, 10) g");
        assertThat(well(export()).out())
                .contains("public.t.000000000001: full set, 0 ids, 10 records")
                .contains("first set");
        assertThat(well(export()).out()).contains("nothing has changed");
        assertThat(well(imports()).out()).contains("public.t.000000000001: 10 rows written");
        assertThat(well(imports()).out()).contains("no sets to import");
        execute(ship.source, "update t set v = 'b' where id < 4");
        assertThat(well(export("--compress", "zstd")).out()).contains("changes, 3 ids, 3 records");
        assertThat(well(export("--again", "2")).out()).contains("public.t.000000000002: changes, 3 ids");
        execute(ship.source, "delete from t where id = 9");
        well(export());
        Path away = Files.createDirectory(directory.resolve("away"));
        for (String file : ship.files("")) {
            if (file.contains("0002.")) {
                Files.move(ship.directory.resolve(file), away.resolve(file));
            }
        }
        fails(1, "waits for set 2", imports());
        for (Path file : Files.list(away).toList()) {
            Files.move(file, ship.directory.resolve(file.getFileName()));
        }
        well(imports());
        ship.assertEqual("t");
        assertThat(well(export("--full")).out()).contains("it was asked for");
        well(imports());
        fails(1, "--full", export("--again", "2"));
        fails(1, "set 99 of public.t", export("--again", "99"));
    }

    @Test
    void wrong_usage_is_told_from_failure() throws Exception {
        prepare();
        fails(2, "needs its schema", "export", "--db", ship.sourceUrl, "--table", "t", "--target", to, "--dir", "x");
        fails(2, "HOST/DB", "export", "--db", ship.sourceUrl, "--table", "public.t", "--target", "x", "--dir", "x");
        fails(2, "none, gzip, zstd", export("--compress", "rar"));
        fails(2, "--dir", "import", "--db", ship.targetUrl);
        fails(2, "--db", "import", "--db", "what is this", "--dir", "x");
        fails(2, "--target", imports("--target", "x"));
        fails(
                1,
                "is missing",
                "import",
                "--db",
                ship.targetUrl,
                "--dir",
                directory.resolve("none").toString());
        fails(
                1,
                "is missing",
                with(
                        new String[0],
                        "export",
                        "--db",
                        ship.sourceUrl,
                        "--table",
                        "public.t",
                        "--target",
                        to,
                        "--dir",
                        directory.resolve("none").toString()));
        fails(
                1,
                "cannot be reached",
                "export",
                "--db",
                "jdbc:postgresql://127.0.0.1:1/x?user=u",
                "--table",
                "public.t",
                "--target",
                to,
                "--dir",
                ship.directory.toString());
    }

    @Test
    void targets_are_listed_and_forgotten() throws Exception {
        fails(1, "there is no export ledger", "target", "list", "--db", ship.sourceUrl);
        prepare();
        execute(ship.source, "insert into t values (1, 'a')");
        well(export());
        well(imports());
        execute(ship.source, "insert into t values (2, 'a')");
        well(export());
        assertThat(well("target", "list", "--db", ship.sourceUrl).out())
                .containsPattern("(?m)^" + to + " +public\\.t +2 .* +1 .* +1 +- *$");
        fails(1, "there is no target other/db", "target", "forget", "other/db", "--db", ship.sourceUrl);
        fails(2, "HOST/DB", "target", "forget", "other", "--db", ship.sourceUrl);
        assertThat(well("target", "forget", to, "--db", ship.sourceUrl).out()).contains("forgotten for public.t");
        assertThat(well("target", "list", "--db", ship.sourceUrl).out()).contains("forgotten");
        assertThat(well(export()).out()).contains("the target had been forgotten");
    }

    @Test
    void files_of_postgres_dml_tracking_util_are_imported() throws Exception {
        well("ddl", "importer", "public", "t", "--apply", "--db", ship.targetUrl);
        Files.writeString(ship.directory.resolve("dml.public.t.tab"), "1\t5\n2\t5\n3\t6\n");
        Files.writeString(ship.directory.resolve("public.t.tab"), "5\tv\n5\tv\n");
        Files.writeString(ship.directory.resolve("public.t-columns.txt"), "id,v\n");
        assertThat(well(imports()).out()).contains("no sets to import");
        fails(2, "--dml-tracking-util", imports("--whole"));
        fails(2, "--target", imports("--dml-tracking-util", "--target", to));
        fails(2, "needs its schema", imports("--dml-tracking-util", "--table", "t"));
        fails(2, "--settle", imports("--dml-tracking-util", "--settle", "-1"));
        fails(1, "there is no dml.public.u.tab", imports("--dml-tracking-util", "--table", "public.u"));
        fails(1, "left alone for 600 s", imports("--dml-tracking-util", "--settle", "600"));
        assertThat(well(imports("--dml-tracking-util", "--settle", "0", "--table", "public.t"))
                        .out())
                .contains("public.t: changes 1 to 3, 1 rows written");
        assertThat(Shipping.rows(ship.target, "t")).containsExactly("(5,v)");
        assertThat(well(imports("--dml-tracking-util")).out()).contains("no files of postgres-dml-tracking-util");
    }

    @Test
    void the_progress_line_tells_rows_bytes_and_the_time_that_is_left() throws Exception {
        StringWriter text = new StringWriter();
        Progress progress = new Progress(new PrintWriter(text), true);
        TableName table = new TableName("public", "t");
        progress.exported(table, SetPart.RECORDS, 1000, 50_000, 4000);
        Thread.sleep(250);
        progress.exported(table, SetPart.RECORDS, 2000, 100_000, 4000);
        assertThat(text.toString())
                .containsPattern("\rpublic\\.t: records, 2000 rows, 98 kB, [0-9.]+ k?B/s, about 0:0\\d left");
        progress.imported("set", SetPart.IDS, 4000, 10, 40_000_000);
        Thread.sleep(250);
        progress.imported("set", SetPart.IDS, 4000, 20_000_000, 40_000_000);
        assertThat(text.toString())
                .containsPattern("\rset: ids, 2000 of 4000 rows, 19 MB of 38 MB, [0-9.]+ [kM]B/s, about 0:0\\d left");
        progress.clear();
        assertThat(text.toString()).endsWith("\r");
    }
}
