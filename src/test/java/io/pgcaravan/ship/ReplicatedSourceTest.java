package io.pgcaravan.ship;

import static io.pgcaravan.ship.Shipping.query;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pgcaravan.PgServer;
import io.pgcaravan.server.PrivateCluster;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetKind;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What logical replication writes into a table is noted and shipped like any other change. */
class ReplicatedSourceTest {

    @TempDir
    Path directory;

    @Test
    void changes_that_logical_replication_applies_are_shipped() throws Exception {
        PrivateCluster server = PgServer.another(Map.of("wal_level", "logical", "max_wal_senders", "4"));
        assumeTrue(server != null, "needs server programs here, to start a server with wal_level = logical");
        try (server;
                Connection publisher = DriverManager.getConnection(server.createDatabase("publisher"));
                Shipping ship = new Shipping(
                        directory.resolve("drop"), server.createDatabase("middle"), server.createDatabase("far"))) {
            String ddl = "create table t (id int primary key, v text)";
            execute(
                    publisher,
                    ddl,
                    "insert into t select g, 'a' from generate_series(1, 50) g",
                    "create publication p for table t");
            ship.table("t", ddl);
            execute(publisher, "select pg_create_logical_replication_slot('s', 'pgoutput')");
            execute(
                    ship.source,
                    "create subscription s connection 'host=127.0.0.1 port=" + server.port() + " dbname=publisher user="
                            + PrivateCluster.USER + " password=" + server.password()
                            + "' publication p with (create_slot = false, slot_name = 's')");
            try {
                awaitSame(publisher, ship);
                // tracked before there was a subscription
                ship.exportOne("t");
                ship.importWell();
                for (String change : new String[] {
                    "insert into t select g, 'b' from generate_series(51, 60) g",
                    "update t set v = 'c' where id % 3 = 0",
                    "update t set id = id + 1000 where id < 5",
                    "delete from t where id between 20 and 30",
                    "begin; truncate t; insert into t values (7, 'after'); commit"
                }) {
                    execute(publisher, change);
                    awaitSame(publisher, ship);
                    Manifest set = ship.exportOne("t");
                    assertThat(set.kind()).as(change).isEqualTo(SetKind.CHANGES);
                    ship.importWell();
                    assertThat(Shipping.rows(ship.target, "t")).as(change).isEqualTo(Shipping.rows(publisher, "t"));
                }
                assertThat(ship.export("t")).isEmpty();
                execute(publisher, "insert into t values (8, 'last')");
                awaitSame(publisher, ship);
                assertThat(query(
                                ship.source, "select distinct tgenabled from pg_trigger where tgrelid = 't'::regclass"))
                        .containsExactly("A");
            } finally {
                execute(
                        ship.source,
                        "alter subscription s disable",
                        "alter subscription s set (slot_name = none)",
                        "drop subscription s");
            }
            // what came while the subscription was there
            assertThat(ship.exportOne("t").kind()).isEqualTo(SetKind.CHANGES);
            ship.importWell();
            ship.assertEqual("t");
        }
    }

    private static void awaitSame(Connection publisher, Shipping ship) {
        await().atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(50))
                .untilAsserted(
                        () -> assertThat(Shipping.rows(ship.source, "t")).isEqualTo(Shipping.rows(publisher, "t")));
    }
}
