package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pgcaravan.PgServer;
import io.pgcaravan.ship.Shipping;
import io.pgcaravan.sql.Query;
import io.pgcaravan.status.Meter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The meters under their documented names, and each alert begun by what it warns of. */
class MetricsTest {

    private static final Pattern RULE = Pattern.compile("- alert: (\\w+)\\s+expr: (.+)");

    @TempDir
    Path directory;

    private Connection source;
    private Connection target;

    /** Expressions by the names of their alerts. */
    static Map<String, String> alerts() throws Exception {
        Map<String, String> alerts = new LinkedHashMap<>();
        Matcher rule = RULE.matcher(Files.readString(Path.of("monitoring/prometheus/pgcaravan-alerts.yml")));
        while (rule.find()) {
            alerts.put(rule.group(1), rule.group(2).strip());
        }
        return alerts;
    }

    @Test
    void every_meter_has_its_name_and_every_alert_its_cause() throws Exception {
        String sourceUrl = PgServer.get().createDatabaseWithPgq("metrics_source");
        String targetUrl = PgServer.get().createDatabase("metrics_target");
        try (Shipping ship = new Shipping(directory.resolve("drop"))) {
            source = DriverManager.getConnection(sourceUrl);
            target = DriverManager.getConnection(targetUrl);
            Query.execute(
                    source,
                    "select pgq.create_queue('orders')",
                    "create table orders (id bigint primary key, created_at timestamp)",
                    "create trigger q after insert or update or delete on orders for each row execute function"
                            + " pgq.logutriga('orders')");
            Query.execute(
                    target,
                    "create table orders (id bigint, created_at timestamp, primary key (id, created_at)) partition by"
                            + " range (created_at)");
            ship.table("parcels", "create table parcels (id bigint primary key, note text)");
            Query.execute(ship.source, "insert into parcels values (1, 'a'), (2, 'b')");
            ship.ship("parcels");
            ship.export("parcels");

            Map<String, String> keys = new TreeMap<>(Map.of(
                    "database.sourceDb.url",
                    sourceUrl,
                    "database.targetDb.url",
                    targetUrl,
                    "database.shipSourceDb.url",
                    ship.sourceUrl,
                    "database.shipTargetDb.url",
                    ship.targetUrl,
                    "import.enabled",
                    "true",
                    "import.period",
                    "3600000",
                    "import.directory",
                    ship.directory.toString()));
            try (RunningApplication running = new RunningApplication(directory, routes(), keys)) {
                applyABatch();
                await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
                    Scrape scrape = running.scrape();
                    for (Meter meter : Meter.values()) {
                        assertThat(scrape.text()).contains("# HELP " + meter.meterName() + " " + meter.help());
                        assertThat(scrape.text())
                                .contains("# TYPE " + meter.meterName() + " "
                                        + meter.type().name().toLowerCase(java.util.Locale.ROOT));
                        String sample = meter.meterName() + (meter.type() == Meter.Type.HISTOGRAM ? "_count" : "");
                        assertThat(scrape.named(sample)).as(sample).isNotEmpty().allSatisfy(found -> assertThat(
                                        found.labels())
                                .containsOnlyKeys(meter.labels()));
                    }
                    assertThat(scrape.named("pgcaravan_events_total").get(0).value())
                            .isEqualTo(100);
                    assertThat(scrape.named("pgcaravan_rows_total").get(0).value())
                            .isEqualTo(100);
                    assertThat(scrape.named("pgcaravan_batches_total").get(0).value())
                            .isPositive();
                    assertThat(scrape.named("pgcaravan_job_active").get(0).value())
                            .isEqualTo(1);
                    assertThat(scrape.named("pgcaravan_sets_acknowledged")
                                    .get(0)
                                    .value())
                            .isEqualTo(1);
                    assertThat(scrape.named("pgcaravan_partitions").get(0).value())
                            .isEqualTo(1);
                });
                Scrape well = running.scrape();
                alerts().forEach((name, expression) ->
                        assertThat(well.fires(expression)).as(name).isFalse());
                assertThat(running.get("/observe/health/ready").statusCode()).isEqualTo(200);

                Query.execute(
                        target,
                        "insert into caravan.dead_letter (consumer, queue, batch_id, tick, tick_time, ev_id, ev_time,"
                                + " ev_type, error) values ('dispatch', 'orders', 1, 2, now(), 7, now(), 'I', 'x')");
                awaitAlert(running, "PgcaravanDeadLetters");

                Query.execute(target, "alter table orders add check (id <> 999)");
                Query.execute(source, "insert into orders values (999, '2026-10-01')");
                tick();
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> running.scrape()
                                        .named("pgcaravan_job_failing_seconds")
                                        .get(0)
                                        .value()
                                > 0);
                // by the time that the database has, not by this process'
                Query.execute(target, "update caravan.job set since = since - interval '10 minutes'");
                awaitAlert(running, "PgcaravanJobFailing");
                Query.execute(target, "alter table orders drop constraint orders_id_check");
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> !running.scrape().fires(alerts().get("PgcaravanJobFailing")));

                Query.execute(
                        source,
                        "select pgq.set_queue_config('orders', 'rotation_period', '3 hours')",
                        "update pgq.tick set tick_time = tick_time - interval '2 hours'");
                awaitAlert(running, "PgcaravanLag");
                awaitAlert(running, "PgcaravanQueueRotation");
                awaitAlert(running, "PgcaravanTickerDown");
                // the tick that the target stands at is another one now
                awaitAlert(running, "PgcaravanPositionLost");

                Query.execute(source, "insert into orders values (1000, '2026-10-01')");
                tick();
                awaitAlert(running, "PgcaravanJobDown");
                await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
                    var ready = running.get("/observe/health/ready");
                    assertThat(ready.statusCode()).isEqualTo(503);
                    assertThat(ready.body()).contains("dispatch", "lost position");
                });

                Query.execute(ship.target, "update caravan.import_set set set_id = gen_random_uuid()");
                Query.execute(ship.source, "update parcels set note = 'c' where id = 1");
                ship.exportOne("parcels");
                awaitAlert(running, "PgcaravanSetsDiverged");
                Query.execute(ship.source, "update parcels set note = 'd' where id = 1");
                ship.exportOne("parcels");
                for (String file : ship.files("")) {
                    if (file.contains("000000000002")) {
                        Files.delete(ship.directory.resolve(file));
                    }
                }
                awaitAlert(running, "PgcaravanSetsMissing");
                Query.execute(
                        ship.source,
                        "update caravan.export_set set published_at = now() - interval '2 hours' where acknowledged_at is"
                                + " null");
                awaitAlert(running, "PgcaravanSetsOverdue");
            } finally {
                source.close();
                target.close();
            }
        }
        assertThat(new Scrape("").fires(alerts().get("PgcaravanGone"))).isTrue();
    }

    @Test
    void a_database_that_is_down_and_an_export_that_does_not_run() throws Exception {
        try (Shipping ship = new Shipping(directory.resolve("drop"))) {
            ship.table("parcels", "create table parcels (id bigint primary key, note text)");
            ship.export("parcels");
            Query.execute(
                    ship.source,
                    "update caravan.export_set set reserved_at = reserved_at - interval '2 hours'",
                    "insert into parcels values (1, 'a')");
            Map<String, String> keys = Map.of(
                    "database.sourceDb.url",
                    ship.sourceUrl,
                    "database.targetDb.url",
                    "jdbc:postgresql://127.0.0.1:1/away?user=nobody");
            try (RunningApplication running = new RunningApplication(directory, Path.of("routes"), keys)) {
                awaitAlert(running, "PgcaravanDatabaseDown");
                awaitAlert(running, "PgcaravanExportLate");
                await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
                    var ready = running.get("/observe/health/ready");
                    assertThat(ready.statusCode()).isEqualTo(503);
                    assertThat(ready.body()).contains("targetDb", "127.0.0.1:1", "cannot be reached");
                });
            }
        }
    }

    @Test
    void a_disk_that_is_nearly_full() throws Exception {
        Path drop = Files.createDirectories(directory.resolve("drop"));
        assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", drop.toString()),
                "a small disk can be mounted here");
        try {
            Files.write(drop.resolve("large"), new byte[1_000_000]);
            Map<String, String> keys = Map.of(
                    "database.sourceDb.url", PgServer.get().createDatabase("metrics_disk"),
                    "database.targetDb.url", PgServer.get().createDatabase("metrics_disk"),
                    "dispatch.enabled", "false",
                    "import.enabled", "true",
                    "import.directory", drop.toString());
            try (RunningApplication running = new RunningApplication(directory, Path.of("routes"), keys)) {
                awaitAlert(running, "PgcaravanDropDirectoryNearlyFull");
            }
        } finally {
            run("umount", drop.toString());
        }
    }

    private static boolean run(String... command) throws Exception {
        return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor() == 0;
    }

    /** The shipped routes, the import on a database of its own. */
    private Path routes() throws Exception {
        Path routes = Files.createDirectories(directory.resolve("routes"));
        for (String name : List.of(
                "dispatch",
                "dispatch-rows",
                "dispatch-tables",
                "export",
                "import",
                "queue-mover",
                "queue-splitter",
                "ticker")) {
            String text = Files.readString(Path.of("routes", name + ".camel.yaml"));
            Files.writeString(
                    routes.resolve(name + ".camel.yaml"),
                    name.equals("import") ? text.replace("#targetDb", "#shipTargetDb") : text);
        }
        return routes;
    }

    private void applyABatch() throws Exception {
        await().atMost(Duration.ofSeconds(30)).until(() -> !Shipping.query(source, "select 1 from pgq.subscription")
                .isEmpty());
        Query.execute(source, "insert into orders select i, '2026-10-01' from generate_series(1, 100) i");
        tick();
        await().atMost(Duration.ofSeconds(30)).until(() -> Shipping.query(target, "select count(*)::text from orders")
                .get(0)
                .equals("100"));
    }

    private void tick() throws Exception {
        Query.execute(source, "select pgq.force_tick('orders')", "select pgq.ticker('orders')");
    }

    private static void awaitAlert(RunningApplication running, String name) throws Exception {
        String expression = alerts().get(name);
        await(name).atMost(Duration.ofSeconds(30)).until(() -> running.scrape().fires(expression));
    }
}
