package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.importer.DmlImporter;
import io.pgcaravan.ship.importer.DmlImporter.Options;
import io.pgcaravan.ship.importer.DmlImporter.Outcome;
import io.pgcaravan.ship.importer.DmlImporter.Progress;
import io.pgcaravan.ship.importer.Importer.Result;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.PGConnection;

/** What postgres-dml-tracking-util has exported goes into its tables, as often and as clumsily as it exports it. */
class DmlImportTest {

    private static final String ORDERS = "create table orders (id bigint primary key, note text, amount numeric)";

    @TempDir
    Path directory;

    private Shipping ship;
    private long exported;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory);
        table("orders", ORDERS);
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    /** Notes changes as that tool does: a row in TABLE_dml for each row that changes, and two where its id does. */
    private void table(String name, String ddl) throws SQLException {
        String function = name.replace("\"", "").replace('.', '_').replace(' ', '_') + "_note";
        String notes = name.endsWith("\"") ? name.substring(0, name.length() - 1) + "_dml\"" : name + "_dml";
        execute(
                ship.source,
                ddl,
                "create table " + notes + " (id bigserial primary key, source_id bigint)",
                "create function " + function + "() returns trigger language plpgsql as $$ begin"
                        + " if tg_op <> 'INSERT' and (tg_op = 'DELETE' or old.id <> new.id) then insert into " + notes
                        + " (source_id) values (old.id); end if;"
                        + " if tg_op = 'DELETE' then return old; end if;"
                        + " insert into " + notes + " (source_id) values (new.id); return new; end $$",
                "create trigger note before insert or update or delete on " + name + " for each row execute function "
                        + function + "()");
        execute(ship.target, ddl);
    }

    private void copy(String query, String file) throws Exception {
        try (OutputStream out = Files.newOutputStream(directory.resolve(file))) {
            ship.source.unwrap(PGConnection.class).getCopyAPI().copyOut("copy (" + query + ") to stdout", out);
        }
    }

    private void export() throws Exception {
        export("orders", "public.orders");
    }

    /** The three files, in the order and with the contents that the tool's function gives them. */
    private void export(String table, String base) throws Exception {
        String notes = table.endsWith("\"") ? table.substring(0, table.length() - 1) + "_dml\"" : table + "_dml";
        String max =
                query(ship.source, "select coalesce(max(id), 0) from " + notes).get(0);
        String range = "d.id > " + exported + " and d.id <= " + max;
        copy("select d.* from " + notes + " d where " + range, "dml." + base + ".tab");
        copy(
                "select t.* from " + table + " t join " + notes + " d on t.id = d.source_id where " + range,
                base + ".tab");
        copy(
                "select string_agg(attname, ',' order by attnum) from pg_attribute where attrelid = '" + table
                        + "'::regclass and attnum > 0 and not attisdropped",
                base + "-columns.txt");
        exported = Long.parseLong(max);
    }

    private Outcome only(Duration settle) {
        List<Outcome> outcomes = importAll(settle);
        assertThat(outcomes).as(outcomes.toString()).hasSize(1);
        return outcomes.get(0);
    }

    private List<Outcome> importAll(Duration settle) {
        return new DmlImporter(
                        ship.targetConnect(),
                        new Options(directory, List.of(), settle, "UTF8", null, null),
                        Progress.NONE)
                .importAll();
    }

    private Outcome only() {
        return only(Duration.ZERO);
    }

    private void importWell() throws Exception {
        Outcome outcome = only();
        assertThat(outcome.result()).as(outcome.toString()).isEqualTo(Result.APPLIED);
        ship.assertEqual("orders");
    }

    @Test
    void dates_and_intervals_of_other_styles_are_refused_until_they_are_named() throws Exception {
        table(
                "d",
                "create table d (id bigint primary key, at date, span interval, days daterange[], stamp timestamptz, t text)");
        ship.accept("d");
        execute(
                ship.source,
                "insert into d values (1, '2026-02-01', '1 day -02:03:04', array['[2026-01-02,2026-01-05)'::daterange],"
                        + " '2026-01-02 05:04:03.12+02', '01.02.2026 in text')");
        export("d", "public.d");
        assertThat(only().result()).isEqualTo(Result.APPLIED);
        ship.assertEqual("d");
        int id = 2;
        for (String[] style : new String[][] {
            {"German", null, "01.02.2026|-1 days -02:03:04|{[02.01.2026,05.01.2026)}|02.01.2026 05:04:03 UTC"},
            {"SQL, DMY", null, "01/02/2026|-1 days -02:03:04|{[02/01/2026,05/01/2026)}|02/01/2026 05:04:03 UTC"},
            {
                "Postgres, DMY",
                null,
                "01-02-2026|-1 days -02:03:04|{[02-01-2026,05-01-2026)}|Fri 02 Jan 05:04:03 2026 UTC"
            },
            {null, "sql_standard", "2026-02-01|-1 2:03:04|{[2026-01-02,2026-01-05)}|2026-01-02 05:04:03+00"}
        }) {
            execute(
                    ship.source,
                    "insert into d values (" + id
                            + ", '2026-02-01', '-1 day -02:03:04', array['[2026-01-02,2026-01-05)'::daterange],"
                            + " '2026-01-02 05:04:03+00', null)");
            export("d", "public.d");
            // what such a session would have written
            Files.writeString(
                    directory.resolve("public.d.tab"),
                    id++ + "\t"
                            + style[2].replace("|", "\t").replace("{", "{\"").replace("}", "\"}") + "\t\\N\n");
            Files.setLastModifiedTime(directory.resolve("public.d-columns.txt"), FileTime.from(Instant.now()));
            assertThat(only().result()).isEqualTo(Result.FAILED);
            assertThat(only().message()).contains("public.d.tab: column \"").contains("--date-style");
            List<Outcome> outcomes = new DmlImporter(
                            ship.targetConnect(),
                            new Options(directory, List.of(), Duration.ZERO, "UTF8", style[0], style[1]),
                            Progress.NONE)
                    .importAll();
            assertThat(outcomes).extracting(Outcome::result).containsExactly(Result.APPLIED);
            ship.assertEqual("d");
        }
    }

    @Test
    void each_export_goes_into_the_table_with_rows_that_are_there_twice() throws Exception {
        ship.accept("orders");
        execute(
                ship.source,
                "insert into orders select g, 'note ' || g, g * 1.5 from generate_series(1, 100) g",
                "insert into orders values (200, e'tab\\t, newline\\n, \\\\ and \\\\N', null)");
        export();
        importWell();
        assertThat(ship.files("")).isEmpty();
        assertThat(ship.files("done"))
                .hasSize(3)
                .allMatch(name ->
                        name.matches("\\d{8}T\\d{6}\\.\\d{3}Z\\.(dml\\.)?public\\.orders(\\.tab|-columns\\.txt)"));
        execute(
                ship.source,
                "update orders set note = 'once' where id < 50",
                "update orders set note = 'twice' where id < 30",
                "update orders set id = 1000 where id = 3",
                "delete from orders where id in (5, 200)",
                "insert into orders values (300, 'came', 1)",
                "delete from orders where id = 300");
        export();
        assertThat(Files.readAllLines(directory.resolve("public.orders.tab"))).hasSizeGreaterThan(60);
        importWell();
        assertThat(ship.files("done")).hasSize(6);
    }

    @Test
    void files_that_come_twice_do_no_harm_and_those_that_come_late_are_refused() throws Exception {
        ship.accept("orders");
        execute(ship.source, "insert into orders values (1, 'a', 1), (2, 'b', 2)");
        export();
        Path kept = Files.createDirectory(directory.resolve("kept"));
        for (String file : ship.files("")) {
            Files.copy(directory.resolve(file), kept.resolve(file));
        }
        importWell();
        bring(kept);
        assertThat(only(null).result()).isEqualTo(Result.ALREADY_APPLIED);
        assertThat(ship.files("")).isEmpty();
        execute(ship.source, "update orders set note = 'newer'");
        export();
        importWell();
        bring(kept);
        Outcome late = only(null);
        assertThat(late.result()).isEqualTo(Result.REFUSED);
        assertThat(late.message()).contains("number 2").contains("up to 4");
        ship.assertEqual("orders");
        assertThat(ship.files("")).hasSize(3);
        export();
        assertThat(only().message()).isEqualTo("nothing has changed");
        execute(ship.source, "begin", "update orders set note = 'no'", "rollback", "update orders set note = 'yes'");
        export();
        Outcome hole = only();
        assertThat(hole.result()).isEqualTo(Result.APPLIED);
        assertThat(hole.message()).contains("numbers 5 to 6 came in no file");
        ship.assertEqual("orders");
    }

    private void bring(Path from) throws Exception {
        for (String file : List.of("dml.public.orders.tab", "public.orders.tab", "public.orders-columns.txt")) {
            Files.copy(from.resolve(file), directory.resolve(file));
        }
    }

    /** Its three statements have three snapshots: rows of transactions that commit between them are in one file only. */
    @Test
    void rows_that_only_one_of_the_files_has_do_not_break_it() throws Exception {
        ship.accept("orders");
        execute(ship.source, "insert into orders values (1, 'a', 1), (2, 'b', 2)");
        export();
        importWell();
        execute(ship.source, "update orders set note = 'changed' where id = 1");
        export();
        copy("select * from orders", "public.orders.tab");
        copy("select 'id,note,amount'", "public.orders-columns.txt");
        importWell();
    }

    @Test
    void files_that_may_not_be_whole_are_waited_for() throws Exception {
        ship.accept("orders");
        execute(ship.source, "insert into orders values (1, 'a', 1), (2, 'b', 2)");
        export();
        assertThat(only(Duration.ofHours(1)).message()).contains("was left alone for 3600 s");
        Path records = directory.resolve("public.orders.tab");
        Path columns = directory.resolve("public.orders-columns.txt");
        byte[] all = Files.readAllBytes(records);
        FileTime time = Files.getLastModifiedTime(columns);
        Files.delete(columns);
        assertThat(only(null).message()).contains("waits for public.orders-columns.txt");
        Files.writeString(columns, "id,note,amount\n");
        Files.setLastModifiedTime(columns, FileTime.from(Instant.now().minusSeconds(100)));
        assertThat(only().message()).contains("older than public.orders.tab").contains("--whole");
        Files.setLastModifiedTime(columns, time);
        Files.write(records, java.util.Arrays.copyOf(all, all.length - 3));
        assertThat(only(null).message()).contains("waits for the rest of public.orders.tab");
        assertThat(Shipping.rows(ship.target, "orders")).isEmpty();
        assertThat(only(null).result()).isEqualTo(Result.INCOMPLETE);
        Files.write(records, all);
        assertThat(only(null).result()).isEqualTo(Result.APPLIED);
        ship.assertEqual("orders");
    }

    @Test
    void errors_name_the_file_and_the_line_and_change_nothing() throws Exception {
        ship.accept("orders");
        execute(ship.source, "insert into orders values (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)");
        export();
        mustFail("public.orders.tab", "1\ta\t1\n2\tb\tmuch\n", "public.orders.tab, line 2, column amount: \"much\"");
        mustFail("public.orders.tab", "1\ta\t1\n2\tb\n", "public.orders.tab, line 2");
        mustFail("public.orders.tab", "1\ta\t1\n\\.\n2\tb\t2\n", "public.orders.tab, line 2: is an end of data");
        mustFail("public.orders.tab", "1\ta\t1\n1\tb\t1\n", "id 1 more than once and with different values");
        mustFail("dml.public.orders.tab", "1\t1\nx\t2\n", "dml.public.orders.tab, line 2, column number: \"x\"");
        mustFail("dml.public.orders.tab", "", "not of one export");
        mustFail(
                "public.orders-columns.txt",
                "id,note,prize\n",
                "public.orders-columns.txt, line 1: column(s) \"prize\"");
        mustFail("public.orders-columns.txt", "note,amount\n", "has no column id");
        mustFail("public.orders-columns.txt", "id,,note\n", "must have names of columns");
        mustFail("public.orders-columns.txt", "id,note) from program 'x' --\n", "are missing in the table");
        importWell();
    }

    private void mustFail(String file, String text, String message) throws Exception {
        Path path = directory.resolve(file);
        byte[] right = Files.readAllBytes(path);
        Files.writeString(path, text);
        Outcome outcome = only(null);
        assertThat(outcome.result()).as(outcome.toString()).isEqualTo(Result.FAILED);
        assertThat(outcome.message()).contains(message).contains("changed nothing");
        assertThat(Shipping.rows(ship.target, "orders")).isEmpty();
        FileTime[] times = new FileTime[] {FileTime.from(Instant.now())};
        Files.write(path, right);
        for (String each : List.of("dml.public.orders.tab", "public.orders.tab", "public.orders-columns.txt")) {
            Files.setLastModifiedTime(directory.resolve(each), times[0]);
        }
    }

    @Test
    void tables_that_nobody_permitted_and_files_that_are_none_are_refused() throws Exception {
        execute(ship.source, "insert into orders values (1, 'a', 1)");
        export();
        assertThat(only().message()).contains("ddl importer public orders");
        ship.accept("orders");
        Path elsewhere = Files.createTempFile("records", ".tab");
        Files.write(elsewhere, Files.readAllBytes(directory.resolve("public.orders.tab")));
        Files.delete(directory.resolve("public.orders.tab"));
        Files.createSymbolicLink(directory.resolve("public.orders.tab"), elsewhere);
        assertThat(only(null).message()).contains("symbolic link");
        Files.delete(directory.resolve("public.orders.tab"));
        Files.move(elsewhere, directory.resolve("public.orders.tab"));
        Files.writeString(directory.resolve("dml.Not a name.tab"), "");
        assertThat(importAll(null)).extracting(Outcome::result).containsExactly(Result.REFUSED, Result.APPLIED);
        ship.assertEqual("orders");
    }

    @Test
    void names_come_as_postgresql_quotes_them_and_without_a_schema_they_are_publics() throws Exception {
        ship.accept("orders");
        execute(ship.source, "insert into orders values (1, 'a', 1)");
        export("orders", "orders");
        importWell();
        for (var side : List.of(ship.source, ship.target)) {
            execute(side, "create schema \"Old One\"");
        }
        table(
                "\"Old One\".\"O.dd\"",
                "create table \"Old One\".\"O.dd\" (id int primary key, \"Mixed Case\" text, double int generated always as (id * 2) stored)");
        execute(
                ship.target,
                new Tracking(Tracking.LEDGER, null, null, false)
                        .importer(new io.pgcaravan.sql.TableName("Old One", "O.dd")));
        execute(ship.source, "insert into \"Old One\".\"O.dd\" (id, \"Mixed Case\") values (7, 'x')");
        exported = 0;
        export("\"Old One\".\"O.dd\"", "\"Old One\".\"O.dd\"");
        assertThat(only().result()).isEqualTo(Result.APPLIED);
        assertThat(query(ship.target, "select t::text from \"Old One\".\"O.dd\" t"))
                .containsExactly("(7,x,14)");
    }

    @Test
    void tables_that_refer_to_each_other_come_in_whichever_order_it_takes() throws Exception {
        table("zones", "create table zones (id int primary key, name text)");
        table("branches", "create table branches (id int primary key, zone int references zones)");
        ship.accept("zones");
        ship.accept("branches");
        execute(ship.source, "insert into zones values (1, 'n')", "insert into branches values (1, 1)");
        export("zones", "public.zones");
        exported = 0;
        export("branches", "public.branches");
        assertThat(importAll(Duration.ZERO))
                .extracting(Outcome::result)
                .containsExactly(Result.APPLIED, Result.APPLIED);
        execute(ship.source, "update zones set name = 'north'");
        exported = 1;
        export("zones", "public.zones");
        assertThat(only().result()).isEqualTo(Result.APPLIED);
        ship.assertEqual("zones");
        ship.assertEqual("branches");
    }

    @Test
    void a_table_moves_over_to_change_sets_and_does_not_go_back() throws Exception {
        ship.accept("orders");
        execute(ship.source, "insert into orders values (1, 'a', 1), (2, 'b', 2)");
        export();
        importWell();
        execute(ship.source, "drop table orders_dml cascade", "drop trigger note on orders");
        ship.track("orders");
        execute(ship.source, "update orders set note = 'by set' where id = 1");
        ship.ship("orders");
        Files.writeString(directory.resolve("dml.public.orders.tab"), "9\t1\n");
        Files.writeString(directory.resolve("public.orders.tab"), "1\told\t0\n");
        Files.writeString(directory.resolve("public.orders-columns.txt"), "id,note,amount\n");
        Outcome back = only();
        assertThat(back.result()).isEqualTo(Result.REFUSED);
        assertThat(back.message()).contains("gets change sets now");
        ship.assertEqual("orders");
    }

    @Test
    void files_in_another_encoding_are_read_as_such() throws Exception {
        ship.accept("orders");
        Files.writeString(directory.resolve("dml.public.orders.tab"), "1\t1\n");
        Files.write(directory.resolve("public.orders.tab"), "1\tKäse\t1\n".getBytes(StandardCharsets.ISO_8859_1));
        Files.writeString(directory.resolve("public.orders-columns.txt"), "id,note,amount\n");
        assertThat(only(null).message()).contains("public.orders.tab, line 1").contains("encoding \"UTF8\"");
        assertThat(new DmlImporter(
                                ship.targetConnect(),
                                new Options(directory, List.of(), null, "LATIN1", null, null),
                                Progress.NONE)
                        .importAll())
                .extracting(Outcome::result)
                .containsExactly(Result.APPLIED);
        assertThat(Shipping.rows(ship.target, "orders")).containsExactly("(1,Käse,1)");
    }
}
