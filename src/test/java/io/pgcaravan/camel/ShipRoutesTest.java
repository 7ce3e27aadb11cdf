package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.ship.Shipping;
import io.pgcaravan.sql.Query;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.apache.camel.health.HealthCheck.State;
import org.apache.camel.health.HealthCheckHelper;
import org.apache.camel.processor.errorhandler.DefaultErrorHandler;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** routes/export.camel.yaml and routes/import.camel.yaml as they ship, on real databases. */
class ShipRoutesTest {

    static final Path EXPORT = Path.of("routes/export.camel.yaml");
    static final Path IMPORT = Path.of("routes/import.camel.yaml");

    @TempDir
    Path directory;

    private Shipping ship;

    @BeforeEach
    void setUp() throws Exception {
        ship = new Shipping(directory.resolve("drop"));
    }

    @AfterEach
    void tearDown() throws Exception {
        ship.close();
    }

    static Map<String, String> settings(Shipping ship, String tables) {
        Map<String, String> settings = new TreeMap<>();
        settings.put("export.enabled", "true");
        settings.put("export.tables", tables);
        settings.put("export.target", ship.to.toString());
        settings.put("export.directory", ship.directory.toString());
        settings.put("export.period", "200");
        settings.put("export.compress", "none");
        settings.put("import.enabled", "true");
        settings.put("import.directory", ship.directory.toString());
        settings.put("import.period", "100");
        return settings;
    }

    private Job job(Path... routes) throws Exception {
        return new Job(ship.sourceUrl, ship.targetUrl, settings(ship, "public.orders"), null, routes);
    }

    private void orders(int rows) throws Exception {
        ship.table("orders", "create table orders (id bigint primary key, note text)");
        Query.execute(ship.source, "insert into orders select g, 'note ' || g from generate_series(1, " + rows + ") g");
    }

    private void awaitEqual(String... tables) {
        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
            for (String table : tables) {
                ship.assertEqual(table);
            }
        });
    }

    static State readiness(Job job) {
        return HealthCheckHelper.invokeReadiness(job.context()).stream()
                        .anyMatch(result -> result.getState() == State.DOWN)
                ? State.DOWN
                : State.UP;
    }

    static String why(Job job) {
        return HealthCheckHelper.invokeReadiness(job.context()).stream()
                .filter(result -> result.getState() == State.DOWN)
                .map(result -> result.getMessage().orElse(""))
                .findFirst()
                .orElse("");
    }

    @Test
    void a_table_follows_its_source_through_the_files() throws Exception {
        orders(1000);
        try (Job job = job(EXPORT, IMPORT)) {
            awaitEqual("orders");
            for (int i = 0; i < 3; i++) {
                Query.execute(
                        ship.source,
                        "update orders set note = 'changed " + i + "' where id % 3 = " + i,
                        "delete from orders where id % 10 = " + i,
                        "insert into orders values (" + (5000 + i) + ", null)");
                awaitEqual("orders");
            }
            assertThat(ship.files("failed")).isEmpty();
            assertThat(readiness(job)).isEqualTo(State.UP);
        }
    }

    @Test
    void several_tables_arrive_together() throws Exception {
        String ddl = "create table customers (id int primary key, name text)";
        ship.table("customers", ddl);
        ship.table("orders", "create table orders (id int primary key, customer int references customers)");
        Query.execute(
                ship.source,
                "insert into customers select g, 'c' || g from generate_series(1, 100) g",
                "insert into orders select g, g % 100 + 1 from generate_series(1, 500) g");
        Map<String, String> settings = settings(ship, "public.customers, public.orders");
        settings.put("export.compress", "zstd");
        try (Job job = new Job(ship.sourceUrl, ship.targetUrl, settings, null, EXPORT, IMPORT)) {
            awaitEqual("customers", "orders");
            Query.execute(
                    ship.source,
                    "update customers set name = 'renamed' where id = 1",
                    "begin; insert into customers values (101, 'new'); insert into orders values (501, 101); commit");
            awaitEqual("customers", "orders");
        }
        assertThat(ship.files("done")).anyMatch(file -> file.endsWith(".records.zst"));
    }

    @Test
    void a_groups_second_marker_that_comes_late_needs_no_stack_trace() throws Exception {
        ship.table("a", "create table a (id int primary key)");
        ship.table("b", "create table b (id int primary key)");
        Query.execute(ship.source, "insert into a values (1)", "insert into b values (1)");
        ship.export("a", "b");
        Path late = directory.resolve("late");
        Path marker = ship.directory.resolve("public.b.000000000001.done");
        Files.move(marker, late);
        // as Log4j does where it is not configured
        Configurator.setLevel(DefaultErrorHandler.class, Level.ERROR);
        try (LogLines handler = LogLines.of(DefaultErrorHandler.class);
                LogLines step = LogLines.of(ChangesetProducer.class);
                Job job = job(IMPORT)) {
            step.await("it waits for public.b.000000000001");
            Files.move(late, marker);
            awaitEqual("a", "b");
            assertThat(handler.text()).isEmpty();
            assertThat(readiness(job)).isEqualTo(State.UP);
        } finally {
            Configurator.setLevel(DefaultErrorHandler.class, Level.OFF);
        }
    }

    @Test
    void a_gap_waits_and_says_so_and_goes_on_when_the_missing_set_comes() throws Exception {
        orders(10);
        ship.ship("orders");
        Query.execute(ship.source, "update orders set note = 'second' where id = 2");
        ship.export("orders");
        Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
        for (String file : ship.files("")) {
            if (file.contains("000000000002")) {
                Files.move(ship.directory.resolve(file), elsewhere.resolve(file));
            }
        }
        Query.execute(ship.source, "update orders set note = 'third' where id = 3");
        ship.export("orders");
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(IMPORT)) {
            log.await("public.orders.000000000003");
            Query.execute(ship.source, "update orders set note = 'fourth' where id = 4");
            // the route goes round meanwhile, and says the same only once
            Thread.sleep(500);
            assertThat(log.text().lines()).hasSize(1);
            for (Path file : Files.list(elsewhere).sorted().toList()) {
                Files.move(file, ship.directory.resolve(file.getFileName()));
            }
            ship.export("orders");
            awaitEqual("orders");
            await().until(() -> readiness(job) == State.UP);
        }
    }

    @Test
    void a_damaged_set_goes_to_failed_and_the_route_goes_on_when_it_comes_again() throws Exception {
        orders(10);
        ship.ship("orders");
        Query.execute(ship.source, "update orders set note = 'second' where id = 2");
        ship.export("orders");
        Path records = ship.directory.resolve("public.orders.000000000002.records");
        Files.writeString(records, Files.readString(records).replace("second", "sEcond"));
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(IMPORT)) {
            log.await("public.orders.000000000002.records is damaged");
            await().atMost(Duration.ofSeconds(60)).until(() -> readiness(job) == State.DOWN);
            assertThat(why(job)).contains("public.orders.000000000002.records is damaged");
            assertThat(ship.files("failed")).contains("public.orders.000000000002.error");
            new io.pgcaravan.ship.exporter.Exporter(ship.sourceConnect()).again(ship.request("orders"), 2);
            awaitEqual("orders");
            await().atMost(Duration.ofSeconds(60)).until(() -> readiness(job) == State.UP);
        }
    }

    @Test
    void an_export_that_fails_says_so_and_works_again_by_itself() throws Exception {
        orders(10);
        Path away = directory.resolve("away");
        Files.move(ship.directory, away);
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(EXPORT)) {
            log.await("drop directory " + ship.directory + " is missing");
            assertThat(why(job)).contains("is missing");
            Files.move(away, ship.directory);
            await().atMost(Duration.ofSeconds(60)).until(() -> ship.files("").size() == 4);
            await().atMost(Duration.ofSeconds(60)).until(() -> readiness(job) == State.UP);
            ship.importWell();
            ship.assertEqual("orders");
        }
    }

    @Test
    void an_export_that_failed_is_tried_again_long_before_the_next_one_is_due_and_does_not_hold_up_a_stop()
            throws Exception {
        orders(10);
        Path away = directory.resolve("away");
        Files.move(ship.directory, away);
        Map<String, String> settings = settings(ship, "public.orders");
        settings.put("export.period", "86400000");
        settings.put("export.retryDelay", "100");
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = new Job(ship.sourceUrl, ship.targetUrl, settings, null, EXPORT)) {
            log.await("drop directory " + ship.directory + " is missing");
            Files.move(away, ship.directory);
            await().atMost(Duration.ofSeconds(20)).until(() -> ship.files("").size() == 4);
            await().atMost(Duration.ofSeconds(20)).until(() -> readiness(job) == State.UP);
        }
        Files.move(ship.directory, away);
        settings.put("export.retryDelay", "86400000");
        long stopped;
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = new Job(ship.sourceUrl, ship.targetUrl, settings, null, EXPORT)) {
            log.await("drop directory " + ship.directory + " is missing");
            stopped = System.nanoTime();
        }
        assertThat(Duration.ofNanos(System.nanoTime() - stopped)).isLessThan(Duration.ofSeconds(20));
        Files.move(away, ship.directory);
    }
}
