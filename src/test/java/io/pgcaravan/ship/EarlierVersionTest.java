package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.ship.importer.WaitingSets;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Databases that an earlier version prepared are upgraded by the next export and import, and ship on from where they were. */
class EarlierVersionTest {

    @TempDir
    Path directory;

    private Shipping ship;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory);
        execute(ship.source, dump("source"), "insert into t values (1, 'a')", "insert into p values (1, 'a')");
        execute(ship.target, dump("target"), "insert into caravan.import_set values ('public', 't')");
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    private static String dump(String side) throws Exception {
        try (InputStream in = EarlierVersionTest.class.getResourceAsStream("earlier-" + side + ".sql")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** A set as that version left it: what it did not keep is not there. */
    private void asLeft(String state) throws Exception {
        execute(
                ship.source,
                "drop trigger if exists t_dml_replica on t",
                "update caravan.export_set set tracking = (select string_agg(oid || '/' || xmin || '/' || tgenabled::text, ' ' order by oid)"
                        + " from pg_trigger where tgrelid = 't'::regclass) where table_name = 't'",
                "update caravan.export_set set table_layout = null, partitions = regexp_replace(partitions, '^(\\d+:\\d+):', '\\1:t:')",
                "update caravan.export_set e set state = '" + state + "', published_at = null where set_number ="
                        + " (select max(set_number) from caravan.export_set l where l.table_name = e.table_name)");
    }

    @Test
    void changes_go_on_without_a_full_set() throws Exception {
        ship.ship("t");
        asLeft("published");
        execute(ship.target, "alter table caravan.import_history drop column previous_set_id");
        for (String file : ship.files("done")) {
            java.nio.file.Files.copy(directory.resolve("done").resolve(file), directory.resolve(file));
        }
        execute(ship.source, "insert into t values (2, 'b')");
        // status only reads
        assertThat(WaitingSets.of(ship.target, ship.drop, null).get(0).diverged())
                .isNull();
        assertThat(ship.importAll().get(0).result()).isEqualTo(Result.ALREADY_APPLIED);
        assertThat(ship.exportOne("t").kind()).isEqualTo(SetKind.CHANGES);
        ship.importWell();
        ship.assertEqual("t");
        execute(ship.source, "set session_replication_role = replica", "update t set v = 'c'");
        execute(ship.source, "reset session_replication_role");
        assertThat(query(
                        ship.source,
                        "select tgname from pg_trigger where tgname = 't_dml_replica' and tgenabled = 'A'"))
                .hasSize(1);
        assertThat(ship.exportOne("t").kind()).isEqualTo(SetKind.CHANGES);
        ship.importWell();
        ship.assertEqual("t");
    }

    @Test
    void partitions_go_on_without_a_full_set() throws Exception {
        ship.export("p");
        asLeft("published");
        execute(ship.source, "insert into p values (2, 'b')");
        assertThat(ship.exportOne("p").kind()).isEqualTo(SetKind.CHANGES);
        execute(ship.source, "truncate p1");
        assertThat(ship.exportOne("p").kind()).isEqualTo(SetKind.FULL);
    }

    @Test
    void open_sets_are_finished() throws Exception {
        ship.ship("t");
        execute(ship.source, "insert into t values (2, 'b')");
        ship.export("t");
        asLeft("written");
        for (String file : ship.files("")) {
            java.nio.file.Files.delete(directory.resolve(file));
        }
        execute(ship.source, "insert into t values (3, 'c')");
        assertThat(ship.export("t")).extracting(Exporter.Exported::finished).containsExactly(true, false);
        ship.importWell();
        ship.assertEqual("t");
        execute(ship.source, "insert into t values (4, 'd')");
        ship.export("t");
        asLeft("reserved");
        for (String file : ship.files("")) {
            java.nio.file.Files.delete(directory.resolve(file));
        }
        assertThat(ship.exportOne("t").number()).isEqualTo(4);
        ship.importWell();
        ship.assertEqual("t");
    }

    @Test
    void sets_whose_names_have_capital_letters_are_taken() throws Exception {
        ship.table("public.Orders", "create table \"Orders\" (id int primary key)");
        ship.table("public.orders", "create table orders (id int primary key)");
        execute(ship.source, "insert into \"Orders\" values (1)", "insert into orders values (2)");
        ship.export("public.Orders", "public.orders");
        assertThat(ship.files("")).contains("public.%4Frders.000000000001.done", "public.orders.000000000001.done");
        // as that version named them, in the marker and on disk
        for (String file : ship.files("")) {
            Path path = directory.resolve(file);
            if (file.endsWith(".done")) {
                java.nio.file.Files.writeString(
                        path,
                        Manifest.sealed(java.nio.file.Files.readString(path).replace("%4F", "O")));
            }
            java.nio.file.Files.move(path, directory.resolve(file.replace("%4F", "O")));
        }
        ship.importWell();
        assertThat(ship.files("")).contains("public.Orders.000000000001.ack");
        execute(ship.source, "insert into \"Orders\" values (3)");
        ship.ship("public.Orders", "public.orders");
        assertThat(ship.files("")).doesNotContain("public.Orders.000000000001.ack");
        // written, and not published yet
        execute(ship.source, "insert into \"Orders\" values (4)");
        ship.export("public.Orders");
        execute(
                ship.source,
                "update caravan.export_set set state = 'written', manifest = replace(manifest, '%4F', 'O') where set_number = 3");
        for (String file : ship.files("")) {
            java.nio.file.Files.delete(directory.resolve(file));
        }
        assertThat(ship.exportOne("public.Orders").number()).isEqualTo(3);
        ship.importWell();
        ship.assertEqual("public.Orders");
    }

    @Test
    void composite_keys_keep_their_nulls() throws Exception {
        execute(ship.source, "insert into k values ((null, null), 'a'), ((1, null), 'b')");
        ship.export("k");
        execute(ship.source, "update k set v = 'c'");
        Manifest set = ship.exportOne("k");
        assertThat(set.truncated()).isFalse();
        assertThat(set.file(SetPart.IDS).rows()).isEqualTo(2);
        ship.track("k");
        assertThat(query(ship.source, "select indexdef from pg_indexes where indexname = 'k_dml_truncations'")
                        .get(0))
                .contains("IS NOT DISTINCT FROM");
    }

    @Test
    void a_role_that_may_not_upgrade_the_ledgers_names_the_command() throws Exception {
        String role = "shipper_" + ship.source.getCatalog();
        for (Connection side : List.of(ship.source, ship.target)) {
            if (side == ship.source) {
                execute(side, "create role " + role + " login password 'e'");
            }
            execute(
                    side,
                    "grant usage on schema caravan to " + role,
                    "grant select, insert, update, delete on all tables in schema caravan, public to " + role);
        }
        Connect source = as(role, ship.sourceUrl);
        assertThatThrownBy(() -> new Exporter(source).export(ship.request("t")))
                .hasMessageContaining("caravan ddl export-table caravan export_set --apply");
        execute(ship.source, new Tracking(Tracking.LEDGER, null, null, false).exportTable());
        assertThat(new Exporter(source).export(ship.request("t"))).hasSize(1);
        Importer importer = new Importer(as(role, ship.targetUrl), ship.drop);
        assertThat(importer.importAll().get(0).message()).contains("caravan ddl importer public t --apply");
        ship.accept("t");
        assertThat(importer.importAll()).extracting(Importer.Outcome::result).containsExactly(Result.APPLIED);
        ship.assertEqual("t");
        execute(ship.target, "drop owned by " + role);
        execute(ship.source, "drop owned by " + role, "drop role " + role);
    }

    private static Connect as(String role, String url) {
        return () -> DriverManager.getConnection(
                url.replaceAll("user=[^&]*", "user=" + role).replaceAll("password=[^&]*", "password=e"));
    }
}
