package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import io.pgcaravan.camel.PlantedOperatorsTest;
import io.pgcaravan.ship.Shipping;
import io.pgcaravan.sql.Query;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What others may plant in schema public is not called by the commands either, on whichever side. Each planted function fails
 * with the statement that called it, so that what is read in a transaction that is rolled back is seen too.
 */
class PlantedCommandsTest {

    private static final String FAILS = """
            create or replace function public.note(what text) returns void language plpgsql as $$ begin
                raise exception 'planted % in: %', what, current_query();
            end $$""";

    @TempDir
    Path directory;

    private final List<String> called = new ArrayList<>();

    private CommandRun run(String... args) {
        CommandRun run = CommandRun.of(args);
        String said = run.out() + run.err();
        if (said.contains("planted")) {
            called.add(String.join(" ", args) + ":\n" + said);
        }
        return run;
    }

    private CommandRun well(String... args) {
        CommandRun run = run(args);
        assertThat(run.status()).as(String.join(" ", args) + run).isZero();
        return run;
    }

    @Test
    void commands_about_jobs_call_nothing_that_is_planted() throws Exception {
        String sourceUrl = PgServer.get().createDatabaseWithPgq("others_source");
        String targetUrl = PgServer.get().createDatabase("others_target");
        try (Connection source = DriverManager.getConnection(sourceUrl);
                Connection target = DriverManager.getConnection(targetUrl)) {
            Query.execute(
                    source,
                    "create table orders (id varchar(9) primary key, customer name, amount numeric(10,2), created_at timestamp not"
                            + " null)",
                    PlantedOperatorsTest.PLANT,
                    FAILS);
            Query.execute(
                    target,
                    "create table orders (id varchar(9), customer name, amount numeric(10,2), created_at timestamp not null,"
                            + " primary key (id, created_at)) partition by range (created_at)",
                    PlantedOperatorsTest.PLANT,
                    FAILS);
            Map<String, String> keys = new LinkedHashMap<>();
            keys.put("database.sourceDb.url", sourceUrl);
            keys.put("database.targetDb.url", targetUrl);
            keys.put("dispatch.rowMode", "plain");
            Path config = Setup.config(directory.resolve("config"), keys);
            String[] where = {"--config", config.toString(), "--routes", "routes"};
            String[] both = {"--source", sourceUrl, "--target", targetUrl};

            well("queue", "create", "orders", "--db", sourceUrl, "--table", "public.orders", "--max-lag", "1s");
            well("queue", "list", "--db", sourceUrl);
            well("queue", "tick", "orders", "--db", sourceUrl);
            run(with(where, "check"));
            run(with(where, "status"));
            well(with(both, "queue", "register", "orders", "dispatch"));
            run(with(where, "check"));
            run(with(where, "status", "--json"));
            well(with(both, "queue", "rewind", "orders", "dispatch"));
            well(with(both, "queue", "reset", "orders", "dispatch"));
            well("dead-letter", "list", "--db", targetUrl);
            well("partitions", "create", "orders", "--db", targetUrl, "--from", "2020-01-01", "--to", "2020-01-03");
            well("partitions", "list", "orders", "--db", targetUrl);
            well("partitions", "drop", "orders", "--db", targetUrl, "--older-than", "1 year");
            run(with(where, "status"));
            run(with(where, "grants", "--role", "postgres"));
            well("queue", "unregister", "orders", "dispatch", "--source", sourceUrl);
            well("queue", "drop", "orders", "--force", "--db", sourceUrl);
        }
        assertThat(called).isEmpty();
    }

    @Test
    void commands_that_ship_call_nothing_that_is_planted() throws Exception {
        try (Shipping ship = new Shipping(directory.resolve("drop"))) {
            for (Connection side : List.of(ship.source, ship.target)) {
                Query.execute(
                        side,
                        "create table t (id varchar(9), day name, v varchar(9), primary key (id, day))",
                        PlantedOperatorsTest.PLANT,
                        FAILS);
            }
            String dir = Files.createDirectories(ship.directory).toString();
            String[] export = {
                "export", "--db", ship.sourceUrl, "--table", "public.t", "--target", ship.to.toString(), "--dir", dir
            };
            well("ddl", "exporter", "public", "t", "--apply", "--db", ship.sourceUrl);
            well("ddl", "importer", "public", "t", "--apply", "--db", ship.targetUrl);
            Query.execute(ship.source, "insert into t select g, g, g from generate_series(1, 10) g");
            well(export);
            well("import", "--db", ship.targetUrl, "--dir", dir);
            Query.execute(ship.source, "update t set v = 'x'", "delete from t where id operator(pg_catalog.=) '3'");
            well(export);
            well("import", "--db", ship.targetUrl, "--dir", dir);
            well(with(new String[] {"--full"}, export));
            well("import", "--db", ship.targetUrl, "--dir", dir);
            well("target", "list", "--db", ship.sourceUrl);
            well("compare", "--source", ship.sourceUrl, "--target", ship.targetUrl, "--table", "public.t");
            Query.execute(ship.target, "delete from t where id operator(pg_catalog.=) '5'");
            well("repair", "--source", ship.sourceUrl, "--target", ship.targetUrl, "--table", "public.t", "--dir", dir);
            well("import", "--db", ship.targetUrl, "--dir", dir);
            ship.assertEqual("t");
            run("status", "--db", ship.sourceUrl);
            run("status", "--db", ship.targetUrl);
            well("target", "forget", ship.to.toString(), "--db", ship.sourceUrl);
        }
        assertThat(called).isEmpty();
    }

    private static String[] with(String[] more, String... first) {
        String[] all = java.util.Arrays.copyOf(first, first.length + more.length);
        System.arraycopy(more, 0, all, first.length, more.length);
        return all;
    }
}
