package io.pgcaravan.ship;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.Query;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a source by files to a target. */
class ShipTest {

    @TempDir
    Path directory;

    private Shipping ship;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory);
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    @Test
    void the_target_equals_the_source_after_each_set() throws Exception {
        ship.table("orders", "create table orders (id bigint primary key, note text, amount numeric(10,2))");
        Query.execute(
                ship.source, "insert into orders select g, 'note ' || g, g * 1.5 from generate_series(1, 1000) g");
        ship.ship("orders");
        Query.execute(
                ship.source,
                "update orders set note = 'changed' where id % 3 = 0",
                "update orders set id = id + 10000 where id % 10 = 1",
                "delete from orders where id % 7 = 0",
                "insert into orders values (5000, null, null)");
        Manifest set = ship.exportOne("orders");
        assertThat(set.kind()).isEqualTo(SetKind.CHANGES);
        assertThat(set.number()).isEqualTo(2);
        assertThat(ship.files(""))
                .containsExactly(
                        "public.orders.000000000002.columns",
                        "public.orders.000000000002.done",
                        "public.orders.000000000002.ids",
                        "public.orders.000000000002.records");
        ship.importWell();
        ship.assertEqual("orders");
        assertThat(ship.export("orders")).isEmpty();
        Query.execute(ship.source, "truncate orders", "insert into orders values (1, 'after', 1)");
        set = ship.exportOne("orders");
        assertThat(set.truncated()).isTrue();
        assertThat(set.file(SetPart.RECORDS).rows()).isEqualTo(1);
        ship.importWell();
        ship.assertEqual("orders");
    }

    @Test
    void a_set_that_comes_twice_is_applied_once() throws Exception {
        ship.table("orders", "create table orders (id bigint primary key, note text)");
        Query.execute(ship.source, "insert into orders values (1, 'a')");
        ship.ship("orders");
        for (String file : ship.files("done")) {
            java.nio.file.Files.copy(directory.resolve("done").resolve(file), directory.resolve(file));
        }
        assertThat(ship.importAll()).extracting(Importer.Outcome::result).containsExactly(Result.ALREADY_APPLIED);
        ship.assertEqual("orders");
    }
}
