package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pgcaravan.PgServer;
import io.pgcaravan.ship.Shipping;
import io.pgcaravan.sql.Query;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page on the management port: what it shows, what it lets people do, and what it does not. */
class ConsoleTest {

    private static final String TOKEN = "a-token-of-the-tests-0123456789";
    private static final String ALLOWED = "Bearer " + TOKEN;
    private static final String HOSTILE = "<img src=x onerror=\"document.title='owned'\">&lt;";

    @TempDir
    static Path directory;

    private static Connection source;
    private static Connection target;
    private static Shipping ship;
    private static RunningApplication running;

    @BeforeAll
    static void start() throws Exception {
        String sourceUrl = PgServer.get().createDatabaseWithPgq("console_source");
        String targetUrl = PgServer.get().createDatabase("console_target");
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
                "create table orders (id bigint check (id < 1000000), created_at timestamp, primary key (id, created_at))"
                        + " partition by range (created_at)");
        ship = new Shipping(directory.resolve("drop"));
        ship.table("parcels", "create table parcels (id bigint primary key, note text)");
        Query.execute(ship.source, "insert into parcels values (1, 'a'), (2, 'b')");
        ship.ship("parcels");

        Path routes = Files.createDirectories(directory.resolve("routes"));
        try (var files = Files.list(Path.of("routes"))) {
            for (Path file :
                    files.filter(found -> found.toString().endsWith(".yaml")).toList()) {
                String text = Files.readString(file);
                String name = file.getFileName().toString();
                Files.writeString(
                        routes.resolve(name),
                        name.startsWith("export") ? text.replace("#sourceDb", "#shipSourceDb") : text);
            }
        }
        Map<String, String> keys = new TreeMap<>(Map.of(
                "database.sourceDb.url",
                sourceUrl,
                "database.targetDb.url",
                targetUrl,
                "database.shipSourceDb.url",
                ship.sourceUrl,
                "dispatch.onError",
                "dead-letter",
                "export.enabled",
                "true",
                "export.tables",
                "public.parcels",
                "export.target",
                ship.to.toString(),
                "export.directory",
                ship.directory.toString(),
                "export.period",
                "3600000",
                "console.token",
                TOKEN));
        running = new RunningApplication(directory, routes, keys);
        await().atMost(Duration.ofSeconds(30)).until(() -> !Shipping.query(source, "select 1 from pgq.subscription")
                .isEmpty());
        Query.execute(
                source,
                "insert into orders select i, timestamp '2026-08-03' + i % 80 * interval '1 day' from"
                        + " generate_series(1, 4000) i where i % 7 < i % 80 / 11");
        tick();
        await().atMost(Duration.ofSeconds(30)).until(() -> rows() > 0);
    }

    @AfterAll
    static void stop() throws Exception {
        running.close();
        ship.close();
        source.close();
        target.close();
    }

    private static void tick() throws Exception {
        Query.execute(source, "select pgq.force_tick('orders')", "select pgq.ticker('orders')");
    }

    private static long rows() throws Exception {
        return Long.parseLong(
                Shipping.query(target, "select count(*)::text from orders").get(0));
    }

    private static void awaitTrue(Callable<Boolean> condition) {
        await().atMost(Duration.ofSeconds(30)).until(condition);
    }

    @Test
    void the_page_brings_all_it_needs_and_forbids_the_rest() throws Exception {
        var page = running.get("/");
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("Content-Security-Policy")).hasValueSatisfying(policy -> assertThat(policy)
                .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
                .doesNotContain("unsafe"));
        assertThat(page.headers().firstValue("Set-Cookie")).isEmpty();
        for (String file : new String[] {"/", "/console/console.js", "/console/console.css", "/console/icon.svg"}) {
            var response = running.get(file);
            assertThat(response.statusCode()).as(file).isEqualTo(200);
            assertThat(response.body().replace("http://www.w3.org/", ""))
                    .as(file)
                    .doesNotContain(
                            "http://", "https://", "innerHTML", "insertAdjacentHTML", "document.write", "eval(");
        }
        assertThat(running.get("/", "Sec-Fetch-Site", "cross-site").statusCode())
                .isEqualTo(403);
        assertThat(running.get("/console/status", "Origin", "http://evil.example")
                        .statusCode())
                .isEqualTo(403);
    }

    @Test
    void nobody_acts_without_the_token() throws Exception {
        assertThat(running.post("/console/suspend?route=dispatch").statusCode()).isEqualTo(401);
        assertThat(running.post("/console/suspend?route=dispatch", "Authorization", "Bearer " + TOKEN + "x")
                        .statusCode())
                .isEqualTo(401);
        assertThat(running.post("/console/suspend?route=dispatch", "Authorization", TOKEN)
                        .statusCode())
                .isEqualTo(401);
        assertThat(running.post(
                                "/console/suspend?route=dispatch",
                                "Authorization",
                                ALLOWED,
                                "Origin",
                                "http://evil.example")
                        .statusCode())
                .isEqualTo(403);
        assertThat(running.get("/console/suspend?route=dispatch", "Authorization", ALLOWED)
                        .statusCode())
                .isIn(404, 405);
        assertThat(running.post("/console/suspend?route=nosuch", "Authorization", ALLOWED)
                        .statusCode())
                .isEqualTo(404);
        assertThat(running.get("/console/status").body())
                .contains("\"route\":\"dispatch\",\"state\":\"Started\"")
                .doesNotContain(TOKEN);
    }

    @Test
    void a_route_is_suspended_and_resumed_and_an_export_asked_for() throws Exception {
        assertThat(running.post("/console/suspend?route=dispatch", "Authorization", ALLOWED)
                        .body())
                .contains("route dispatch is suspended; it keeps its lock");
        long before = rows();
        Query.execute(source, "insert into orders values (500000, '2026-10-02')");
        tick();
        awaitTrue(() -> running.get("/console/status").body().contains("\"state\":\"Suspended\""));
        assertThat(rows()).isEqualTo(before);
        assertThat(isLocked()).as("no other process goes on with it").isTrue();
        assertThat(running.post("/console/resume?route=dispatch", "Authorization", ALLOWED)
                        .body())
                .contains("route dispatch runs");
        awaitTrue(() -> rows() == before + 1);

        Query.execute(ship.source, "update parcels set note = note || '!'");
        assertThat(running.post("/console/export?route=export", "Authorization", ALLOWED)
                        .body())
                .contains("exported [public.parcels.");
        assertThat(running.post("/console/export?route=export", "Authorization", ALLOWED)
                        .body())
                .contains("nothing has changed");
        assertThat(running.post("/console/export?route=dispatch", "Authorization", ALLOWED)
                        .statusCode())
                .isEqualTo(404);
    }

    @Test
    void a_job_is_handed_over_to_the_process_that_stands_by() throws Exception {
        assertThat(running.get("/console/status").body())
                .contains("\"state\":\"Started\",\"dispatches\":true,\"runs\":true");
        assertThat(running.post("/console/hand-over?route=dispatch", "Authorization", ALLOWED)
                        .body())
                .contains("route dispatch is stopped in this process; its lock is free");
        assertThat(isLocked()).isFalse();
        awaitTrue(() -> running.get("/console/status")
                .body()
                .contains("\"state\":\"Stopped\",\"dispatches\":true,\"runs\":false"));
        assertThat(running.post("/console/resume?route=dispatch", "Authorization", ALLOWED)
                        .body())
                .contains("route dispatch runs");
        awaitTrue(ConsoleTest::isLocked);
        assertThat(running.post("/console/hand-over?route=export", "Authorization", ALLOWED)
                        .statusCode())
                .isEqualTo(404);
    }

    private static boolean isLocked() throws Exception {
        return !Shipping.query(
                        target,
                        "select 1 from pg_locks where locktype = 'advisory' and granted and database = (select oid from"
                                + " pg_database where datname = current_database())")
                .isEmpty();
    }

    @Test
    void the_health_says_where_the_console_is() throws Exception {
        assertThat(running.get("/observe/health/ready").body())
                .contains("for the console open " + running.url.replace("http://", "") + " in a browser");
    }

    @Test
    void a_dead_letter_is_shown_and_retried() throws Exception {
        long id = deadLetter(2_000_000);
        Query.execute(target, "alter table orders drop constraint orders_id_check");
        awaitTrue(() -> running.get("/console/status").body().contains("\"id\":" + id));
        assertThat(running.post("/console/retry?route=dispatch&id=" + id, "Authorization", ALLOWED)
                        .body())
                .contains("is loaded");
        assertThat(Shipping.query(target, "select 1 from orders where id = 2000000"))
                .hasSize(1);
        assertThat(running.post("/console/retry?route=dispatch&id=" + id, "Authorization", ALLOWED)
                        .statusCode())
                .isEqualTo(404);
        Query.execute(
                target,
                "delete from orders where id >= 1000000",
                "alter table orders add constraint orders_id_check check (id < 1000000)");
    }

    private static long deadLetter(long key) throws Exception {
        Query.execute(source, "insert into orders values (" + key + ", '2026-10-02')");
        tick();
        awaitTrue(() -> !Shipping.query(target, "select 1 from caravan.dead_letter where ev_data like '%" + key + "%'")
                .isEmpty());
        return Long.parseLong(
                Shipping.query(target, "select id::text from caravan.dead_letter where ev_data like '%" + key + "%'")
                        .get(0));
    }

    @Test
    void a_browser_shows_it_and_takes_nothing_that_is_shown_for_markup() throws Exception {
        assumeTrue(Browser.find().isPresent(), "there is a Chromium");
        Query.execute(
                target,
                "insert into caravan.dead_letter (consumer, queue, batch_id, tick, tick_time, ev_id, ev_time, ev_type,"
                        + " error) values ('dispatch', 'orders', 1, 2, now(), 7, now(), 'I', '"
                        + HOSTILE.replace("'", "''") + "')");
        try (Browser browser = new Browser(Browser.find().get(), directory.resolve("profile"), running.url + "/")) {
            browser.becomes(1280, 1600, false, "light");
            awaitTrue(() -> browser.text().contains(HOSTILE));
            assertThat(browser.text())
                    .contains("dispatch", "queue orders of sourceDb", "lag", "public.parcels", "acknowledged", "up");
            assertThat((String) browser.evaluate("document.title")).endsWith("pgcaravan");
            assertThat(browser.evaluate("document.querySelectorAll('main img').length")
                            .toString())
                    .isEqualTo("0");
            assertThat(Integer.parseInt(browser.evaluate("document.querySelectorAll('.calendar rect').length")
                            .toString()))
                    .isGreaterThanOrEqualTo(60);
            assertThat(browser.evaluate("document.querySelectorAll('main button').length")
                            .toString())
                    .isEqualTo("0");

            browser.evaluate("document.getElementById('token').value = '" + TOKEN
                    + "'; document.getElementById('unlock').requestSubmit()");
            awaitTrue(() -> browser.text().contains("Suspend"));
            browser.evaluate("[...document.querySelectorAll('[data-job=dispatch] button')].find("
                    + "button => button.textContent === 'Suspend').click()");
            awaitTrue(() -> browser.text().contains("route dispatch is suspended")
                    && browser.text().contains("Resume"));
            browser.evaluate("[...document.querySelectorAll('[data-job=dispatch] button')].find("
                    + "button => button.textContent === 'Resume').click()");
            awaitTrue(() -> browser.text().contains("route dispatch runs"));

            // the key that was used last leaves its mark where the page is drawn anew
            awaitTrue(() -> browser.text().contains("Hand over"));
            browser.evaluate("document.querySelector('[data-job=dispatch] button').focus({focusVisible: true})");
            String drawn = browser.evaluate("document.getElementById('at').textContent")
                    .toString();
            awaitTrue(() -> !browser.evaluate("document.getElementById('at').textContent")
                    .equals(drawn));
            assertThat(browser.evaluate(
                                    "document.activeElement.outerHTML + document.activeElement.matches(':focus-visible')")
                            .toString())
                    .contains("suspend?route=dispatch")
                    .endsWith("true");

            // nothing sticks out of a phone's screen
            browser.becomes(375, 740, true, "dark");
            awaitTrue(() -> browser.evaluate("document.documentElement.scrollWidth")
                    .toString()
                    .equals("375"));
            assertThat(browser.evaluate("getComputedStyle(document.body).backgroundColor")
                            .toString())
                    .isEqualTo("rgb(15, 19, 24)");
        } finally {
            Query.execute(target, "delete from caravan.dead_letter where ev_id = 7");
        }
    }
}
